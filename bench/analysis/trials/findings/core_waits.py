"""Whether server and load generator could run on their cores when they were ready to.

The kernel counts the time that a process was ready and did not run (`run_queue_wait_ns`). The trial itself causes a
part of it: a server waits for its broker, which shares its core, and the load generator for the publisher and the
proxy. The rest is waiting for other processes, for the hypervisor, and for the next period of a CPU quota.

On an idle machine the rest is below a tenth of the process's CPU time; with a busy process pinned to the core, it is
0.3 to 4 times that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bench.analysis.trials.core_shares import load_cores
from bench.analysis.trials.findings._check import (
    Cause,
    Check,
    at_most_by_others,
    cpu_ns,
    measured_usage,
    shares_one_core,
)
from bench.results import ProcessUsage, Trial, Usage
from bench.units import duration, quantity


@dataclass(frozen=True, slots=True)
class Limit:
    """The longest allowed wait: shares of the process's CPU time and of the window, both of which must be exceeded."""

    of_work: float
    of_window: float

    def __str__(self) -> str:
        return f"above {self.of_work:.0%} of its own CPU time and {self.of_window:.0%} of the time"


SOME_TIME = Limit(0.25, 0.01)
LONG = Limit(1.0, 0.05)

# The processes to check, each with the processes of the trial that share its core.
Side = Callable[[Trial, Usage], Iterable[tuple[ProcessUsage, list[ProcessUsage | None]]]]


def _server(trial: Trial, usage: Usage) -> Iterable[tuple[ProcessUsage, list[ProcessUsage | None]]]:
    """None if its broker may share its core and is not measured: the server may have waited for that."""
    if trial.broker is not None and trial.broker.here and trial.broker_not_measured:
        return
    load_side = [*usage.load, usage.publisher, usage.proxy] if shares_one_core(trial) else []
    yield usage.server, [usage.broker, *load_side]


def _load(trial: Trial, usage: Usage) -> Iterable[tuple[ProcessUsage, list[ProcessUsage | None]]]:
    crowded = len(usage.load) > load_cores(trial)
    server_side = [usage.server, usage.broker] if shares_one_core(trial) else []
    for load in usage.load:
        siblings = [other for other in usage.load if other is not load] if crowded else []
        yield load, [usage.publisher, usage.proxy, *siblings, *server_side]


def _waited_ns(trial: Trial, process: ProcessUsage, neighbours: list[ProcessUsage | None]) -> int:
    """How long a process waited for processes outside of the trial; 0 where the kernel does not report it.

    At most the time that those, the hypervisor and a CPU quota took, where that is known: the threads of one process
    wait for each other too, and that does not count.
    """
    waited_ns = max(0, (process.run_queue_wait_ns or 0) - cpu_ns(*neighbours))
    outside = at_most_by_others(trial)
    if outside is None or trial.machine is None:
        return waited_ns
    return min(waited_ns, outside.all_ns + (trial.machine.steal_ns or 0) + (trial.machine.throttled_ns or 0))


def _held_up(who: str, side: Side, limit: Limit) -> Callable[[Trial], str | None]:
    def observe(trial: Trial) -> str | None:
        usage = measured_usage(trial)
        if usage is None:
            return None
        for process, neighbours in side(trial, usage):
            waited_ns = _waited_ns(trial, process, neighbours)
            share = waited_ns / usage.window_ns
            if waited_ns > limit.of_work * process.cpu_ns and share > limit.of_window:
                waited = f"waited {duration(waited_ns)} for its core, {quantity(share, 'share')} of the time"
                return f"the {who} {waited}; its CPU time was {duration(process.cpu_ns)}"
        return None

    return observe


QUIET = "stop other work on this machine, or give each side a core of its own"

ORDER, CAUSE = 60, Cause.MACHINE

CHECKS = (
    Check("generator waited for its core", False,
          f"waits of the load generator for its core (not for publisher or proxy) {SOME_TIME}",
          "messages that arrive meanwhile are read late, and above 1 % of the time this is in the p99", QUIET,
          _held_up("load generator", _load, SOME_TIME)),
    Check("generator waited long for its core", True,
          f"waits of the load generator for its core (not for publisher or proxy) {LONG}",
          "it waited longer than it worked: it measured its own waiting", QUIET,
          _held_up("load generator", _load, LONG)),
    Check("server waited for its core", False,
          f"waits of the server for its core (not for its broker) {SOME_TIME}",
          "the work of other processes on its core is then a part of its latency", QUIET,
          _held_up("server", _server, SOME_TIME)),
    Check("server waited long for its core", True,
          f"waits of the server for its core (not for its broker) {LONG}",
          "it waited longer than it worked: its latency is that of other processes", QUIET,
          _held_up("server", _server, LONG)),
)  # fmt: skip
