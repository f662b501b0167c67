"""Subscribers that are cut off, or lose their server or their path, and come back while publishing goes on.

They take up where they left off, if the server has cursors.

Whoever comes back retries with exponential backoff and full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS
Architecture Blog, 2015): the wait before attempt n is drawn evenly from 0 to min(cap, base x 2^n).
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import gevent

from bench.analysis.distributions import fold
from bench.clients import ConnectError, Subscriber
from bench.measure.recorder import Return, Tally, Window
from bench.paths import leads_elsewhere
from bench.results import Absences

if TYPE_CHECKING:
    from bench.scenarios._session import Session, SubscriberUser

ATTEMPTS_SLOT_NS = 100_000_000
BACKOFF_S, LONGEST_BACKOFF_S = 0.1, 2.0


def waits_s(rng: random.Random) -> Iterator[float]:
    """How long to wait before one attempt after another; the first is made at once."""
    yield 0.0
    longest = BACKOFF_S
    while True:
        yield rng.uniform(0.0, longest)
        longest = min(LONGEST_BACKOFF_S, 2 * longest)


class Catching:
    """Hands texts to the ledger until the subscriber has, or has passed, what was due before it came back: that is the
    moment at which it is fresh again."""

    def __init__(self, tally: Tally, behind: int, started_ns: int, fresh_ns: list[int]) -> None:
        self._tally, self._behind, self._started_ns, self._fresh_ns = tally, behind, started_ns, fresh_ns
        self.subscriber: Subscriber | None = None

    def on_text(self, text: bytes, received_ns: int) -> None:
        """Enter a text, and look whether that was the last one missing."""
        self._tally.on_text(text, received_ns)
        self.look(received_ns)

    def look(self, now_ns: int) -> None:
        """Whether it is fresh by now; from then on the ledger alone is told."""
        if self.subscriber is not None and self._tally.expected >= self._behind:
            self._fresh_ns.append(now_ns - self._started_ns)
            self.subscriber.on_text = self._tally.on_text
            self.subscriber = None


class Comings:
    """All absences of one process.

    With the parameter `cut_every_s` every subscriber is cut off after 0.5 to 1.5 times that, stays away for
    `away_s`, and again, as long as it can be back before the measured part ends. Without, it comes back whenever it
    loses its server.
    """

    def __init__(self, session: Session, window: Window, start_ns: int, rate_hz: float) -> None:
        self._session, self._window, self._start_ns, self._rate_hz = session, window, start_ns, rate_hz
        self._every_s: float = session.parameters.get("cut_every_s", 0.0)
        self._away_s: float = session.parameters.get("away_s", 0.0)
        self._slots: Counter[int] = Counter()
        self._returns: list[tuple[Return, Subscriber]] = []
        self._spans: list[tuple[Tally, int, int]] = []
        self._fresh_ns: list[int] = []
        self._attempts = self._cuts = 0

    def begin(self) -> None:
        """From the beginning of the measured part."""
        for user in self._session.subscribers:
            if self._every_s:
                gevent.spawn(self._come_and_go, user)
            else:
                user.subscriber.on_error = self._lost(user)

    def _lost(self, user: SubscriberUser) -> Callable[[str], None]:
        """What a subscriber does whose connection is lost: it comes back, from where it was."""

        def lost(reason: str) -> None:
            if reason.startswith("publish: "):
                self._session.recorder.on_error(reason)
                return
            self._cuts += 1
            now_ns = time.monotonic_ns()
            rng = random.Random(f"{self._session.seed}/{user.number}/{self._cuts}")
            gevent.spawn(self._come_back, user, user.subscriber.cursor, rng, now_ns)

        return lost

    def _come_and_go(self, user: SubscriberUser) -> None:
        rng = random.Random(f"{self._session.seed}/{user.number}")
        moment_ns = self._window.start_ns
        while True:
            moment_ns += round(self._every_s * (0.5 + rng.random()) * 1e9)
            back_ns = moment_ns + round(self._away_s * 1e9)
            if back_ns + round(self._away_s * 1e9) > self._window.end_ns:
                return
            _sleep_until(moment_ns)
            cursor = user.subscriber.cursor
            user.subscriber.cut()
            self._cuts += 1
            _sleep_until(back_ns)
            self._come_back(user, cursor, rng, moment_ns)
            moment_ns = max(back_ns, time.monotonic_ns())

    def _come_back(self, user: SubscriberUser, cursor: str | None, rng: random.Random, left_ns: int) -> None:
        """Open subscriptions until one stands, or the measured part is over."""
        started_ns = time.monotonic_ns()
        behind = self._due_before(started_ns)
        self._spans.append((user.tally, self._due_before(left_ns), behind))
        for wait_s in waits_s(rng):
            gevent.sleep(wait_s)
            if time.monotonic_ns() > self._window.end_ns:
                return
            back = user.tally.came_back()
            catching = Catching(user.tally, behind, started_ns, self._fresh_ns)
            on_error = self._session.recorder.on_error if self._every_s else self._lost(user)
            subscriber = self._session.subscription(user, catching.on_text, on_error, cursor)
            catching.subscriber = user.subscriber = subscriber
            self._returns.append((back, subscriber))
            self._attempts += 1
            self._slots[(time.monotonic_ns() - self._window.start_ns) // ATTEMPTS_SLOT_NS] += 1
            try:
                subscriber.open()
            except ConnectError:
                continue
            catching.look(time.monotonic_ns())
            return

    def _due_before(self, moment_ns: int) -> int:
        """How many messages were due by then: the number of the next one."""
        burst: int = self._session.parameters.get("burst", 1)
        return max(0, int((moment_ns - self._start_ns) * self._rate_hz / 1e9 / burst) + 1) * burst

    def settle(self) -> Absences:
        """What became of them; enters into the ledgers which returns were told of a gap."""
        for back, subscriber in self._returns:
            back.signalled = subscriber.gaps > 0
        first, last = self._window.first, self._window.last
        recovered = sum(
            n < tally.expected and n not in tally.missing
            for tally, left, back in self._spans
            for n in range(max(first, left), min(last, back))
        )
        return Absences(
            resumes=False,
            cuts=self._cuts,
            returns=len(self._fresh_ns),
            attempts=self._attempts,
            attempt_slots=[self._slots[slot] for slot in range(max(self._slots, default=-1) + 1)],
            recovered=recovered,
            fresh=fold(self._fresh_ns),
        )

    @property
    def gaps(self) -> int:
        """How many gaps were signalled to those who had come back."""
        return sum(subscriber.gaps for _, subscriber in self._returns)


def comings(session: Session, window: Window, start_ns: int, rate_hz: float) -> Comings | None:
    """Those that the scenario asks for, or None."""
    asked = {"cut_every_s", "restart_after_s", "outage_after_s"} & session.parameters.keys()
    wanted = asked or leads_elsewhere(session.parameters)
    return Comings(session, window, start_ns, rate_hz) if wanted else None


def _sleep_until(moment_ns: int) -> None:
    gevent.sleep(max(0.0, (moment_ns - time.monotonic_ns()) / 1e9))
