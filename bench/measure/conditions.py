"""What the cores of a trial do, for all processes together: CPU time of all processes, stolen time, clock frequencies.

The busy time of a core is the time in which it was neither idle, nor stolen, nor in an interrupt. Linux times the idle
loop to the microsecond, but it attributes busy time only at every tick: bursts of 1 ms every 4 ms, a quarter of a core,
add up to 4 % in its columns `user` and `system`. Interrupts are left out because part of them is the trial's own
traffic over loopback, which some kernels charge to the sending process and others to no process.

A value is None where it is not visible: not Linux, a container that shows other cores, a machine without the files.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from bench.measure import quota
from bench.results import Machine

LINUX = sys.platform.startswith("linux")
# Duration of the pre-check: ten ticks of the counters. Every trial pays for it, so that it cannot be longer.
PRE_CHECK_NS = 100_000_000
STANDSTILL_NS = 50_000_000  # five ticks: within them some column of some core increases

_CORE = re.compile(r"^cpu([0-9]{1,6})((?: +[0-9]{1,18}){5,})", re.MULTILINE)
_IDLE, _IOWAIT, _IRQ, _SOFTIRQ, _STEAL = 3, 4, 5, 6, 7  # columns of /proc/stat, see proc(5)
_PROCESSOR = re.compile(r"^processor[ \t]*:[ \t]*([0-9]{1,6})[ \t]*$", re.MULTILINE)
_CLOCK = re.compile(r"^cpu MHz[ \t]*:[ \t]*([0-9]{1,9}(?:\.[0-9]{1,9})?)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Ticks:
    """The counters of one core since boot, in ticks: all of its time, time in which it ran no process, stolen time."""

    total: int
    unused: int
    steal: int | None


@dataclass(frozen=True, slots=True)
class Counters:
    """The counters of some cores at one moment, summed over them. None: not visible."""

    at_ns: int
    cores: int
    total_ns: int | None
    unused_ns: int | None
    steal_ns: int | None


@dataclass(frozen=True, slots=True)
class Span:
    """What those cores did between two moments, summed over them. None: not visible."""

    window_ns: int
    busy_ns: int | None
    steal_ns: int | None


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pair(Generic[T]):
    """The same of all cores of a trial together, and of the first, which is the server's."""

    all: T
    first: T


def parse_stat(text: str) -> dict[int, Ticks]:
    """The cores in the text of /proc/stat, by number. Malformed lines are left out."""
    ticks = {}
    for core, columns in _CORE.findall(text):
        values = [int(column) for column in columns.split()]
        unused = sum(values[column] for column in (_IDLE, _IOWAIT, _IRQ, _SOFTIRQ) if column < len(values))
        total = sum(values[: _STEAL + 1])  # the columns after it are parts of others
        ticks[int(core)] = Ticks(total, unused, values[_STEAL] if len(values) > _STEAL else None)
    return ticks


def parse_cpuinfo(text: str) -> dict[int, int]:
    """The clock in Hz of every core for which /proc/cpuinfo has one, by number; on some architectures it has none."""
    clocks = {}
    for block in text.split("\n\n"):
        core, clock = _PROCESSOR.search(block), _CLOCK.search(block)
        if core and clock:
            clocks[int(core[1])] = round(float(clock[1]) * 1e6)
    return clocks


def parse_khz(text: str) -> int | None:
    """The clock in Hz from the text of a cpufreq file."""
    stripped = text.strip()
    return int(stripped) * 1000 if re.fullmatch(r"[0-9]{1,12}", stripped) else None


def summed(ticks: Mapping[int, Ticks], cores: Sequence[int], at_ns: int, tick_ns: int) -> Counters:
    """The counters of `cores`; None unless they are visible for all of them."""
    visible = [ticks[core] for core in cores if core in ticks]
    if not cores or len(visible) < len(cores):
        return Counters(at_ns, len(cores), None, None, None)
    steals = [core.steal for core in visible if core.steal is not None]
    return Counters(
        at_ns,
        len(cores),
        sum(core.total for core in visible) * tick_ns,
        sum(core.unused for core in visible) * tick_ns,
        sum(steals) * tick_ns if len(steals) == len(visible) else None,
    )


def between(earlier: Counters, later: Counters) -> Span:
    """What the cores did from one moment to the other. A surplus tick never makes a value negative.

    Nothing is known where no column of any core has increased: a sandbox may show zeros, or a text that never changes.
    """
    window_ns = max(0, later.at_ns - earlier.at_ns)
    if window_ns > STANDSTILL_NS and _increase(earlier.total_ns, later.total_ns) == 0:
        return Span(window_ns, None, None)
    steal_ns = _increase(earlier.steal_ns, later.steal_ns)
    unused_ns = _increase(earlier.unused_ns, later.unused_ns)
    if unused_ns is None:
        return Span(window_ns, None, steal_ns)
    busy_ns = window_ns * later.cores - unused_ns - (steal_ns or 0)
    return Span(window_ns, max(0, busy_ns), steal_ns)


def _increase(earlier: int | None, later: int | None) -> int | None:
    """By how much a counter increased; some of the kernel's counters sometimes decrease by a tick."""
    return None if earlier is None or later is None else max(0, later - earlier)


def read_counters(cores: Sequence[int]) -> Pair[Counters]:
    """The counters of `cores` now."""
    ticks, at_ns = parse_stat(_read("/proc/stat")), time.monotonic_ns()
    tick_ns = 1_000_000_000 // os.sysconf("SC_CLK_TCK") if LINUX else 1
    return Pair(summed(ticks, cores, at_ns, tick_ns), summed(ticks, cores[:1], at_ns, tick_ns))


def spans(earlier: Pair[Counters], later: Pair[Counters]) -> Pair[Span]:
    """What the cores did from one moment to the other."""
    return Pair(between(earlier.all, later.all), between(earlier.first, later.first))


def frequencies_hz(cores: Sequence[int]) -> list[int] | None:
    """The clock of each core now; None unless it is visible for all of them."""
    clocks = [parse_khz(_read(f"/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq")) for core in cores]
    if None in clocks:
        by_core = parse_cpuinfo(_read("/proc/cpuinfo"))
        clocks = [by_core.get(core) for core in cores]
    visible = [clock for clock in clocks if clock]
    return visible if visible and len(visible) == len(cores) else None


def pre_check(cores: Iterable[int]) -> Machine:
    """What `cores` do before the trial begins; `with_measured_part` adds the measured part."""
    numbers = list(cores)
    before = read_counters(numbers)
    if before.all.unused_ns is not None:
        time.sleep(PRE_CHECK_NS / 1e9)
    span = spans(before, read_counters(numbers))
    return Machine(
        cores=numbers,
        before_window_ns=span.all.window_ns,
        before_busy_ns=span.all.busy_ns,
        first_before_busy_ns=span.first.busy_ns,
        window_ns=0,
        busy_ns=None,
        steal_ns=None,
        frequencies_before_hz=None,
        frequencies_after_hz=None,
    )


def with_measured_part(machine: Machine, window: CoreWindow) -> Machine:
    """The facts of a pre-check with those of the measured part."""
    return msgspec.structs.replace(
        machine,
        window_ns=window.span.all.window_ns,
        busy_ns=window.span.all.busy_ns,
        steal_ns=window.span.all.steal_ns,
        first_busy_ns=window.span.first.busy_ns,
        first_steal_ns=window.span.first.steal_ns,
        frequencies_before_hz=window.frequencies_before_hz,
        frequencies_after_hz=window.frequencies_after_hz,
        throttled_periods=window.throttled.periods if window.throttled else None,
        throttled_ns=window.throttled.ns if window.throttled else None,
    )


class CoreWindow:
    """Cores over a window, from `begin` to `end`, and what CPU quotas did to the processes in `pids`.

    The clock frequencies are read outside the window, in the constructor and after its end: older kernels take 20 ms
    per core for that.
    """

    def __init__(self, cores: Sequence[int], pids: Iterable[int] = ()) -> None:
        self._cores = list(cores)
        self._groups = quota.groups(pids)
        self.throttled: quota.Throttled | None = None
        self.frequencies_before_hz = frequencies_hz(self._cores)
        self.frequencies_after_hz: list[int] | None = None
        self.begin()

    def begin(self) -> None:
        """Begin the window."""
        self._begun, self._throttled = read_counters(self._cores), quota.throttled(self._groups)
        self.span = spans(self._begun, self._begun)

    def end(self) -> None:
        """End the window."""
        self.span = spans(self._begun, read_counters(self._cores))
        self.throttled = quota.between(self._throttled, quota.throttled(self._groups))
        self.frequencies_after_hz = frequencies_hz(self._cores)


def _read(path: str) -> str:
    """The text of a file of the kernel; empty where it does not exist."""
    if not LINUX:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def accept_queue_drops() -> tuple[int, int] | None:
    """(ListenOverflows, ListenDrops) of this network namespace since it began: connections that found an accept queue
    full, and all connections that a listener dropped. None where the kernel does not report them (`man 7 tcp`,
    netstat)."""
    try:
        lines = Path("/proc/net/netstat").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for names, values in zip(lines[::2], lines[1::2], strict=False):
        counters = dict(zip(names.split(), values.split(), strict=False))
        if names.startswith("TcpExt:") and "ListenOverflows" in counters:
            return int(counters["ListenOverflows"]), int(counters["ListenDrops"])
    return None
