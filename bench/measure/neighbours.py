"""Which other programs use the cores of a trial now, and how much of them."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from bench.measure import conditions, usage

LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What other processes used of some cores in a window: CPU time on all of them and on the first, at least, and of
    the programs that used most the names with their share of one core, most first."""

    window_ns: int
    busy_ns: int
    first_busy_ns: int
    programs: list[tuple[str, float]]


def look(cores: Sequence[int], seconds: float = LOOK_S) -> Neighbours | None:
    """What others used of `cores` in the next `seconds`, without this process and its descendants; None where that is
    not visible. Programs may also have run on other cores."""
    ours = set(usage.process_tree(os.getpid()))
    own_ns, first, before = _cpu_ns(ours), conditions.read_counters(cores), _by_process(ours)
    if first.all.unused_ns is None:
        return None
    time.sleep(seconds)
    spans = conditions.spans(first, conditions.read_counters(cores))
    span = spans.all
    if span.busy_ns is None or not span.window_ns:
        return None
    used: dict[str, float] = {}
    for process, (name, cpu_s) in _by_process(ours).items():
        spent_s = cpu_s - before.get(process, (name, cpu_s))[1]
        used[name] = used.get(name, 0.0) + spent_s * 1e9 / span.window_ns
    spent_ns = _cpu_ns(ours) - own_ns  # by this process and its descendants, on any core
    programs = sorted(((name, share) for name, share in used.items() if share > 0.01), key=lambda pair: -pair[1])
    return Neighbours(
        span.window_ns, max(0, span.busy_ns - spent_ns), max(0, (spans.first.busy_ns or 0) - spent_ns), programs
    )


def _cpu_ns(pids: set[int]) -> int:
    total = 0
    for pid in pids:
        try:
            total += usage.cpu_clock_ns(pid)
        except ProcessLookupError:
            continue
    return total


def _by_process(but: set[int]) -> dict[tuple[int, float], tuple[str, float]]:
    """Every visible process but these: by number and start its name and its CPU time in seconds."""
    processes = {}
    for process in psutil.process_iter(["pid", "create_time", "name", "cpu_times"]):
        facts = process.info
        if facts["pid"] not in but and facts["cpu_times"] is not None:
            cpu_s = facts["cpu_times"].user + facts["cpu_times"].system
            processes[facts["pid"], facts["create_time"]] = (str(facts["name"]), cpu_s)
    return processes
