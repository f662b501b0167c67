"""Shares of the cores that a trial uses: the server's core, and as many of the others as the load side has processes.

A trial suffers from what happens on these cores, however many the machine has. The first core is the server's. The
processes of the load side may run on any of the others, so one that is busy with other work does no harm while another
is free. Each side counts half: on a machine with two cores, the result is the share of both cores' time.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.results import Trial

# Load generator and publisher; what a trial has unless its record lists its processes.
LOAD_PROCESSES = 2


@dataclass(frozen=True, slots=True)
class Taken:
    """Time that is lost to a trial on its cores: on all of them together, and on the server's core. `first_ns`: None
    where only the sum over all cores is known."""

    all_ns: int
    first_ns: int | None


def load_cores(trial: Trial) -> int:
    """The number of cores of the load side: all but the first, which is the server's, unless there is only one."""
    return max(1, len(trial.machine.cores) - 1) if trial.machine else 1


def load_processes(trial: Trial) -> int:
    """The number of processes on the load side of a trial."""
    usage = trial.usage
    if usage is None:
        return LOAD_PROCESSES
    return max(1, len(usage.load) + sum(one is not None for one in (usage.publisher, usage.proxy)))


def used_cores(core_count: int, processes: int) -> int:
    """How many cores a trial uses at once, when its load side has this number of processes."""
    return 1 if core_count == 1 else min(core_count, 1 + processes)


def share(taken: Taken, window_ns: int, core_count: int, processes: int, *, avoidable: bool) -> float:
    """The share of the used cores' time that was taken, 0 to 1.

    avoidable: whether the load side could move to a core that is free, as from other processes; time that a hypervisor
    takes cannot be avoided.
    """
    if core_count == 1 or taken.first_ns is None:
        return taken.all_ns / (window_ns * core_count)
    used = used_cores(core_count, processes) - 1
    load_ns = max(0, taken.all_ns - taken.first_ns)
    if avoidable:
        load_ns = max(0, load_ns - (core_count - 1 - used) * window_ns)
    first, load = taken.first_ns / window_ns, load_ns / (window_ns * used)
    return (min(1.0, first) + min(1.0, load)) / 2
