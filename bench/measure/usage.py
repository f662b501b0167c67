"""What a process uses, read from outside: CPU in ns, run-queue wait, switches, memory, descriptors.

Linux reports all of it. Elsewhere psutil reports a part, and the rest is None ("not measurable here").
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil

from bench.results import ProcessUsage

LINUX = sys.platform.startswith("linux")
T = TypeVar("T")


def cpu_clock_ns(pid: int) -> int:
    """CPU time that process `pid` has used, in ns. Raises ProcessLookupError when it has ended.

    On Linux this is the process CPU clock, as clock_getcpuclockid(3) would name it; elsewhere psutil's ticks.
    """
    if LINUX:
        try:
            return time.clock_gettime_ns((~pid << 3) | 2)
        except OSError as error:
            raise ProcessLookupError(f"process {pid} has ended") from error
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error as error:
        raise ProcessLookupError(f"process {pid} has ended") from error
    return int((times.user + times.system) * 1e9)


def is_running(pid: int) -> bool:
    """Whether process `pid` runs. A zombie, which its parent has not waited for yet, does not."""
    try:
        return bool(psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD))
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:  # it exists, but this process may not read its state
        return True


@dataclass(frozen=True, slots=True)
class Counters:
    """The counters of one process at one moment; `used_since` turns two of them into a usage."""

    cpu_ns: int
    waits_ns: Mapping[int, int] | None
    voluntary_switches: int | None
    involuntary_switches: int | None

    def used_since(self, earlier: Counters, pid: int) -> ProcessUsage:
        """What process `pid` used between the two moments, and its memory, descriptors and threads now."""
        return ProcessUsage(
            cpu_ns=self.cpu_ns - earlier.cpu_ns,
            run_queue_wait_ns=waited_ns(earlier.waits_ns, self.waits_ns),
            voluntary_switches=_difference(self.voluntary_switches, earlier.voluntary_switches),
            involuntary_switches=_difference(self.involuntary_switches, earlier.involuntary_switches),
            pss_bytes=_or_none(pss_bytes, pid),
            fds=_or_none(fds, pid),
            threads=_or_none(threads, pid),
        )


def waited_ns(earlier: Mapping[int, int] | None, later: Mapping[int, int] | None) -> int | None:
    """How long the threads of a process waited for a core between two readings by thread, in ns.

    None where a thread of the first reading has ended, or its number has been taken by another: what it waited until
    then is lost with it.
    """
    if earlier is None or later is None or any(later.get(thread, -1) < wait for thread, wait in earlier.items()):
        return None
    return sum(later.values()) - sum(earlier.values())


def _difference(later: int | None, earlier: int | None) -> int | None:
    return None if later is None or earlier is None else later - earlier


def _or_none(read: Callable[[int], T], pid: int) -> T | None:
    try:
        return read(pid)
    except (OSError, psutil.Error, ValueError, KeyError):
        return None


def read_counters(pid: int) -> Counters:
    """The counters of process `pid` now. Raises ProcessLookupError when it has ended."""
    cpu_ns = cpu_clock_ns(pid)
    voluntary = involuntary = None
    try:
        switches = psutil.Process(pid).num_ctx_switches()
        voluntary, involuntary = switches.voluntary, switches.involuntary
    except psutil.Error:
        pass
    return Counters(cpu_ns, _or_none(run_queue_waits_ns, pid), voluntary, involuntary)


def run_queue_waits_ns(pid: int) -> dict[int, int]:
    """How long each current thread of `pid` was runnable but waited for a core (Linux schedstat), in ns.

    Raises ValueError where the kernel does not count it: without schedstats a thread has run, but never waited, and
    was never put on a core.
    """
    waits = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        ran_ns, waited, times = map(int, (task / "schedstat").read_text().split()[:3])
        if not (ran_ns or waited or times) and int(task.name) == pid:
            raise ValueError("the kernel keeps no schedstat")
        waits[int(task.name)] = waited
    return waits


def run_queue_waits_ns_or_none(pid: int) -> dict[int, int] | None:
    """The same; None where it is not visible."""
    return _or_none(run_queue_waits_ns, pid)


def pss_bytes(pid: int) -> int:
    """Proportional set size: private memory plus this process's share of shared memory."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise KeyError("Pss")


def memory_bytes(pid: int) -> int | None:
    """The memory of process `pid`: PSS, or its resident set where the system reports no PSS; None if it has ended."""
    pss = _or_none(pss_bytes, pid)
    return _or_none(resident_bytes, pid) if pss is None else pss


def resident_bytes(pid: int) -> int:
    """Resident set size: all its memory, shared or not."""
    return int(psutil.Process(pid).memory_info().rss)


def process_tree(pid: int) -> list[int]:
    """Process `pid` and its running descendants."""
    try:
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    except psutil.Error:
        return [pid]


def fds(pid: int) -> int:
    """The number of open file descriptors."""
    return int(psutil.Process(pid).num_fds())


def threads(pid: int) -> int:
    """The number of threads."""
    return int(psutil.Process(pid).num_threads())


def fds_or_none(pid: int) -> int | None:
    """The number of open file descriptors of a process; None where it is not visible."""
    return _or_none(fds, pid)


def pss_or_none(pid: int) -> int | None:
    """PSS in bytes of a process; None where it is not visible."""
    return _or_none(pss_bytes, pid)
