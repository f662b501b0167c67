"""The server side of a trial, as far as the action of a scenario sees it (see `bench.scenarios`)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bench.execution.participants import Participants
from bench.measure import usage
from bench.measure.receipts import recovered_ns
from bench.measure.received import Receipts
from bench.measure.recorder import Window
from bench.processes.errors import ProcessError
from bench.processes.member import watch
from bench.processes.server import Broker
from bench.results import Measurements, Outage, Restart
from bench.scenarios import Held, Part, Values


class ServerSide:
    """The server and its broker while they are measured."""

    def __init__(self, participants: Participants, window: Window) -> None:
        self._participants = participants
        self._killed: Broker | None = None
        self.values: Values = participants.parameters
        self.start_ns, self.end_ns = window.start_ns, window.end_ns

    def now_ns(self) -> int:
        """The time."""
        return time.monotonic_ns()

    def wait_until(self, moment_ns: int) -> None:
        """Return at that moment. Raises Died as soon as a process of the trial ends before."""
        watch(self._participants.watched, moment_ns)

    def held(self) -> Held:
        """What the server holds now."""
        pid = self._participants.server.server_pid
        return Held(usage.fds_or_none(pid), usage.pss_or_none(pid))

    def replace_server(self, *, kill: bool) -> int:
        """End the server and put another in its place; when the old one had ended. Raises as starting one does."""
        return self._participants.restart(kill=kill)

    @contextmanager
    def stopped(self, part: Part) -> Iterator[int]:
        """It stands still: connections stay open, and whatever is asked of it waits."""
        pid = self._participants.server.server_pid if part is Part.SERVER else self._broker().pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield time.monotonic_ns()
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def kill_broker(self) -> int:
        """It is gone, and so is every connection to it; when."""
        self._killed, self._participants.broker = self._broker(), None
        os.kill(self._killed.pid, signal.SIGKILL)
        return time.monotonic_ns()

    def replace_broker(self) -> None:
        """Another, which knows nothing, takes its place. Raises as starting one does."""
        if self._killed is None:
            raise ProcessError("only a broker that was killed can be replaced")
        self._participants.replace_broker(self._killed)

    def _broker(self) -> Broker:
        if not isinstance(self._participants.broker, Broker):
            raise ProcessError("there is no broker to take away")
        return self._participants.broker


class AfterDrain:
    """The same once everything has arrived that can still arrive."""

    def __init__(self, side: ServerSide, receipts: Receipts, receivers: int) -> None:
        self._side, self._receipts, self._receivers = side, receipts, receivers
        self.start_ns = side.start_ns

    def held(self) -> Held:
        """What the server holds now."""
        return self._side.held()

    def served_ns(self, from_ns: int) -> int | None:
        """How long after a moment all subscribers had a message that was due after it; None: never."""
        return recovered_ns(self._receipts.fan_outs, self._receivers, from_ns)


def stored(fact: Restart | Outage) -> Measurements:
    """What an action led to, as a part of the record."""
    return Measurements(restart=fact) if isinstance(fact, Restart) else Measurements(outage=fact)
