"""What the instrument itself costs, and how late it is."""

from __future__ import annotations

from collections.abc import Callable

from bench.analysis.numbers.distributions import quantile
from bench.analysis.trials.metrics._metric import Metric
from bench.analysis.trials.metrics._reading import of_distribution, per
from bench.results import Distribution, Trial

ORDER = 100  # among the tables


def _load_cpu(trial: Trial) -> float | None:
    return None if trial.usage is None else per(sum(load.cpu_ns for load in trial.usage.load), trial.usage.deliveries)


def _headroom(probe: str, q: float) -> Callable[[Trial], float | None]:
    def read(trial: Trial) -> float | None:
        distribution: Distribution | None = getattr(trial.headroom, probe, None)
        return None if distribution is None else quantile(distribution, q)

    return read


METRICS = (
    Metric("load_cpu", "generator CPU per received message", "ns", "lower", _load_cpu),
    Metric("loop_lag_p99", "event-loop delay of the generator, p99", "ns", "lower", _headroom("loop_delay", 0.99)),
    Metric("unread_p50", "time that data waits in the generator's sockets, median", "ns", "lower",
           _headroom("read_delay", 0.5)),
    Metric("unread_p99", "time that data waits in the generator's sockets, p99", "ns", "lower",
           _headroom("read_delay", 0.99)),
    Metric("slip_p99", "publisher slip, p99", "ns", "lower", of_distribution("slip", 0.99)),
)  # fmt: skip
