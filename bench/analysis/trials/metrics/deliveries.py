"""How much is delivered at once, in a burst, and at most."""

from __future__ import annotations

from bench.analysis.trials.metrics._metric import Metric
from bench.analysis.trials.metrics._reading import of_distribution, per
from bench.analysis.trials.metrics._where import fan_out, in_bursts, of_kind
from bench.analysis.trials.rate_search import RESOLUTION, sustained
from bench.results import Trial
from bench.scenarios import Search

ORDER = 60  # among the tables


def _batch(trial: Trial) -> float | None:
    """Deliveries per request; with push, per segment, because a segment carries what was written together."""
    wire = trial.wire
    return None if wire is None else per(wire.deliveries, wire.requests or wire.segments_in or 0)


def _sustained(trial: Trial) -> float | None:
    return sustained(trial.capacity)


def _delivered_per_second(trial: Trial) -> float | None:
    rate_hz, subscribers = sustained(trial.capacity), trial.parameters.get("subscribers")
    return rate_hz * subscribers if rate_hz is not None and isinstance(subscribers, int) else None


def _delivered_share(trial: Trial) -> float | None:
    return None if trial.ledger is None else per(trial.ledger.delivered, trial.ledger.expected)


METRICS = (
    Metric("batch", "messages per response, or per segment with push", "count", "higher", _batch,
           where=fan_out),
    Metric("burst_p50", "time until all subscribers have the whole burst, median", "ns", "lower",
           of_distribution("bursts", 0.5), where=in_bursts, headline=True),
    Metric("capacity", "messages per second sustained", "per s", "higher", _sustained, where=of_kind(Search),
           headline=True, resolution=RESOLUTION),
    Metric("capacity_deliveries", "deliveries per second sustained", "per s", "higher", _delivered_per_second,
           where=of_kind(Search), resolution=RESOLUTION),
    Metric("delivered_share", "share of messages delivered", "share", "higher", _delivered_share),
)  # fmt: skip
