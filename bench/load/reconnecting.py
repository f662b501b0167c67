"""Subscribers that are disconnected while publishing goes on, and that reconnect: the bench cuts them off, or they lose
their server or their path.

They resume from their cursor, if the server has cursors. The waits before the attempts are in `backoff.py`.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import gevent

from bench.analysis.numbers.distributions import fold
from bench.clients import ConnectError, Subscriber
from bench.load.backoff import waits_s
from bench.load.session import Session, SessionUser
from bench.measure.recorder import ResumePoint, Tally, Window
from bench.paths import leads_elsewhere
from bench.reactor.errors import is_bench_fault, is_protocol_error
from bench.results import Reconnects

ATTEMPTS_SLOT_NS = 100_000_000


@dataclass(slots=True)
class Disconnect:
    """A disconnect of a subscriber, from the loss of its connection until it has caught up.

    disconnected_ns: when it lost its connection. attempted_ns: when it first tried to reconnect. next_due: the number
    of the message that was then the next one to be due. reconnected_ns: when its subscription stood. caught_up_ns: when
    it had, or had passed, all messages before `next_due`. 0: not yet.
    losses: the number of connections that it lost meanwhile, the first one included. waits: the rest of its backoff,
    which continues where a connection is lost again before the subscriber has caught up.
    """

    tally: Tally
    disconnected_ns: int
    attempted_ns: int = 0
    next_due: int = 0
    reconnected_ns: int = 0
    caught_up_ns: int = 0
    losses: int = 1
    waits: Iterator[float] | None = None


@dataclass(slots=True)
class ReconnectingUser:
    """A subscriber that may be disconnected: its own random numbers, the reconnection time that servers requested, and
    its latest disconnect."""

    user: SessionUser
    rng: random.Random
    requested_s: float = 0.0
    disconnect: Disconnect | None = None

    @property
    def retry_s(self) -> float:
        """The reconnection time that a server last requested; 0 if none ever did."""
        requested_s = self.user.subscriber.retry_s
        if requested_s is not None:
            self.requested_s = requested_s
        return self.requested_s


class CatchUp:
    """Enters texts into the ledger, and in the disconnect when the subscriber has reconnected and when it has caught
    up."""

    def __init__(self, disconnect: Disconnect) -> None:
        self._disconnect = disconnect
        self.subscriber: Subscriber | None = None

    def on_text(self, text: bytes, received_ns: int) -> None:
        """Enter a text. A subscriber that receives one has reconnected, if nothing has shown it before."""
        self._disconnect.tally.on_text(text, received_ns)
        self.on_connected(received_ns)

    def on_connected(self, now_ns: int) -> None:
        """Enter that the subscription stands. Once the subscriber has caught up, its texts go to the ledger alone."""
        disconnect = self._disconnect
        if self.subscriber is None:
            return
        disconnect.reconnected_ns = disconnect.reconnected_ns or now_ns
        if disconnect.tally.expected >= disconnect.next_due:
            disconnect.caught_up_ns = now_ns
            self.subscriber.on_text = disconnect.tally.on_text
            self.subscriber = None


class Reconnections:
    """All disconnects of one load process.

    Where the scenario cuts connections, every subscriber is cut off after 0.5 to 1.5 times `every_s` and stays away for
    `away_s` (longer, if the server requested it). This repeats as long as the subscriber can be back before the
    measured part ends. In other scenarios a subscriber reconnects whenever it loses its server.
    """

    def __init__(self, session: Session, window: Window, start_ns: int, rate_hz: float, drain_s: float) -> None:
        self._session, self._window, self._start_ns, self._rate_hz = session, window, start_ns, rate_hz
        self._until_ns = window.end_ns + round(drain_s * 1e9)
        cuts, values = session.scenario.cuts, session.parameters
        self._every_s, self._away_s = (cuts.every_s.of(values), cuts.away_s.of(values)) if cuts else (0.0, 0.0)
        self._disconnects: list[Disconnect] = []
        self._attempts_ns: list[int] = []
        self._resumptions: list[tuple[ResumePoint, Subscriber]] = []

    def begin(self) -> None:
        """Begin to disconnect and reconnect subscribers, at the start of the measured part."""
        for user in self._session.subscribers:
            reconnecting = ReconnectingUser(user, random.Random(f"{self._session.seed}/{user.number}"))
            if self._every_s:
                gevent.spawn(self._cut_repeatedly, reconnecting)
            else:
                user.subscriber.on_error = self._on_error(reconnecting)

    def _on_error(self, reconnecting: ReconnectingUser) -> Callable[[str], None]:
        """The callback for an error of this subscriber: where its connection is lost, it reconnects from its cursor."""

        def lost(reason: str) -> None:
            if reason.startswith("publish: "):
                self._session.recorder.on_error(reason)
                return
            if is_bench_fault(reason) or is_protocol_error(reason):  # the subscriber reconnects all the same
                self._session.recorder.on_error(reason)
            disconnect = self._enter_loss(reconnecting)
            gevent.spawn(self._reconnect, reconnecting, disconnect, reconnecting.user.subscriber.cursor)

        return lost

    def _cut_repeatedly(self, reconnecting: ReconnectingUser) -> None:
        moment_ns = self._window.start_ns
        while True:
            moment_ns += round(self._every_s * (0.5 + reconnecting.rng.random()) * 1e9)
            away_ns = round(max(self._away_s, reconnecting.retry_s) * 1e9)
            if moment_ns + 2 * away_ns > self._window.end_ns:
                return
            _sleep_until(moment_ns)
            subscriber = reconnecting.user.subscriber
            cursor = subscriber.cursor
            subscriber.abort()
            disconnect = self._begin_disconnect(reconnecting)
            _sleep_until(moment_ns + away_ns)
            self._reconnect(reconnecting, disconnect, cursor, at_once=True)
            moment_ns = max(moment_ns + away_ns, time.monotonic_ns())

    def _begin_disconnect(self, reconnecting: ReconnectingUser) -> Disconnect:
        """Enter that a subscriber is disconnected from now on."""
        reconnecting.disconnect = Disconnect(reconnecting.user.tally, time.monotonic_ns())
        self._disconnects.append(reconnecting.disconnect)
        return reconnecting.disconnect

    def _enter_loss(self, reconnecting: ReconnectingUser) -> Disconnect:
        """Enter a lost connection. The latest disconnect continues if the subscriber has not caught up since."""
        disconnect = reconnecting.disconnect
        if disconnect is None or disconnect.caught_up_ns:
            return self._begin_disconnect(reconnecting)
        disconnect.reconnected_ns = 0
        disconnect.losses += 1
        return disconnect

    def _reconnect(
        self, reconnecting: ReconnectingUser, disconnect: Disconnect, cursor: str | None, *, at_once: bool = False
    ) -> None:
        """Open subscriptions until one is accepted, or until the drain would be over before the next attempt."""
        if disconnect.waits is None:
            disconnect.waits = waits_s(reconnecting.rng, reconnecting.retry_s, at_once=at_once)
        for wait_s in disconnect.waits:
            if time.monotonic_ns() + wait_s * 1e9 > self._until_ns:
                return
            gevent.sleep(wait_s)
            if self._try(reconnecting, disconnect, cursor):
                return

    def _try(self, reconnecting: ReconnectingUser, disconnect: Disconnect, cursor: str | None) -> bool:
        """Make one attempt. Returns whether it was accepted."""
        user, now_ns = reconnecting.user, time.monotonic_ns()
        self._attempts_ns.append(now_ns)
        if not disconnect.attempted_ns:
            disconnect.attempted_ns, disconnect.next_due = now_ns, self._due_before(now_ns)
        resume_point = user.tally.reconnected()
        catch_up = CatchUp(disconnect)
        on_error = self._session.recorder.on_error if self._every_s else self._on_error(reconnecting)
        subscriber = self._session.subscription(user, catch_up.on_text, on_error, cursor)
        catch_up.subscriber = user.subscriber = subscriber
        self._resumptions.append((resume_point, subscriber))
        losses = disconnect.losses
        try:
            took_ns = subscriber.open()
        except ConnectError:
            return False
        # The connection may have been lost before this greenlet's turn.
        if took_ns is not None and disconnect.losses == losses:
            catch_up.on_connected(time.monotonic_ns())
        return True

    def _due_before(self, moment_ns: int) -> int:
        """The number of messages that were due by then, which is the number of the next one."""
        burst = self._session.scenario.burst_size(self._session.parameters)
        return max(0, int((moment_ns - self._start_ns) * self._rate_hz / 1e9 / burst) + 1) * burst

    def settle(self) -> Reconnects:
        """The counts of all disconnects. Marks in the ledgers the reconnections after which a gap was signalled."""
        for resume_point, subscriber in self._resumptions:
            resume_point.signalled = subscriber.gaps > 0
        first, last = self._window.first, self._window.last
        recovered = sum(
            n < one.tally.expected and n not in one.tally.missing
            for one in self._disconnects
            for n in range(max(first, self._due_before(one.disconnected_ns)), min(last, one.next_due))
        )
        began_ns = self._window.start_ns
        slots = Counter(max(0, moment_ns - began_ns) // ATTEMPTS_SLOT_NS for moment_ns in self._attempts_ns)
        catch_ups_ns = [one.caught_up_ns - one.attempted_ns for one in self._disconnects if one.caught_up_ns]
        reconnects_ns = [one.reconnected_ns - one.disconnected_ns for one in self._disconnects if one.reconnected_ns]
        return Reconnects(
            declares_resume=False,
            disconnects=len(self._disconnects),
            caught_up=len(catch_ups_ns),
            attempts=len(self._attempts_ns),
            attempt_slots=[slots[slot] for slot in range(max(slots, default=-1) + 1)],
            recovered_deliveries=recovered,
            catch_up_time=fold(catch_ups_ns),
            reconnect_time=fold(reconnects_ns),
        )

    @property
    def gaps(self) -> int:
        """The number of gaps that were signalled to reconnected subscribers."""
        return sum(subscriber.gaps for _, subscriber in self._resumptions)


def reconnections(
    session: Session, window: Window, start_ns: int, rate_hz: float, drain_s: float
) -> Reconnections | None:
    """The disconnects and reconnections that the scenario or the path causes; None if there are none."""
    reconnect = session.scenario.reconnects or leads_elsewhere(session.parameters)
    return Reconnections(session, window, start_ns, rate_hz, drain_s) if reconnect else None


def _sleep_until(moment_ns: int) -> None:
    gevent.sleep(max(0.0, (moment_ns - time.monotonic_ns()) / 1e9))
