"""What a process has used and holds, read from outside: CPU in ns, run-queue wait, switches, memory, descriptors.

Linux tells all of it; elsewhere psutil fills in what it can and the rest is None ("not measurable here").
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.results import ProcessUsage

LINUX = sys.platform.startswith("linux")


def cpu_clock_ns(pid: int) -> int:
    """CPU time that process `pid` has used, in ns. Raises ProcessLookupError when it is gone.

    On Linux this is the process CPU clock, as clock_getcpuclockid(3) would name it; elsewhere psutil's ticks.
    """
    if LINUX:
        try:
            return time.clock_gettime_ns((~pid << 3) | 2)
        except OSError as gone:
            raise ProcessLookupError(f"process {pid} is gone") from gone
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error as gone:
        raise ProcessLookupError(f"process {pid} is gone") from gone
    return int((times.user + times.system) * 1e9)


def lives(pid: int) -> bool:
    """Whether process `pid` runs. One that has ended and waits for its parent to notice does not."""
    try:
        return bool(psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD))
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:  # it is there, but not ours to look at
        return True


@dataclass(frozen=True, slots=True)
class Reading:
    """Counters of one process at one moment; `spent_since` turns two of them into a usage."""

    cpu_ns: int
    run_queue_wait_ns: int | None
    voluntary_switches: int | None
    involuntary_switches: int | None

    def spent_since(self, earlier: Reading, pid: int) -> ProcessUsage:
        """What was used between the two readings, and what process `pid` holds now."""
        return ProcessUsage(
            cpu_ns=self.cpu_ns - earlier.cpu_ns,
            run_queue_wait_ns=_minus(self.run_queue_wait_ns, earlier.run_queue_wait_ns),
            voluntary_switches=_minus(self.voluntary_switches, earlier.voluntary_switches),
            involuntary_switches=_minus(self.involuntary_switches, earlier.involuntary_switches),
            pss_bytes=_or_none(pss_bytes, pid),
            fds=_or_none(fds, pid),
            threads=_or_none(threads, pid),
        )


def _minus(later: int | None, earlier: int | None) -> int | None:
    return None if later is None or earlier is None else later - earlier


def _or_none(read: Callable[[int], int], pid: int) -> int | None:
    try:
        return read(pid)
    except (OSError, psutil.Error, ValueError, KeyError):
        return None


def read(pid: int) -> Reading:
    """The counters of process `pid` now. Raises ProcessLookupError when it is gone."""
    cpu_ns = cpu_clock_ns(pid)
    voluntary = involuntary = None
    try:
        switches = psutil.Process(pid).num_ctx_switches()
        voluntary, involuntary = switches.voluntary, switches.involuntary
    except psutil.Error:
        pass
    return Reading(cpu_ns, _or_none(run_queue_wait_ns, pid), voluntary, involuntary)


def run_queue_wait_ns(pid: int) -> int:
    """Time that the threads of `pid` now alive were runnable but waited for a core (Linux schedstat), in ns."""
    tasks = list(Path(f"/proc/{pid}/task").iterdir())
    return sum(int((task / "schedstat").read_text().split()[1]) for task in tasks)


def pss_bytes(pid: int) -> int:
    """Proportional set size: private memory plus this process's share of what it shares with others."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise KeyError("Pss")


def fds(pid: int) -> int:
    """Open file descriptors."""
    return int(psutil.Process(pid).num_fds())


def threads(pid: int) -> int:
    """Threads."""
    return int(psutil.Process(pid).num_threads())


def fds_held(pid: int) -> int | None:
    """Open file descriptors of a process; None where that cannot be told."""
    return _or_none(fds, pid)


def memory_held(pid: int) -> int | None:
    """PSS in bytes of a process; None where that cannot be told."""
    return _or_none(pss_bytes, pid)
