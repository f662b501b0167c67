"""A check of a trial, and values of a trial that several checks use."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from bench.analysis.numbers.distributions import quantile
from bench.analysis.trials.core_shares import Taken
from bench.results import Distribution, ProcessUsage, Trial, Usage


class Cause(enum.Enum):
    """What the checks of one file are about."""

    PROCESSES = enum.auto()
    SERVER = enum.auto()
    PUBLISHER = enum.auto()
    LOAD_GENERATOR = enum.auto()
    MACHINE = enum.auto()


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a trial. `observe` returns the observation in words, or None where there is nothing to report."""

    name: str
    disqualifying: bool
    threshold: str
    reason: str
    remedy: str
    observe: Callable[[Trial], str | None]


def at(distribution: Distribution | None, q: float) -> float | None:
    """A quantile in ns; None without a distribution or without values."""
    return None if distribution is None else quantile(distribution, q)


def measured_usage(trial: Trial) -> Usage | None:
    """The usage of a trial that has a measured part."""
    return trial.usage if trial.usage is not None and trial.usage.window_ns > 0 else None


def cpu_ns(*processes: ProcessUsage | None) -> int:
    """Their CPU time together; None stands for a process that does not exist."""
    return sum(process.cpu_ns for process in processes if process is not None)


def shares_one_core(trial: Trial) -> bool:
    """Whether server and load side share the only core."""
    return trial.machine is not None and len(trial.machine.cores) == 1


def by_others(trial: Trial) -> Taken | None:
    """CPU time on the trial's cores of processes that do not belong to the trial; None where it is not measurable, as
    with a broker on this machine whose process is not known."""
    if trial.broker is not None and trial.broker.here and trial.broker_not_measured:
        return None
    return at_most_by_others(trial)


def at_most_by_others(trial: Trial) -> Taken | None:
    """The same, and the CPU time of a broker whose process is not known."""
    usage, machine = measured_usage(trial), trial.machine
    if usage is None or machine is None or machine.busy_ns is None:
        return None
    # Both run on the first core. A Redis of REDIS_URL may run on any: what others used of the first is then the least.
    server_ns = cpu_ns(usage.server, usage.broker)
    all_ns = max(0, machine.busy_ns - server_ns - cpu_ns(usage.publisher, usage.proxy, *usage.load))
    first_ns = None if machine.first_busy_ns is None else max(0, machine.first_busy_ns - server_ns)
    return Taken(all_ns, first_ns)
