"""One process of a trial: the bench starts and pins it, gives it orders, watches it, and ends it whatever happens."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

import msgspec

from bench.measure import machine
from bench.processes.environment import ROOT, built
from bench.processes.errors import Died, TimedOut
from bench.processes.lines import Lines, decode, encode
from bench.processes.orders import Answer, Order
from servers import signal_on_death_of_parent

STOP_WITHIN_S = 2.0
CHECK_EVERY_S = 0.05
_LAST_LINE_CHARACTERS = 300  # of the last line of a process that died

T = TypeVar("T")
SomeAnswer = TypeVar("SomeAnswer", bound=Answer)


def end_with_parent() -> None:
    """Called in a new process: Linux ends it with the bench, however that ends and whatever it is doing."""
    signal_on_death_of_parent(signal.SIGKILL)


class Watched(Protocol):
    """A process whose end would be the end of the trial."""

    def alive(self) -> bool:
        """Whether the process still runs."""

    def died(self) -> Died:
        """The error that says how the process ended."""


class Member:
    """One process of a trial. What it writes to standard error is kept for the message if it dies.

    folder: the one in which it runs.
    """

    folder: Path = ROOT

    def __init__(
        self, name: str, command: Sequence[str], cores: tuple[int, ...], environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
        self._lines = Lines()
        self.process = self._start(command, built(environment or {}))
        machine.pin(self.process.pid, cores)

    def _start(self, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command, cwd=self.folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            start_new_session=True,  # Ctrl+C reaches the bench alone, which then ends its processes in order
            preexec_fn=end_with_parent,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        self._in, self._out = process.stdout.fileno(), process.stdin.fileno()
        return process

    @property
    def pid(self) -> int:
        """Process id."""
        return self.process.pid

    def send(self, order: Order) -> None:
        """Write one order. Raises Died if the process no longer reads."""
        data = encode(order)
        try:
            while data:
                data = data[os.write(self._out, data) :]
        except OSError:
            raise self.died() from None

    def receive(self, kind: type[T], timeout_s: float) -> T | None:
        """The next line that the process writes, or None if it writes none in time. Raises Died at the end of the
        stream, Misfit for a line of another kind."""
        line = self._line(timeout_s)
        if line is None:
            return None
        return decode(line, msgspec.json.Decoder(kind), f"the answer of the {self.name} is not {kind.__name__}")

    def _line(self, timeout_s: float) -> bytes | None:
        deadline = time.monotonic() + timeout_s
        while (line := self._lines.take()) is None:
            ready, _, _ = select.select([self._in], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                return None
            data = os.read(self._in, 1 << 20)
            if not data:
                raise self.died()
            self._lines.feed(data)
        return line

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def died(self) -> Died:
        """The error that says how the process ended, with the last line of its standard error."""
        try:
            code = self.process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return Died(self.name, f"the {self.name} closed its output")
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
        last_line = self.last_line()
        return Died(self.name, f"the {self.name} {how}" + (f": {last_line}" if last_line else ""))

    def last_line(self) -> str:
        """The last non-empty line of its standard error."""
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1][-_LAST_LINE_CHARACTERS:] if lines else ""

    def end(self, *, gently: bool) -> None:
        """End the process: with SIGTERM, and SIGKILL two seconds later; or with SIGKILL at once."""
        if self.alive():
            (self.process.terminate if gently else self.process.kill)()
        try:
            self.process.wait(timeout=STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self._log):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(gently=False)


def answer(member: Member, kind: type[SomeAnswer], timeout_s: float, watched: Sequence[Watched]) -> SomeAnswer:
    """The next answer of `member`, which must be of this kind. Raises Died as soon as any watched process ends,
    TimedOut, Misfit."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        received = member.receive(kind, CHECK_EVERY_S)
        if received is not None:
            return received
        check(watched)
    raise TimedOut(f"the {member.name} did not answer with {kind.__name__} within {timeout_s:g} s")


def answers(
    members: Sequence[Member], kind: type[SomeAnswer], timeout_s: float, watched: Sequence[Watched]
) -> list[SomeAnswer]:
    """The next answer of each of `members`, in their order; otherwise as `answer`."""
    deadline = time.monotonic() + timeout_s
    return [answer(member, kind, deadline - time.monotonic(), watched) for member in members]


def watch(watched: Sequence[Watched], until_ns: int) -> None:
    """Return at `until_ns` of the monotonic clock. Raises Died as soon as one of the processes ends before."""
    while (left_s := (until_ns - time.monotonic_ns()) / 1e9) > 0:
        time.sleep(min(CHECK_EVERY_S, left_s))
        check(watched)


def check(watched: Sequence[Watched]) -> None:
    """Raise Died if a process has ended: for the first in the list, because a broker ends with its server."""
    if all(member.alive() for member in watched):
        return
    raise next(member for member in watched if not member.alive()).died()
