"""One entry of the list, and the few readings of a trial that several entries share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.analysis.numbers.distributions import quantile
from bench.results import Distribution, ProcessUsage, Trial, Usage


@dataclass(frozen=True, slots=True)
class Check:
    """One way in which a trial can be doubted. `observe` returns what was seen, or None when nothing was."""

    name: str
    disqualifying: bool
    threshold: str
    reason: str
    remedy: str
    observe: Callable[[Trial], str | None]


def at(distribution: Distribution | None, q: float) -> float | None:
    """A quantile in ns; None where there is nothing to take it of."""
    return None if distribution is None else quantile(distribution, q)


def measured_usage(trial: Trial) -> Usage | None:
    """The usage of a trial that has a measured part."""
    return trial.usage if trial.usage is not None and trial.usage.window_ns > 0 else None


def cpu_ns(*processes: ProcessUsage | None) -> int:
    """What they used together; those that are not there used nothing."""
    return sum(process.cpu_ns for process in processes if process is not None)


def load_cores(trial: Trial) -> int:
    """How many cores the load side has: all but the first, which is the server's, unless that is the only one."""
    return max(1, len(trial.machine.cores) - 1) if trial.machine else 1


def shares_one_core(trial: Trial) -> bool:
    """Whether both sides run on the same, only core."""
    return trial.machine is not None and len(trial.machine.cores) == 1


def others_ns(trial: Trial) -> int | None:
    """CPU time on the trial's cores of everybody who has no part in the trial; None where it cannot be told."""
    usage, machine = measured_usage(trial), trial.machine
    if usage is None or machine is None or machine.busy_ns is None:
        return None
    return max(0, machine.busy_ns - cpu_ns(usage.server, usage.broker, usage.publisher, usage.proxy, *usage.load))
