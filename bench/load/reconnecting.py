"""Subscribers that are cut off, or lose their server or their path, and come back while publishing goes on.

They take up where they left off, if the server has cursors. How long they wait before each attempt is in `backoff.py`.
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
from bench.clients._errors import is_bench_fault, is_protocol_error
from bench.load.backoff import waits_s
from bench.load.session import Session, SessionUser
from bench.measure.recorder import ResumePoint, Tally, Window
from bench.paths import leads_elsewhere
from bench.results import Reconnects

ATTEMPTS_SLOT_NS = 100_000_000


@dataclass(slots=True)
class Absence:
    """A subscriber is away since `left_ns`; it first tried to come back at `tried_ns`, when message `behind` was the
    next one to be due. From `back_ns` its subscription stood, from `fresh_ns` it had, or had passed, all before
    `behind`. 0: not yet. losses: how often its connection was lost meanwhile, the first time included. waits: what is
    left of its backoff, which goes on where a connection that stood was lost again before it was of any use.
    """

    tally: Tally
    left_ns: int
    tried_ns: int = 0
    behind: int = 0
    back_ns: int = 0
    fresh_ns: int = 0
    losses: int = 1
    waits: Iterator[float] | None = None


@dataclass(slots=True)
class Traveller:
    """A subscriber that may be away: its own chance, what servers asked of it, and its latest absence."""

    user: SessionUser
    rng: random.Random
    asked_s: float = 0.0
    absence: Absence | None = None

    @property
    def retry_s(self) -> float:
        """The reconnection time that a server last asked for; 0 where none ever did."""
        asked_s = self.user.subscriber.retry_s
        if asked_s is not None:
            self.asked_s = asked_s
        return self.asked_s


class Catching:
    """Hands texts to the ledger and looks whether the subscriber, which has tried to come back, is back and fresh."""

    def __init__(self, absence: Absence) -> None:
        self._absence = absence
        self.subscriber: Subscriber | None = None

    def on_text(self, text: bytes, received_ns: int) -> None:
        """Enter a text: whoever hears one is back, if nothing has shown it before."""
        self._absence.tally.on_text(text, received_ns)
        self.look(received_ns)

    def look(self, now_ns: int) -> None:
        """It is back; whether it is fresh, too. From then on the ledger alone is told."""
        absence = self._absence
        if self.subscriber is None:
            return
        absence.back_ns = absence.back_ns or now_ns
        if absence.tally.expected >= absence.behind:
            absence.fresh_ns = now_ns
            self.subscriber.on_text = absence.tally.on_text
            self.subscriber = None


class Comings:
    """All absences of one process.

    Where the scenario cuts, every subscriber is cut off after 0.5 to 1.5 times `every_s`, stays away for `away_s`
    (longer, if the server has asked for it), and again, as long as it can be back before the measured part ends. Where
    it does not, a subscriber comes back whenever it loses its server.
    """

    def __init__(self, session: Session, window: Window, start_ns: int, rate_hz: float, drain_s: float) -> None:
        self._session, self._window, self._start_ns, self._rate_hz = session, window, start_ns, rate_hz
        self._until_ns = window.end_ns + round(drain_s * 1e9)
        cuts, values = session.scenario.cuts, session.parameters
        self._every_s, self._away_s = (cuts.every_s.of(values), cuts.away_s.of(values)) if cuts else (0.0, 0.0)
        self._absences: list[Absence] = []
        self._attempts_ns: list[int] = []
        self._returns: list[tuple[ResumePoint, Subscriber]] = []

    def begin(self) -> None:
        """From the beginning of the measured part."""
        for user in self._session.subscribers:
            traveller = Traveller(user, random.Random(f"{self._session.seed}/{user.number}"))
            if self._every_s:
                gevent.spawn(self._come_and_go, traveller)
            else:
                user.subscriber.on_error = self._on_error(traveller)

    def _on_error(self, traveller: Traveller) -> Callable[[str], None]:
        """What a subscriber does whose connection is lost: it comes back, from where it was."""

        def lost(reason: str) -> None:
            if reason.startswith("publish: "):
                self._session.recorder.on_error(reason)
                return
            if is_bench_fault(reason) or is_protocol_error(reason):  # and it comes back all the same
                self._session.recorder.on_error(reason)
            absence = self._lost(traveller)
            gevent.spawn(self._come_back, traveller, absence, traveller.user.subscriber.cursor)

        return lost

    def _come_and_go(self, traveller: Traveller) -> None:
        moment_ns = self._window.start_ns
        while True:
            moment_ns += round(self._every_s * (0.5 + traveller.rng.random()) * 1e9)
            away_ns = round(max(self._away_s, traveller.retry_s) * 1e9)
            if moment_ns + 2 * away_ns > self._window.end_ns:
                return
            _sleep_until(moment_ns)
            subscriber = traveller.user.subscriber
            cursor = subscriber.cursor
            subscriber.abort()
            absence = self._away(traveller)
            _sleep_until(moment_ns + away_ns)
            self._come_back(traveller, absence, cursor, at_once=True)
            moment_ns = max(moment_ns + away_ns, time.monotonic_ns())

    def _away(self, traveller: Traveller) -> Absence:
        """Enter that a subscriber is away from now on."""
        traveller.absence = Absence(traveller.user.tally, time.monotonic_ns())
        self._absences.append(traveller.absence)
        return traveller.absence

    def _lost(self, traveller: Traveller) -> Absence:
        """Enter a lost connection: of a subscriber that was not fresh again, its absence goes on."""
        absence = traveller.absence
        if absence is None or absence.fresh_ns:
            return self._away(traveller)
        absence.back_ns = 0
        absence.losses += 1
        return absence

    def _come_back(self, traveller: Traveller, absence: Absence, cursor: str | None, *, at_once: bool = False) -> None:
        """Open subscriptions until one stands, or the drain would be over before the next attempt."""
        if absence.waits is None:
            absence.waits = waits_s(traveller.rng, traveller.retry_s, at_once=at_once)
        for wait_s in absence.waits:
            if time.monotonic_ns() + wait_s * 1e9 > self._until_ns:
                return
            gevent.sleep(wait_s)
            if self._try(traveller, absence, cursor):
                return

    def _try(self, traveller: Traveller, absence: Absence, cursor: str | None) -> bool:
        """Make one attempt; whether it was accepted."""
        user, now_ns = traveller.user, time.monotonic_ns()
        self._attempts_ns.append(now_ns)
        if not absence.tried_ns:
            absence.tried_ns, absence.behind = now_ns, self._due_before(now_ns)
        back = user.tally.reconnected()
        catching = Catching(absence)
        on_error = self._session.recorder.on_error if self._every_s else self._on_error(traveller)
        subscriber = self._session.subscription(user, catching.on_text, on_error, cursor)
        catching.subscriber = user.subscriber = subscriber
        self._returns.append((back, subscriber))
        losses = absence.losses
        try:
            took_ns = subscriber.open()
        except ConnectError:
            return False
        if took_ns is not None and absence.losses == losses:  # it may have been lost before this greenlet's turn
            catching.look(time.monotonic_ns())
        return True

    def _due_before(self, moment_ns: int) -> int:
        """How many messages were due by then: the number of the next one."""
        burst = self._session.scenario.burst_size(self._session.parameters)
        return max(0, int((moment_ns - self._start_ns) * self._rate_hz / 1e9 / burst) + 1) * burst

    def settle(self) -> Reconnects:
        """What became of them; enters into the ledgers which returns were told of a gap."""
        for back, subscriber in self._returns:
            back.signalled = subscriber.gaps > 0
        first, last = self._window.first, self._window.last
        recovered = sum(
            n < one.tally.expected and n not in one.tally.missing
            for one in self._absences
            for n in range(max(first, self._due_before(one.left_ns)), min(last, one.behind))
        )
        began_ns = self._window.start_ns
        slots = Counter(max(0, moment_ns - began_ns) // ATTEMPTS_SLOT_NS for moment_ns in self._attempts_ns)
        fresh_ns = [one.fresh_ns - one.tried_ns for one in self._absences if one.fresh_ns]
        return Reconnects(
            declares_resume=False,
            disconnects=len(self._absences),
            caught_up=len(fresh_ns),
            attempts=len(self._attempts_ns),
            attempt_slots=[slots[slot] for slot in range(max(slots, default=-1) + 1)],
            recovered_deliveries=recovered,
            catch_up_time=fold(fresh_ns),
            reconnect_time=fold([one.back_ns - one.left_ns for one in self._absences if one.back_ns]),
        )

    @property
    def gaps(self) -> int:
        """How many gaps were signalled to those who had come back."""
        return sum(subscriber.gaps for _, subscriber in self._returns)


def comings(session: Session, window: Window, start_ns: int, rate_hz: float, drain_s: float) -> Comings | None:
    """Those that the scenario asks for, or None."""
    reconnect = session.scenario.reconnects or leads_elsewhere(session.parameters)
    return Comings(session, window, start_ns, rate_hz, drain_s) if reconnect else None


def _sleep_until(moment_ns: int) -> None:
    gevent.sleep(max(0.0, (moment_ns - time.monotonic_ns()) / 1e9))
