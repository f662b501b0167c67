"""CPU time and run-queue wait of a process with its descendants, read from outside."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.measure import usage
from bench.processes.errors import ProcessError


@dataclass(frozen=True, slots=True)
class Clocks:
    """CPU time of a process with its descendants, and the run-queue wait of each of their threads (None: not visible
    here), in ns, at a moment of the monotonic clock."""

    at_ns: int
    cpu_ns: int
    waits_ns: Mapping[int, int] | None

    @classmethod
    def of(cls, pid: int) -> Clocks:
        """The clocks at this moment. Raises ProcessError if a process has ended."""
        try:
            members = family(pid)
            cpu_ns = sum(map(usage.cpu_clock_ns, members))
            waits = [usage.run_queue_waits_ns_or_none(member) for member in members]
        except OSError as gone:
            raise ProcessError(f"a process had ended before its CPU time was read: {gone}") from gone
        visible = [by_thread for by_thread in waits if by_thread is not None]
        together = {thread: wait for by_thread in visible for thread, wait in by_thread.items()}
        return cls(time.monotonic_ns(), cpu_ns, together if len(visible) == len(waits) else None)

    def since(self, earlier: Clocks) -> Spent:
        """What was spent between the two moments."""
        waited_ns = usage.waited_ns(earlier.waits_ns, self.waits_ns)
        return Spent(self.at_ns - earlier.at_ns, self.cpu_ns - earlier.cpu_ns, waited_ns)


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU time and run-queue wait of a process with its descendants in a window; a wait of None is not known."""

    window_ns: int
    cpu_ns: int
    wait_ns: int | None


def family(pid: int) -> list[int]:
    """A process and its descendants, where the kernel lists them; elsewhere the process alone.

    Unlike psutil it does not read every process of the machine, which takes milliseconds at the edges of a window.
    """
    members = [pid]
    if usage.LINUX:
        for parent in members:
            try:
                lists = [path.read_text() for path in Path(f"/proc/{parent}/task").glob("*/children")]
            except OSError:  # the process has just ended
                continue
            members += [int(child) for listed in lists for child in listed.split()]
    return members
