"""CPU time and run-queue wait of a process with its descendants, read from outside."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from bench.measure import usage
from bench.processes.errors import ProcessError


@dataclass(frozen=True, slots=True)
class Clocks:
    """CPU time and run-queue wait (None: not visible here) of a process with all its threads and descendants, in ns,
    at a moment of the monotonic clock."""

    at_ns: int
    cpu_ns: int
    wait_ns: int | None

    @classmethod
    def of(cls, pid: int) -> Clocks:
        """The clocks at this moment. Raises ProcessError if a process has ended."""
        try:
            members = family(pid)
            cpu_ns = sum(map(usage.cpu_clock_ns, members))
            waits = [usage.run_queue_wait_ns(member) for member in members] if usage.LINUX else None
        except (OSError, ValueError, IndexError) as gone:
            raise ProcessError(f"a process had ended before its CPU time was read: {gone}") from gone
        return cls(time.monotonic_ns(), cpu_ns, None if waits is None else sum(waits))

    def since(self, earlier: Clocks) -> Clocks:
        """The difference of each clock."""
        waited = None if self.wait_ns is None or earlier.wait_ns is None else self.wait_ns - earlier.wait_ns
        return Clocks(self.at_ns - earlier.at_ns, self.cpu_ns - earlier.cpu_ns, waited)


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
