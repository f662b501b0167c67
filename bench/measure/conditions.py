"""What the cores of a trial do, whoever makes them: everybody's CPU time, stolen time, clock frequencies.

A core's busy time is what is left of the clock when it was neither idle, nor stolen, nor at the work of interrupts.
Linux times the idle loop to the microsecond, but finds out who was busy by looking at every tick only: bursts of 1 ms
every 4 ms, a quarter of a core, add up to 4 % by its columns `user` and `system`. Interrupts are left out since part of
them is our own traffic over loopback, which some kernels charge to the process that sent it and others to nobody.

Everything is None where it is not visible: not Linux, a container that shows other cores, a machine without the files.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.results import Machine

LINUX = sys.platform.startswith("linux")
LOOK_NS = 100_000_000
"""How long the look before a trial takes: ten ticks of the counters, and no trial may pay more for it."""

_CORE = re.compile(r"^cpu([0-9]{1,6})((?: +[0-9]{1,18}){5,})", re.MULTILINE)
_IDLE, _IOWAIT, _IRQ, _SOFTIRQ, _STEAL = 3, 4, 5, 6, 7  # columns of /proc/stat, see proc(5)
_PROCESSOR = re.compile(r"^processor[ \t]*:[ \t]*([0-9]{1,6})[ \t]*$", re.MULTILINE)
_CLOCK = re.compile(r"^cpu MHz[ \t]*:[ \t]*([0-9]{1,9}(?:\.[0-9]{1,9})?)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Ticks:
    """What one core has counted since boot, in ticks: time in which it ran nobody, and stolen time."""

    unused: int
    steal: int | None


@dataclass(frozen=True, slots=True)
class Counters:
    """The counters of some cores at one moment, summed over them. None: not visible."""

    at_ns: int
    cores: int
    unused_ns: int | None
    steal_ns: int | None


@dataclass(frozen=True, slots=True)
class Span:
    """What those cores did between two moments, summed over them. None: not visible."""

    window_ns: int
    busy_ns: int | None
    steal_ns: int | None


def parse_stat(text: str) -> dict[int, Ticks]:
    """The cores in the text of /proc/stat. A line that is not of its form is left out."""
    found = {}
    for core, columns in _CORE.findall(text):
        values = [int(column) for column in columns.split()]
        unused = sum(values[column] for column in (_IDLE, _IOWAIT, _IRQ, _SOFTIRQ) if column < len(values))
        found[int(core)] = Ticks(unused, values[_STEAL] if len(values) > _STEAL else None)
    return found


def parse_cpuinfo(text: str) -> dict[int, int]:
    """The clock in Hz of every core that /proc/cpuinfo tells it of; on some architectures of none."""
    found = {}
    for block in text.split("\n\n"):
        core, clock = _PROCESSOR.search(block), _CLOCK.search(block)
        if core and clock:
            found[int(core[1])] = round(float(clock[1]) * 1e6)
    return found


def parse_khz(text: str) -> int | None:
    """The clock in Hz from the text of a cpufreq file."""
    stripped = text.strip()
    return int(stripped) * 1000 if re.fullmatch(r"[0-9]{1,12}", stripped) else None


def counted(ticks: Mapping[int, Ticks], cores: Sequence[int], at_ns: int, tick_ns: int) -> Counters:
    """The counters of `cores`; nothing is visible unless all of them are."""
    ours = [ticks[core] for core in cores if core in ticks]
    if not cores or len(ours) < len(cores):
        return Counters(at_ns, len(cores), None, None)
    steals = [core.steal for core in ours if core.steal is not None]
    return Counters(
        at_ns,
        len(cores),
        sum(core.unused for core in ours) * tick_ns,
        sum(steals) * tick_ns if len(steals) == len(ours) else None,
    )


def between(earlier: Counters, later: Counters) -> Span:
    """What the cores did from one moment to the other. A tick too many never makes more than there was time for."""
    window_ns = max(0, later.at_ns - earlier.at_ns)
    steal_ns = _rise(earlier.steal_ns, later.steal_ns)
    unused_ns = _rise(earlier.unused_ns, later.unused_ns)
    if unused_ns is None:
        return Span(window_ns, None, steal_ns)
    busy_ns = window_ns * later.cores - unused_ns - (steal_ns or 0)
    return Span(window_ns, max(0, busy_ns), steal_ns)


def _rise(earlier: int | None, later: int | None) -> int | None:
    """How much a counter rose; some of the kernel's fall now and then by a tick."""
    return None if earlier is None or later is None else max(0, later - earlier)


def count(cores: Sequence[int]) -> Counters:
    """The counters of `cores` now."""
    text = _read("/proc/stat")
    tick_ns = 1_000_000_000 // os.sysconf("SC_CLK_TCK") if LINUX else 1
    return counted(parse_stat(text), cores, time.monotonic_ns(), tick_ns)


def frequencies_hz(cores: Sequence[int]) -> list[int] | None:
    """The clock of each core now; None unless it is visible for all of them."""
    told = [parse_khz(_read(f"/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq")) for core in cores]
    if None in told:
        clocks = parse_cpuinfo(_read("/proc/cpuinfo"))
        told = [clocks.get(core) for core in cores]
    known = [clock for clock in told if clock]
    return known if known and len(known) == len(cores) else None


def look(cores: Iterable[int]) -> Machine:
    """What `cores` do while the trial has not begun; the measured part is added by `during`."""
    ours = list(cores)
    before = count(ours)
    if before.unused_ns is not None:
        time.sleep(LOOK_NS / 1e9)
    span = between(before, count(ours))
    return Machine(
        cores=ours,
        before_window_ns=span.window_ns,
        before_busy_ns=span.busy_ns,
        window_ns=0,
        busy_ns=None,
        steal_ns=None,
        frequencies_before_hz=None,
        frequencies_after_hz=None,
    )


def during(machine: Machine, watch: Watch) -> Machine:
    """The facts of a look with those of the measured part."""
    return msgspec.structs.replace(
        machine,
        window_ns=watch.span.window_ns,
        busy_ns=watch.span.busy_ns,
        steal_ns=watch.span.steal_ns,
        frequencies_before_hz=watch.frequencies_before_hz,
        frequencies_after_hz=watch.frequencies_after_hz,
    )


class Watch:
    """Cores over a window, from `begin` to `end`.

    The clocks are read outside of it, on being made and after the end: older kernels take 20 ms a core for that.
    """

    def __init__(self, cores: Sequence[int]) -> None:
        self._cores = list(cores)
        self.frequencies_before_hz = frequencies_hz(self._cores)
        self.frequencies_after_hz: list[int] | None = None
        self.begin()

    def begin(self) -> None:
        """The window begins."""
        self._began = count(self._cores)
        self.span = between(self._began, self._began)

    def end(self) -> None:
        """The window is over."""
        self.span = between(self._began, count(self._cores))
        self.frequencies_after_hz = frequencies_hz(self._cores)


def _read(path: str) -> str:
    """The text of a file of the kernel; empty where there is none."""
    if not LINUX:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def accept_queues() -> tuple[int, int] | None:
    """(ListenOverflows, ListenDrops) of this network namespace since it began: connections that found an accept queue
    full, and all that were thrown away at a listener. None where the kernel does not tell (`man 7 tcp`, netstat)."""
    try:
        lines = Path("/proc/net/netstat").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for names, values in zip(lines[::2], lines[1::2], strict=False):
        found = dict(zip(names.split(), values.split(), strict=False))
        if names.startswith("TcpExt:") and "ListenOverflows" in found:
            return int(found["ListenOverflows"]), int(found["ListenDrops"])
    return None
