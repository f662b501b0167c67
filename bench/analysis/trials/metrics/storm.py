"""A storm of connects: how soon all are subscribed, what each costs, and what the server keeps open."""

from __future__ import annotations

from bench.analysis.trials.metrics._metric import Metric
from bench.analysis.trials.metrics._reading import arrived, per
from bench.analysis.trials.metrics._where import of_kind
from bench.results import Trial
from bench.scenarios import Arrivals

ORDER = 80  # among the tables


def _all_connected(trial: Trial) -> float | None:
    storm = arrived(trial)
    return None if storm is None else float(storm.window_ns)


def _arrival_cpu(trial: Trial) -> float | None:
    storm = arrived(trial)
    if storm is None or storm.broker_cpu_ns is None:
        return None
    return per(storm.server_cpu_ns + storm.broker_cpu_ns, storm.subscribers)


def _released(trial: Trial) -> float | None:
    released_ns = trial.storm.fds_released_ns if trial.storm else None
    return None if released_ns is None else float(released_ns)


METRICS = (
    Metric("all_connected", "time until all subscribers of a storm are subscribed", "ns", "lower", _all_connected,
           where=of_kind(Arrivals), headline=True),
    Metric("arrival_cpu", "server and broker CPU per arrival", "ns", "lower", _arrival_cpu, where=of_kind(Arrivals),
           headline=True),
    Metric("fds_back", "time until the server has closed the connections of subscribers that left", "ns", "lower",
           _released, where=of_kind(Arrivals)),
)  # fmt: skip
