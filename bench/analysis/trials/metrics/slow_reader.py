"""What becomes of a subscriber that reads slowly, and of the memory of its server."""

from __future__ import annotations

from collections.abc import Callable

from bench.analysis.trials.metrics._metric import Metric
from bench.analysis.trials.metrics._reading import per
from bench.analysis.trials.metrics._where import one_apart
from bench.results import SlowReader, Trial

ORDER = 50  # among the tables


def _slow(value: Callable[[SlowReader], float | None]) -> Callable[[Trial], float | None]:
    return lambda trial: None if trial.slow_reader is None else value(trial.slow_reader)


def _growth(trial: Trial) -> float | None:
    """Of the memory of the server side; None if its broker is not measured."""
    slow = None if trial.broker_not_measured else trial.slow_reader
    return None if slow is None else slow.memory_peak_bytes - slow.memory_before_bytes


METRICS = (
    Metric("memory_growth", "largest growth of server memory while a reader is slow", "memory bytes", "lower",
           _growth, where=one_apart, headline=True),
    Metric("slow_received", "share of messages received by the slow reader", "share", "higher",
           _slow(lambda slow: per(slow.messages, slow.messages + slow.lost)), where=one_apart, headline=True),
    Metric("slow_lost", "messages lost by the slow reader", "count", "lower", _slow(lambda slow: slow.lost),
           where=one_apart),
    Metric("slow_told", "share of the slow reader's losses within signalled gaps", "share", "higher",
           _slow(lambda slow: per(slow.signalled, slow.lost)), where=one_apart),
    Metric("slow_closed", "number of times the server closed the slow reader's connection", "count", "lower",
           _slow(lambda slow: slow.closed_by_server), where=one_apart),
)  # fmt: skip
