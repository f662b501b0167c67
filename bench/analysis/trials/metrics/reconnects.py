"""How subscribers come back after they lost their connections, and what they miss meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from bench.analysis.numbers.distributions import quantile
from bench.analysis.trials.metrics._metric import Metric
from bench.analysis.trials.metrics._reading import per
from bench.analysis.trials.metrics._where import disconnecting, replacing
from bench.results import Restart, Trial

ORDER = 70  # among the tables


def _back(q: float) -> Callable[[Trial], float | None]:
    """The time until the share q of all disconnected subscribers is back; None where fewer came back."""

    def read(trial: Trial) -> float | None:
        time = None if trial.reconnects is None else trial.reconnects.reconnect_time
        if trial.reconnects is None or time is None or not time.count:
            return None
        share = q * trial.reconnects.disconnects / time.count
        return quantile(time, share) if share <= 1 else None

    return read


def _fresh(trial: Trial) -> float | None:
    return None if trial.reconnects is None else quantile(trial.reconnects.catch_up_time, 0.5)


def _attempts_peak(trial: Trial) -> float | None:
    reconnects = trial.reconnects
    return None if reconnects is None else per(max(reconnects.attempt_slots, default=0), reconnects.attempts)


def _unsignalled(trial: Trial) -> float | None:
    return None if trial.ledger is None else float(trial.ledger.lost - trial.ledger.signalled)


def _unsent(trial: Trial) -> float | None:
    subscribers = trial.parameters.get("subscribers")
    if trial.reconnects is None or trial.ledger is None or not isinstance(subscribers, int):
        return None
    return per(trial.reconnects.unsent_messages * subscribers, trial.ledger.expected)


def _restart(of: Callable[[Restart], tuple[int | None, int | None]]) -> Callable[[Trial], float | None]:
    """By how much the second of two numbers of a restart exceeds the first."""

    def read(trial: Trial) -> float | None:
        first, second = of(trial.restart) if trial.restart else (None, None)
        return None if first is None or second is None else float(second - first)

    return read


METRICS = (
    Metric("back_p50", "time until half of the disconnected subscribers are back", "ns", "lower", _back(0.5),
           where=replacing),
    Metric("back_p95", "time until 95\u00a0% of the disconnected subscribers are back", "ns", "lower", _back(0.95),
           where=replacing),
    Metric("back_all", "time until all disconnected subscribers are back", "ns", "lower", _back(1.0), where=replacing),
    Metric("fresh_p50", "time from the first reconnect attempt until no message is missing, median", "ns", "lower",
           _fresh, where=disconnecting),
    Metric("attempts_peak", "largest share of all reconnect attempts within a tenth of a second", "share", "lower",
           _attempts_peak, where=replacing),
    Metric("unsignalled", "messages lost without a signalled gap", "count", "lower",
           _unsignalled, where=disconnecting),
    Metric("unsent", "share of messages not sent because no server was running", "share", "lower",
           _unsent, where=replacing),
    Metric("without_server", "time without a server", "ns", "lower",
           _restart(lambda one: (one.ended_ns, one.ready_ns)), where=replacing),
    Metric("restart_fds", "growth in open descriptors of the server across its restart", "count", "lower",
           _restart(lambda one: (one.fds_before, one.fds_after)), where=replacing),
    Metric("restart_memory", "growth in memory of the server across its restart", "memory bytes", "lower",
           _restart(lambda one: (one.memory_before_bytes, one.memory_after_bytes)), where=replacing),
)  # fmt: skip
