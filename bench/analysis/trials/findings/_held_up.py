"""Whether server and load generator got their cores when they had something to do there.

The kernel counts how long a process was ready to run and did not (`run_queue_wait_ns`). Part of that is our own doing:
a server waits for its broker, with whom it shares a core, and the load generator for the publisher and the proxy. What
is left they waited for strangers, and for the hypervisor.

On an idle machine that is below a tenth of their own CPU time; with a busy process pinned to the core, 0.3 to 4
times it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bench.analysis.trials.findings._check import (
    Check,
    cpu_ns,
    load_cores,
    measured_usage,
    others_ns,
    shares_one_core,
)
from bench.results import ProcessUsage, Trial, Usage
from bench.units import duration, quantity


@dataclass(frozen=True, slots=True)
class Limit:
    """How long is too long: more than both shares, of the process's own CPU time and of the window."""

    of_work: float
    of_window: float

    def __str__(self) -> str:
        return f"above {self.of_work:.0%} of its own CPU time and {self.of_window:.0%} of the time"


SOME_TIME = Limit(0.25, 0.01)
LONG = Limit(1.0, 0.05)

Side = Callable[[Trial, Usage], Iterable[tuple[ProcessUsage, list[ProcessUsage | None]]]]
"""The processes in question, each with those that it may have waited for by our own doing."""


def _server(trial: Trial, usage: Usage) -> Iterable[tuple[ProcessUsage, list[ProcessUsage | None]]]:
    load_side = [*usage.load, usage.publisher, usage.proxy] if shares_one_core(trial) else []
    yield usage.server, [usage.broker, *load_side]


def _load(trial: Trial, usage: Usage) -> Iterable[tuple[ProcessUsage, list[ProcessUsage | None]]]:
    crowded = len(usage.load) > load_cores(trial)
    server_side = [usage.server, usage.broker] if shares_one_core(trial) else []
    for load in usage.load:
        siblings = [other for other in usage.load if other is not load] if crowded else []
        yield load, [usage.publisher, usage.proxy, *siblings, *server_side]


def _waited_ns(trial: Trial, process: ProcessUsage, neighbours: list[ProcessUsage | None]) -> int:
    """How long a process waited for others than its neighbours; 0 where the kernel does not tell.

    Never more than strangers and the hypervisor took of the cores, where that is known: the threads of one process wait
    for each other as well, which is its own affair.
    """
    waited_ns = max(0, (process.run_queue_wait_ns or 0) - cpu_ns(*neighbours))
    strangers_ns = others_ns(trial)
    if strangers_ns is None or trial.machine is None:
        return waited_ns
    return min(waited_ns, strangers_ns + (trial.machine.steal_ns or 0))


def _held_up(who: str, side: Side, limit: Limit) -> Callable[[Trial], str | None]:
    def observe(trial: Trial) -> str | None:
        usage = measured_usage(trial)
        if usage is None:
            return None
        for process, neighbours in side(trial, usage):
            waited_ns = _waited_ns(trial, process, neighbours)
            share = waited_ns / usage.window_ns
            if waited_ns > limit.of_work * process.cpu_ns and share > limit.of_window:
                waited = f"waited {duration(waited_ns)}, {quantity(share, 'share')} of the time"
                return f"the {who} {waited}, to do {duration(process.cpu_ns)} of work"
        return None

    return observe


QUIET = "stop other work on this machine, or run where both sides can have a core alone"

CHECKS = (
    Check("generator waited for its core", False,
          f"waits of the load generator for its core, the turns of publisher and proxy apart, {SOME_TIME}",
          "what arrives meanwhile is read late, and above 1 % of the time the 99 % cannot but show it", QUIET,
          _held_up("load generator", _load, SOME_TIME)),
    Check("generator waited long for its core", True,
          f"waits of the load generator for its core, the turns of publisher and proxy apart, {LONG}",
          "it waited longer than it worked: what it measured is the waiting", QUIET,
          _held_up("load generator", _load, LONG)),
    Check("server waited for its core", False,
          f"waits of the server for its core, its broker's turns apart, {SOME_TIME}",
          "the work of others on its core is then part of its latency", QUIET, _held_up("server", _server, SOME_TIME)),
    Check("server waited long for its core", True,
          f"waits of the server for its core, its broker's turns apart, {LONG}",
          "it waited longer than it worked: its latency is that of whoever it waited for", QUIET,
          _held_up("server", _server, LONG)),
)  # fmt: skip
