"""What is lost, repeated and recovered where faults are injected."""

from __future__ import annotations

from collections.abc import Callable

from bench.analysis.trials.metrics._metric import Metric
from bench.analysis.trials.metrics._where import faulty, taking_away
from bench.results import Trial

ORDER = 90  # among the tables


def _counted(name: str) -> Callable[[Trial], float | None]:
    return lambda trial: None if trial.ledger is None else float(getattr(trial.ledger, name))


def _recovered(trial: Trial) -> float | None:
    return None if trial.reconnects is None else float(trial.reconnects.recovered_deliveries)


def _recovery(trial: Trial) -> float | None:
    """The time to recover; None also where a subscriber never recovered, which the report states in words."""
    return None if trial.outage is None else trial.outage.recovered_ns


METRICS = (
    Metric("lost", "deliveries lost", "count", "lower", _counted("lost"), where=faulty),
    Metric("signalled", "lost deliveries within signalled gaps", "count", "lower",
           _counted("signalled"), where=faulty),
    Metric("duplicated", "deliveries repeated", "count", "lower", _counted("duplicated"), where=faulty),
    Metric("reordered", "deliveries out of order", "count", "lower", _counted("reordered"), where=faulty),
    Metric("recovered", "deliveries missed while disconnected and delivered afterwards", "count", "higher",
           _recovered, where=faulty),
    Metric("recovery", "time to recover after the broker's return", "ns", "lower", _recovery, where=taking_away,
           headline=True),
)  # fmt: skip
