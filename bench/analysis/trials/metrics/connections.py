"""What it takes to connect, and what an open connection costs."""

from __future__ import annotations

from collections.abc import Iterable

from bench.analysis.trials.metrics._metric import Metric
from bench.analysis.trials.metrics._reading import Line, arrived, both, line, of_distribution, per
from bench.analysis.trials.metrics._where import of_kind
from bench.results import IdleStep, Trial
from bench.scenarios import Arrivals, IdleSteps

ORDER = 40  # among the tables


def memory_bytes(trial: Trial, step: IdleStep) -> float | None:
    """Memory of server and broker together at one idle step; None where it is not measurable."""
    return both(trial, step, "pss_bytes")


def memory_line(trials: Iterable[Trial]) -> Line | None:
    """Memory of server and broker against connected subscribers, over the idle steps of all trials."""
    return line([(step.subscribers, memory_bytes(trial, step)) for trial in trials for step in trial.idle])


def _connection_memory(trial: Trial) -> float | None:
    fitted = memory_line([trial])
    return None if fitted is None else fitted.slope


def _connection_cpu(trial: Trial) -> float | None:
    rates = [(step.subscribers, both(trial, step, "cpu_ns"), step.window_ns) for step in trial.idle]
    fitted = line([(n, None if cpu is None or not span else cpu * 1e9 / span) for n, cpu, span in rates])
    return None if fitted is None else fitted.slope


def _arrivals_rate(trial: Trial) -> float | None:
    storm = arrived(trial)
    return None if storm is None else per(1e9 * storm.subscribers, storm.window_ns)


METRICS = (
    Metric("connect_p50", "time to connect, median", "ns", "lower", of_distribution("connect", 0.5), headline=True),
    Metric("connection_memory", "memory per connection", "memory bytes", "lower", _connection_memory,
           where=of_kind(IdleSteps), headline=True),
    Metric("connection_cpu", "idle CPU per connection, without keep-alives", "ns per s", "lower", _connection_cpu,
           where=of_kind(IdleSteps), headline=True),
    Metric("arrivals_rate", "connects per second", "per s", "higher", _arrivals_rate, where=of_kind(Arrivals)),
    Metric("connect_p99", "time to connect, p99", "ns", "lower", of_distribution("connect", 0.99),
           where=of_kind(Arrivals)),
)  # fmt: skip
