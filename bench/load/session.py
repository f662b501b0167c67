"""One Locust process as a session: its subscribers, its recorder, and who tells it what to do.

Under `python -m bench run` the orders come over a control socket (`orders.py`): connect so many, prime, measure. Alone
under `locust -f` there is nobody to give orders: every user connects at once and one of them publishes upstream.
"""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gevent
from gevent.event import Event
from gevent.lock import BoundedSemaphore
from locust import User, events, task

from bench import clients
from bench.clients import ConnectError, OnError, OnText, Subscriber, Subscription, Target
from bench.clients._reactor import Reactor
from bench.clients._slow import SlowReactor
from bench.measure.recorder import ONE_SENDER, Recorder, Tally
from bench.messages import Composer
from bench.processes.orders import CONTROL, MASTER, Assignment

CONNECTING_AT_ONCE = 256  # well below every listen backlog: a connect measures the server, not a dropped SYN
SUBSCRIBERS_PER_SOURCE = 10_000  # with a second connection upstream, below the ephemeral ports of a source address
APART_RECEIVE_BYTES = 16_384  # asked of the kernel, which grants twice that for its own needs
POLLS, PUBLISHES = 5**0.5 % 1, 2**0.5 % 1  # rationally independent: nobody publishes in step with its own polls


@dataclass(frozen=True, slots=True)
class Apart:
    """A subscriber that is counted apart from the others: what it receives, and what crosses its connections, is not
    measured with theirs."""

    user: SubscriberUser
    recorder: Recorder
    reactor: SlowReactor


class Session:
    """Everything the users of one Locust process share. `configure` makes it ready; `allow` lets users connect."""

    def __init__(self) -> None:
        self.users: list[SubscriberUser] = []
        self.reactor = Reactor()
        self.connect_ns: list[int] = []
        self.settled = 0
        self.apart: Apart | None = None
        self.topic = ""
        self.parameters: Mapping[str, Any] = {}
        self._allowed = 0
        self._gate = Event()

    def configure(self, assignment: Assignment) -> None:
        """Say which server is driven and how; must come before the first `allow`."""
        parameters: Mapping[str, Any] = assignment.parameters
        self.host, self.port, self.wire = assignment.host, assignment.port, assignment.wire
        self.client = clients.load(assignment.client)
        self.topic, self.parameters = assignment.topic, parameters
        self.composer = Composer(assignment.seed, parameters["payload_bytes"])
        self.recorder = Recorder(self.composer)
        self.apart = None
        self.seed = assignment.seed
        self._slots = BoundedSemaphore(parameters.get("connecting_at_once", CONNECTING_AT_ONCE))
        self._phase_offset = random.Random(assignment.seed).random()
        self._share = assignment.share

    @property
    def subscribers(self) -> list[SubscriberUser]:
        """The users that were let in to connect, whatever came of it."""
        return self.users[: self._allowed]

    @property
    def measured(self) -> list[SubscriberUser]:
        """The same without whoever is counted apart."""
        return [user for user in self.subscribers if self.apart is None or user is not self.apart.user]

    @property
    def recorders(self) -> list[Recorder]:
        """The one that measures, and that of whoever is counted apart."""
        return [self.recorder, self.apart.recorder] if self.apart else [self.recorder]

    def enlist(self, user: SubscriberUser) -> int:
        """Take a user in; its index in this process."""
        self.users.append(user)
        return len(self.users) - 1

    def allow(self, subscribers: int) -> None:
        """Let the first `subscribers` users connect."""
        self._allowed = subscribers
        self._gate.set()
        self._gate.clear()

    def wait_for_turn(self, index: int) -> None:
        """Block a user until it may connect."""
        while index >= self._allowed:
            self._gate.wait()

    def phase(self, number: int, irrational: float = POLLS) -> float:
        """The seeded phase of subscriber `number` of the trial, in [0, 1): a Weyl sequence, even over the interval for
        any number of subscribers (discrepancy O(log N / N)), so that a sample of phases does not miss the law by
        its luck.
        """
        return (self._phase_offset + number * irrational) % 1.0

    def open(self, user: SubscriberUser) -> None:
        """Open the subscription of a user and enter how long it took, or the error."""
        first, stride = self._share
        user.number = first + user.index * stride
        recorder = self.recorder
        if user.is_apart():
            recorder = Recorder(self.composer)
            self.apart = Apart(user, recorder, SlowReactor(APART_RECEIVE_BYTES))
        user.tally = recorder.tally(user.heard())
        user.subscriber = self.subscription(user, user.tally.on_text, self.recorder.on_error)
        try:
            with self._slots:
                took_ns = user.subscriber.open()
            if took_ns is not None:
                self.connect_ns.append(took_ns)
        except ConnectError as error:
            self.recorder.on_error(f"connect: {error}")
        finally:
            self.settled += 1

    def subscription(
        self, user: SubscriberUser, on_text: OnText, on_error: OnError, after: str | None = None
    ) -> Subscriber:
        """A subscription of a user that is yet to be opened, where it left off if `after` says where."""
        target = Target(
            host=self.host,
            port=self.port,
            wire=self.wire,
            source=f"127.0.0.{1 + user.number // SUBSCRIBERS_PER_SOURCE}"
            if user.number >= SUBSCRIBERS_PER_SOURCE
            else "",
            poll_interval_s=self.parameters["poll_interval_s"],
            hold_s=self.parameters["hold_s"],
        )
        phase = self.phase(user.number)
        reactor = self.apart.reactor if self.apart and user is self.apart.user else self.reactor
        return self.client(reactor, Subscription(target, user.topic(), on_text, on_error, after, phase))


SESSION = Session()


class SubscriberUser(User):
    """One Locust user is one subscriber."""

    abstract = True
    session = SESSION
    index: int  # among the users of this process
    number: int  # among the subscribers of the trial
    subscriber: Subscriber
    tally: Tally

    def topic(self) -> str:
        """The topic of this subscriber: the one of the trial, unless its scenario says otherwise."""
        return self.session.topic

    def heard(self) -> range:
        """Whom this subscriber hears on its topic: the publisher alone, or members of a room by their numbers."""
        return ONE_SENDER

    def is_apart(self) -> bool:
        """Whether this subscriber is counted apart from those that are measured."""
        return False

    def numbered(self, index: int) -> int:
        """The number that the `index`-th message of this subscriber carries."""
        return index

    def on_start(self) -> None:
        self.index = self.session.enlist(self)

    def on_stop(self) -> None:
        if hasattr(self, "subscriber"):
            self.subscriber.close()

    @task
    def subscribe(self) -> None:
        """Connect when it is this user's turn; from then on the reactor does the work and this greenlet sleeps."""
        self.session.wait_for_turn(self.index)
        self.session.open(self)
        Event().wait()


@events.init_command_line_parser.add_listener
def _add_arguments(parser: Any, **_: Any) -> None:
    from bench.load import alone

    alone.add_arguments(parser)


@events.init.add_listener
def _work_alone(environment: Any, **_: Any) -> None:
    """Nobody gives orders. (To the bench nobody shows Locust's rates, and feeding them would cost the measurement.)"""
    from bench.load import alone, rates

    if not _is_led():
        gevent.spawn(rates.feed, environment, SESSION)
        alone.prepare(environment, SESSION)


def _is_led() -> bool:
    return CONTROL in os.environ or MASTER in os.environ


def _take_command() -> None:
    """Follow the orders of the bench, and end with it. Not only once Locust is ready: a worker whose master is gone
    waits for it, and must not outlive the bench for that.
    """
    from bench.load import orders

    if MASTER in os.environ:  # it only spreads the users
        gevent.spawn(orders.end_with_stdin)
    else:
        gevent.spawn(orders.follow, SESSION, int(os.environ[CONTROL]))


if _is_led():
    _take_command()
