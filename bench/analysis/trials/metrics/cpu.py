"""CPU time of the server side for each delivery."""

from __future__ import annotations

from bench.analysis.trials.metrics._metric import Metric
from bench.analysis.trials.metrics._reading import per
from bench.analysis.trials.metrics._where import for_all_alike
from bench.results import IdleStep, Trial, Usage

ORDER = 20  # among the tables


def broker_ns(trial: Trial, part: Usage | IdleStep) -> int | None:
    """CPU time of the broker in a part of a trial: zero without a broker, None if its process is not known."""
    if part.broker is not None:
        return part.broker.cpu_ns
    return None if trial.broker_not_measured else 0


def server_side_ns(trial: Trial, part: Usage | IdleStep) -> int | None:
    """CPU time of the server and its broker, in the measured part or at an idle step; None if one is not known."""
    of_broker = broker_ns(trial, part)
    return None if of_broker is None else part.server.cpu_ns + of_broker


def _server_cpu(trial: Trial) -> float | None:
    return None if trial.usage is None else per(trial.usage.server.cpu_ns, trial.usage.deliveries)


def _broker_cpu(trial: Trial) -> float | None:
    """CPU of the broker per delivery; zero for a variant without a broker."""
    return None if trial.usage is None else per(broker_ns(trial, trial.usage), trial.usage.deliveries)


def _total_cpu(trial: Trial) -> float | None:
    server, broker = _server_cpu(trial), _broker_cpu(trial)
    return None if server is None or broker is None else server + broker


METRICS = (
    Metric("cpu", "server and broker CPU per delivered message", "ns", "lower", _total_cpu, where=for_all_alike,
           headline=True),
    Metric("server_cpu", "server CPU per delivered message", "ns", "lower", _server_cpu, where=for_all_alike),
    Metric("broker_cpu", "broker CPU per delivered message", "ns", "lower", _broker_cpu, where=for_all_alike),
)  # fmt: skip
