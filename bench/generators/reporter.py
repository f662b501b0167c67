"""The process of a peer, which reports the number of messages that it has received."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import msgspec

from bench.generators import programs
from bench.processes.errors import TimedOut
from bench.processes.member import Member

_Count = Annotated[int, msgspec.Meta(ge=0)]


class Report(msgspec.Struct, frozen=True):
    """A report of a peer: its connected subscribers and the messages that they have received, at moment `t` in ns
    (0: when the line was read)."""

    connected: _Count
    received: _Count
    t: _Count = 0

    def at(self, read_ns: int) -> Report:
        """This report with the moment at which its line was read, if the peer reports none."""
        return self if self.t else msgspec.structs.replace(self, t=read_ns)


def started_on(cores: Sequence[int], start: Callable[[], None]) -> None:
    """Call `start` while this thread is pinned to `cores`: a process that it starts runs there from the beginning.

    A program that counts its cores at startup, as Go does, must not count more cores than it may use. Threads that a
    process starts before it is pinned would not be pinned with it.
    """
    if not cores:
        return start()
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        return start()
    finally:
        os.sched_setaffinity(0, before)


class Reporter(Member):
    """The process of a peer, which writes reports."""

    folder = programs.HERE / "locustfiles"

    def __init__(
        self, name: str, command: Sequence[str], cores: tuple[int, ...], environment: Mapping[str, str]
    ) -> None:
        started_on(cores, lambda: Member.__init__(self, name, command, cores, environment))

    def report(self, enough: Callable[[Report], bool], within_s: float) -> Report | None:
        """The first report for which `enough` is true; None if there is none in time. Raises Died, Misfit."""
        deadline = time.monotonic() + within_s
        while (left_s := deadline - time.monotonic()) > 0:
            received = self.receive(Report, left_s)
            if received is not None and enough(report := received.at(time.monotonic_ns())):
                return report
        return None

    def wait(self, enough: Callable[[Report], bool], within_s: float, what: str) -> Report:
        """Like `report`, but raises TimedOut with `what` if there is none in time."""
        report = self.report(enough, within_s)
        if report is None:
            raise TimedOut(f"{self.name}: {what}: not within {within_s:g} s")
        return report

    def now(self, within_s: float) -> Report:
        """The first report that arrives from now on; skips those that wait to be read. Raises as `wait` does."""
        while self.receive(Report, 0) is not None:
            pass
        return self.wait(lambda report: True, within_s, "no report")
