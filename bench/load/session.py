"""One load process as a session: its subscribers, its recorder, and what its users share.

Under `python -m bench run` the orders come over a control socket (`orders.py`). Under `locust -f` without the bench
(`alone.py`) every user connects at once.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gevent.event import Event
from gevent.lock import BoundedSemaphore

from bench import clients, scenarios
from bench.clients import ConnectError, OnError, OnText, Subscriber, Subscription, Target
from bench.load.addresses import source
from bench.measure.recorder import Recorder, Tally
from bench.messages import Composer
from bench.processes.orders import Assignment
from bench.reactor.reactor import Reactor
from bench.reactor.slow import SlowReactor
from bench.scenarios import Arrivals, Scenario

CONNECTING_AT_ONCE = 256  # well below every listen backlog: a connect measures the server, not a dropped SYN
APART_RECEIVE_BYTES = 16_384  # as requested: the kernel doubles it for its own bookkeeping
POLLS, PUBLISHES = 5**0.5 % 1, 2**0.5 % 1  # rationally independent: no subscriber publishes in step with its own polls


class SessionUser:
    """One subscriber of the trial, created before it connects. `index`: its position among the users of this process.
    `subscribed`: whether its subscription was confirmed.

    Set by `Session.open`: `number` (its position among the subscribers of the trial), `topic`, `subscriber`, `tally`.
    """

    __slots__ = ("_first_number", "index", "number", "subscribed", "subscriber", "tally", "topic")

    number: int
    topic: str
    subscriber: Subscriber
    tally: Tally

    def __init__(self, index: int) -> None:
        self.index, self.subscribed = index, False

    def identify(self, number: int, topic: str, first_number: int) -> None:
        """Set its number, its topic, and the number of the first message that it publishes."""
        self.number, self.topic, self._first_number = number, topic, first_number

    def numbered(self, index: int) -> int:
        """The number that its `index`-th message carries."""
        return self._first_number + index

    @property
    def connecting(self) -> bool:
        """Whether it has begun to connect."""
        return hasattr(self, "subscriber")


@dataclass(frozen=True, slots=True)
class ApartUser:
    """The subscriber that is counted apart from the others, with its own recorder and reactor."""

    user: SessionUser
    recorder: Recorder
    reactor: SlowReactor


class Session:
    """Everything the users of one load process share. `configure` makes it ready; `allow` lets users connect."""

    scenario: Scenario

    def __init__(self) -> None:
        self.users: list[SessionUser] = []
        self.reactor = Reactor()
        self.connect_ns: list[int] = []
        self.settled = 0
        self.apart: ApartUser | None = None
        self.topic = ""
        self.parameters: Mapping[str, Any] = {}
        self._allowed = 0
        self._gate = Event()

    def configure(self, assignment: Assignment) -> None:
        """Set which server is driven and how. Must be called before the first `allow`."""
        parameters: Mapping[str, Any] = assignment.parameters
        self.host, self.port, self.wire = assignment.host, assignment.port, assignment.wire
        self.client = clients.load(assignment.client)
        self.scenario = scenarios.load(assignment.scenario)
        self.topic, self.parameters = assignment.topic, parameters
        self.composer = Composer(assignment.seed, parameters["payload_bytes"])
        self.recorder = Recorder(self.composer)
        self.apart = None
        self.seed = assignment.seed
        kind = self.scenario.kind
        self._slots = BoundedSemaphore(
            kind.at_once.of(parameters) if isinstance(kind, Arrivals) else CONNECTING_AT_ONCE
        )
        self._phase_offset = random.Random(assignment.seed).random()
        self._share = assignment.share

    @property
    def subscribers(self) -> list[SessionUser]:
        """The users that were allowed to connect, whether or not they succeeded."""
        return self.users[: self._allowed]

    @property
    def measured(self) -> list[SessionUser]:
        """The subscribers without the one that is counted apart."""
        return [user for user in self.subscribers if self.apart is None or user is not self.apart.user]

    @property
    def recorders(self) -> list[Recorder]:
        """The recorder of the measured subscribers, and that of the subscriber that is counted apart."""
        return [self.recorder, self.apart.recorder] if self.apart else [self.recorder]

    def enlist(self) -> SessionUser:
        """Add one more user."""
        self.users.append(SessionUser(len(self.users)))
        return self.users[-1]

    def allow(self, subscribers: int) -> None:
        """Let the first `subscribers` users connect."""
        self._allowed = subscribers
        self._gate.set()
        self._gate.clear()

    def wait_for_turn(self, user: SessionUser) -> None:
        """Block a user until it may connect."""
        while user.index >= self._allowed:
            self._gate.wait()

    def phase(self, number: int, irrational: float = POLLS) -> float:
        """The seeded phase of subscriber `number` of the trial, in [0, 1): a Weyl sequence, even over the interval for
        any number of subscribers (discrepancy O(log N / N)), so that no run draws phases that deviate from the law by
        chance.
        """
        return (self._phase_offset + number * irrational) % 1.0

    def open(self, user: SessionUser) -> None:
        """Open the subscription of a user and enter how long it took, or the error."""
        first, stride = self._share
        number, audience = first + user.index * stride, self.scenario.audience
        user.identify(
            number, self.topic + audience.topic(number, self.parameters),
            audience.first_number(number, self.parameters),
        )  # fmt: skip
        recorder = self.recorder
        if self.scenario.apart and number == self.scenario.apart.number(self.parameters):
            recorder = Recorder(self.composer)
            self.apart = ApartUser(user, recorder, SlowReactor(APART_RECEIVE_BYTES))
        user.tally = recorder.tally(audience.hears(number, self.parameters))
        user.subscriber = self.subscription(user, user.tally.on_text, self.recorder.on_error)
        try:
            with self._slots:
                took_ns = user.subscriber.open()
            user.subscribed = True
            if took_ns is not None:
                self.connect_ns.append(took_ns)
        except ConnectError as error:
            self.recorder.on_error(f"connect: {error}")
        finally:
            self.settled += 1

    def subscription(
        self, user: SessionUser, on_text: OnText, on_error: OnError, after: str | None = None
    ) -> Subscriber:
        """A subscription of a user that is not opened yet. With a cursor `after` it resumes from there."""
        target = Target(
            host=self.host,
            port=self.port,
            wire=self.wire,
            source=source(user.number),
            poll_interval_s=self.parameters["poll_interval_s"],
            hold_s=self.parameters["hold_s"],
        )
        phase = self.phase(user.number)
        reactor = self.apart.reactor if self.apart and user is self.apart.user else self.reactor
        return self.client(reactor, Subscription(target, user.topic, on_text, on_error, after, phase))
