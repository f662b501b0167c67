"""What generators are driven with: a server on its core, everybody else on one other, and how their CPU is read."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec

from bench.generators import programs
from bench.measure import machine, usage
from bench.measure.machine import Cores
from bench.processes.errors import ProcessError, TimedOut
from bench.processes.member import Member
from bench.processes.server import Server

SOURCE = "source"
"""The name of the C server, where others have the name of their variant."""


def one_core_each() -> Cores:
    """A core for the server and one for the generator, which it shares with the publisher as in a trial; none where
    there is only one."""
    cores = machine.divide_cores()
    return Cores(cores.server[:1], cores.load[:1])


def born_on(cores: Sequence[int], start: Callable[[], None]) -> None:
    """Do `start` while this thread is on `cores`: a process that it starts is there from its first instruction on.

    A program that counts its cores as it starts and spreads its threads (Go does) must not see more than it will have,
    and threads that it starts before it is moved would not move with it.
    """
    if not cores:
        return start()
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        return start()
    finally:
        os.sched_setaffinity(0, before)


class Source(Server):
    """The C server of this comparison: the same ready line and ingest as a variant's, and WebSocket only."""

    def _start(self, command: Sequence[str], environment: Mapping[str, str]) -> Any:
        return super()._start([str(programs.compiled(SOURCE))], environment)


def server(name: str, cores: Cores) -> Server:
    """The server of a variant, or the source."""
    return Source(name, cores.server) if name == SOURCE else Server(name, cores.server)


_Count = Annotated[int, msgspec.Meta(ge=0)]


class Report(msgspec.Struct, frozen=True):
    """What a peer reports: subscribers that are connected, messages they have received, and when that was so (0: when
    the line was read)."""

    connected: _Count
    received: _Count
    t: _Count = 0

    def at(self, read_ns: int) -> Report:
        """The same with the moment at which the line was read, if the peer reports none."""
        return self if self.t else msgspec.structs.replace(self, t=read_ns)


class Reporter(Member):
    """A peer's process, read by its reports."""

    def __init__(
        self, name: str, command: Sequence[str], cores: tuple[int, ...], environment: Mapping[str, str]
    ) -> None:
        born_on(cores, lambda: Member.__init__(self, name, command, cores, environment))

    def report(self, enough: Callable[[Report], bool], within_s: float) -> Report | None:
        """The first report that is enough; None if there is none in time. Raises Died, ProcessError."""
        deadline = time.monotonic() + within_s
        while (left_s := deadline - time.monotonic()) > 0:
            received = self.receive(Report, left_s)
            if received is not None and enough(report := received.at(time.monotonic_ns())):
                return report
        return None

    def wait(self, enough: Callable[[Report], bool], within_s: float, what: str) -> Report:
        """The first report that is enough. Raises TimedOut, Died, ProcessError."""
        report = self.report(enough, within_s)
        if report is None:
            raise TimedOut(f"{self.name}: {what}: not within {within_s:g} s")
        return report

    def now(self, within_s: float) -> Report:
        """A report of now: those that were waiting to be read are of before. Raises as `wait` does."""
        while self.receive(Report, 0) is not None:
            pass
        return self.wait(lambda report: True, within_s, "no report")


@dataclass(frozen=True, slots=True)
class Clocks:
    """CPU time and run-queue wait (None: not visible here) of a process with all its threads and descendants, in ns,
    at a moment of the monotonic clock."""

    at_ns: int
    cpu_ns: int
    wait_ns: int | None

    @classmethod
    def of(cls, pid: int) -> Clocks:
        """Now. Raises ProcessError."""
        try:
            members = family(pid)
            cpu_ns = sum(map(usage.cpu_clock_ns, members))
            waits = [usage.run_queue_wait_ns(member) for member in members] if usage.LINUX else None
        except (OSError, ValueError, IndexError) as gone:
            raise ProcessError(f"a process was gone when its CPU time was to be read: {gone}") from gone
        return cls(time.monotonic_ns(), cpu_ns, None if waits is None else sum(waits))

    def since(self, earlier: Clocks) -> Clocks:
        """What passed on each of them."""
        waited = None if self.wait_ns is None or earlier.wait_ns is None else self.wait_ns - earlier.wait_ns
        return Clocks(self.at_ns - earlier.at_ns, self.cpu_ns - earlier.cpu_ns, waited)


def family(pid: int) -> list[int]:
    """A process and all its descendants, where the kernel lists them; elsewhere itself."""
    members = [pid]
    if usage.LINUX:
        for parent in members:
            try:
                lists = [path.read_text() for path in Path(f"/proc/{parent}/task").glob("*/children")]
            except OSError:  # it ends as we look
                continue
            members += [int(child) for listed in lists for child in listed.split()]
    return members
