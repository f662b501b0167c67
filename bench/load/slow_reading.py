"""The one subscriber that reads slowly: how fast it reads at which time, and what it received.

It is counted apart from the others, with a ledger that has gaps within a stream: a server that has to leave messages
out may signal it and continue.
"""

from __future__ import annotations

import random
import time
from functools import partial

import gevent

from bench.clients import ConnectError
from bench.load.backoff import waits_s
from bench.load.session import ApartUser, Session
from bench.measure.recorder import ResumePoint, Window
from bench.reactor.errors import is_bench_fault, is_protocol_error
from bench.results import SlowReader


class SlowReading:
    """Drives the subscriber that is counted apart, from `begin` to `settle`."""

    def __init__(self, session: Session, apart: ApartUser, window: Window) -> None:
        self._session, self._apart, self._window = session, apart, window
        self._user, self._tally = apart.user, apart.user.tally
        self._signalled = 0  # gaps that the server signalled on this connection and that were entered
        self._torn = self._closed = 0
        self._is_disconnected = False

    def begin(self) -> None:
        """Set its reading speeds from the start of the measured part on. At its end it reads at full speed."""
        self._user.subscriber.on_text, self._user.subscriber.on_error = self._on_text, self._on_error
        assert self._session.scenario.apart
        moment_ns = self._window.start_ns
        for speed in self._session.scenario.apart.speeds(self._session.parameters):
            moment_ns = min(moment_ns + round(speed.after_s * 1e9), self._window.end_ns)
            self._session.reactor.call_at(moment_ns, partial(self._apart.reactor.read_at, speed.bytes_per_s))

    def is_over(self) -> bool:
        """Whether there is nothing to wait for: it has, or has passed, the last message, or it stays disconnected."""
        return self._is_disconnected or self._tally.expected >= self._window.last

    def settle(self) -> SlowReader:
        """What it received. The memory of the server is entered later, by the process that samples it."""
        if self._user.subscriber.gaps > self._signalled:  # and no text has arrived since
            self._tally.resume_points.append(
                ResumePoint(len(self._tally.arrivals), self._tally.expected, signalled=True)
            )
        ledger = self._apart.recorder.ledger(self._window, 0)
        return SlowReader(
            messages=ledger.delivered,
            corrupted=ledger.corrupted + self._torn,
            lost=ledger.lost,
            duplicated=ledger.duplicated,
            reordered=ledger.reordered,
            signalled=ledger.signalled,
            closed_by_server=self._closed,
            memory_before_bytes=0,
            memory_peak_bytes=0,
        )

    def _on_text(self, text: bytes, received_ns: int) -> None:
        """Enter a text, and if texts are missing before it, whether the server has signalled a gap."""
        tally = self._tally
        expected, arrivals = tally.expected, len(tally.arrivals)
        tally.on_text(text, received_ns)
        if expected in tally.skips and self._user.subscriber.gaps > self._signalled:
            tally.resume_points.append(ResumePoint(arrivals, expected, signalled=True))
            self._signalled = self._user.subscriber.gaps

    def _on_error(self, reason: str) -> None:
        """Its connection is lost: it reconnects. A stream that breaks the protocol counts as corrupted."""
        if is_bench_fault(reason):
            self._session.recorder.on_error(reason)
        elif is_protocol_error(reason):
            self._torn += 1
        else:
            self._closed += 1
        self._is_disconnected = True
        gevent.spawn(self._reconnect, self._user.subscriber.cursor)

    def _reconnect(self, cursor: str | None) -> None:
        rng = random.Random(f"{self._session.seed}/{self._user.number}/{self._closed}/{self._torn}")
        for wait_s in waits_s(rng):
            gevent.sleep(wait_s)
            if time.monotonic_ns() > self._window.end_ns:
                return
            self._signalled = 0
            subscriber = self._session.subscription(self._user, self._on_text, self._on_error, cursor)
            self._user.subscriber = subscriber
            try:
                subscriber.open()
            except ConnectError:
                continue
            self._is_disconnected = False
            return


def slow_reading(session: Session, window: Window) -> SlowReading | None:
    """The slow reading of this process; None if the subscriber that is counted apart is in another process."""
    return SlowReading(session, session.apart, window) if session.apart else None
