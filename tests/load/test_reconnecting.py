"""Disconnected subscribers, against a scripted server: when they reconnect, and what is counted."""

import heapq
import itertools
from types import SimpleNamespace

import gevent
import pytest
from gevent.event import Event

from bench import scenarios
from bench.clients import ConnectError
from bench.load import backoff
from bench.load.reconnecting import Reconnections
from bench.measure.recorder import Recorder, Window
from bench.messages import Composer

COMPOSER = Composer(1, 80)
RATE_HZ = 1000.0
S = 1_000_000_000


class Stand:
    """A scripted subscriber. `refused`: the number of attempts that fail before one succeeds."""

    retry_s = None
    shows = 1_000  # ns, or None: a protocol that does not show that the subscription stands
    refused = 0

    def __init__(self, user, on_text, on_error, cursor):
        self.user, self.on_text, self.on_error, self.after = user, on_text, on_error, cursor
        self.cursor, self.gaps = cursor, 0
        self.was_cut = False

    def open(self):
        if Stand.refused:
            Stand.refused -= 1
            raise ConnectError("connect: connection refused")
        return Stand.shows

    def abort(self):
        self.was_cut = True


class Session:
    """A session of `count` connected subscribers."""

    seed = 1

    def __init__(self, count, scenario, **changes):
        self.scenario = scenarios.load(scenario)
        self.parameters = self.scenario.settled("standard", changes)
        self.recorder = Recorder(COMPOSER)
        self.opened = []
        self.subscribers = []
        for number in range(count):
            user = SimpleNamespace(number=number, tally=self.recorder.tally())
            user.subscriber = Stand(user, user.tally.on_text, self.recorder.on_error, "e:0")
            self.subscribers.append(user)

    def subscription(self, user, on_text, on_error, after):
        self.opened.append(Stand(user, on_text, on_error, after))
        return self.opened[-1]


@pytest.fixture
def clock(monkeypatch):
    """A clock in nanoseconds that moves only by `advance`, which wakes the sleeping greenlets in order."""
    time = SimpleNamespace(now_ns=0)
    sleepers, order = [], itertools.count()

    def sleep(seconds):
        awake = Event()
        heapq.heappush(sleepers, (time.now_ns + round(seconds * S), next(order), awake))
        awake.wait()

    def advance(seconds):
        end_ns = time.now_ns + round(seconds * S)
        settle()
        while sleepers and sleepers[0][0] <= end_ns:
            time.now_ns, _, awake = heapq.heappop(sleepers)
            awake.set()
            settle()
        time.now_ns = end_ns

    time.advance = advance
    fake = SimpleNamespace(monotonic_ns=lambda: time.now_ns)
    monkeypatch.setattr("bench.load.reconnecting.time", fake)
    monkeypatch.setattr("bench.load.reconnecting.gevent", SimpleNamespace(sleep=sleep, spawn=gevent.spawn))
    monkeypatch.setattr(Stand, "refused", 0)
    return time


def settle():
    """Let every greenlet run until it sleeps."""
    for _ in range(5):
        gevent.sleep(0)


def begun(count=1, seconds=100, scenario="restart", **changes):
    session = Session(count, scenario, **changes)
    reconnections = Reconnections(session, Window(0, round(seconds * RATE_HZ), 0, seconds * S), 0, RATE_HZ, 1.0)
    reconnections.begin()
    return session, reconnections


def receive(user, number, clock):
    user.subscriber.on_text(COMPOSER.compose(number, round(number * S / RATE_HZ)), clock.now_ns)


def test_a_subscriber_has_reconnected_when_its_subscription_stands_and_caught_up_when_nothing_is_missing(clock):
    session, reconnections = begun()
    (user,) = session.subscribers
    clock.advance(2)
    user.subscriber.on_error("closed by the server")
    Stand.refused = 2
    clock.advance(20)
    reconnects = reconnections.settle()
    assert (reconnects.disconnects, reconnects.attempts, reconnects.caught_up) == (1, 3, 0)
    assert reconnects.reconnect_time.count == 1
    assert 0 < reconnects.reconnect_time.max_ns <= (backoff.BASE_S + 2 * backoff.BASE_S + backoff.LONGEST_S) * S
    assert sum(reconnects.attempt_slots) == 3
    assert session.opened[-1].after == "e:0"
    receive(user, 50_000, clock)
    assert reconnections.settle().caught_up == 1


def test_the_reconnection_time_of_a_server_applies_after_every_loss_until_it_sends_another(clock):
    session, reconnections = begun()
    (user,) = session.subscribers
    user.subscriber.retry_s = 6.0
    for number in (1, 2):
        user.subscriber.on_error("closed by the server")
        clock.advance(20)
        receive(user, number * 40_000, clock)
    reconnects = reconnections.settle()
    assert (reconnects.reconnect_time.count, reconnects.caught_up) == (2, 2)
    assert reconnects.reconnect_time.min_ns >= 6 * S
    user.subscriber.retry_s = 0.5
    user.subscriber.on_error("closed by the server")
    clock.advance(20)
    assert reconnections.settle().reconnect_time.min_ns <= 1.5 * S


def test_a_subscriber_that_is_lost_again_before_it_has_caught_up_is_still_disconnected(clock):
    session, reconnections = begun()
    (user,) = session.subscribers
    user.subscriber.on_error("closed by the server")
    clock.advance(2)
    assert reconnections.settle().reconnect_time.count == 1
    user.subscriber.on_error("connection reset by peer")
    assert reconnections.settle().reconnect_time.count == 0
    clock.advance(5)
    receive(user, 90_000, clock)
    reconnects = reconnections.settle()
    assert (reconnects.disconnects, reconnects.reconnect_time.count, reconnects.caught_up, reconnects.attempts) == (
        1,
        1,
        1,
        2,
    )
    assert reconnects.reconnect_time.min_ns > 2 * S


def test_without_a_sign_of_the_protocol_the_first_message_shows_that_a_subscriber_has_reconnected(clock, monkeypatch):
    monkeypatch.setattr(Stand, "shows", None)
    session, reconnections = begun()
    (user,) = session.subscribers
    user.subscriber.on_error("closed by the server")
    clock.advance(10)
    assert reconnections.settle().reconnect_time.count == 0
    receive(user, 90_000, clock)
    reconnects = reconnections.settle()
    assert (reconnects.reconnect_time.max_ns, reconnects.caught_up) == (10 * S, 1)


def test_a_thousand_subscribers_that_lose_their_server_together_do_not_reconnect_together(clock):
    session, reconnections = begun(1000)
    for user in session.subscribers:
        user.subscriber.on_error("closed by the server")
    clock.advance(2)
    reconnects = reconnections.settle()
    assert (reconnects.disconnects, reconnects.reconnect_time.count, reconnects.attempts) == (1000, 1000, 1000)
    assert max(reconnects.attempt_slots) < 150


def test_a_subscriber_that_is_cut_off_tries_right_after_its_time_away_or_after_the_time_of_the_server(clock):
    session, reconnections = begun(seconds=10, scenario="dropped", cut_every_s=2.0, away_s=0.5)
    clock.advance(10)
    reconnects = reconnections.settle()
    assert reconnects.disconnects == reconnects.attempts == reconnects.reconnect_time.count >= 2
    assert reconnects.reconnect_time.min_ns == pytest.approx(S / 2, abs=10)
    assert reconnects.reconnect_time.max_ns == pytest.approx(S / 2, abs=10)
    assert all(one.was_cut for one in session.opened[:-1])
    session, reconnections = begun(seconds=10, scenario="dropped", cut_every_s=2.0, away_s=0.5)
    session.subscribers[0].subscriber.retry_s = 1.25
    clock.now_ns = 0
    clock.advance(10)
    assert reconnections.settle().reconnect_time.min_ns == pytest.approx(1.25 * S, abs=10)


def test_the_backoff_continues_where_a_connection_is_lost_before_its_subscriber_has_caught_up(clock):
    """As with a server that accepts every connection and then answers 500, because its broker is away."""
    session, reconnections = begun(1000)
    waited_s = []
    for _ in range(4):
        for user in session.subscribers:
            user.subscriber.on_error("protocol error: stream answered with status 500")
        before = reconnections.settle().attempts
        clock.advance(backoff.LONGEST_S)
        assert reconnections.settle().attempts == before + 1000
        waited_s.append(max(ns for ns in reconnections._attempts_ns[before:]) / S % backoff.LONGEST_S)
    assert waited_s[0] < backoff.BASE_S < waited_s[2] < backoff.LONGEST_S
    assert waited_s[3] > 2 * backoff.BASE_S
    assert session.recorder.errors == {}


@pytest.mark.parametrize("reason", ["protocol error: reserved bits are set", "callback raised KeyError: 'x' at a.py:1"])
def test_a_protocol_error_is_counted_and_the_subscriber_reconnects_all_the_same(clock, reason):
    session, reconnections = begun()
    session.subscribers[0].subscriber.on_error(reason)
    clock.advance(2)
    assert session.recorder.errors == {reason: 1}
    assert reconnections.settle().reconnect_time.count == 1


def test_an_error_of_a_publish_disconnects_no_subscriber(clock):
    session, reconnections = begun()
    session.subscribers[0].subscriber.on_error("publish: status 413")
    clock.advance(10)
    assert reconnections.settle().disconnects == 0
    assert session.recorder.errors == {"publish: status 413": 1}


def test_a_subscriber_that_is_cut_off_at_the_end_reconnects_during_the_drain(clock):
    _, reconnections = begun(seconds=1, scenario="dropped", cut_every_s=0.6, away_s=0.0)
    Stand.refused = 1
    clock.advance(1)
    assert reconnections.settle().reconnect_time.count == 0
    clock.advance(1)
    reconnects = reconnections.settle()
    assert (reconnects.disconnects, reconnects.attempts, reconnects.reconnect_time.count) == (1, 2, 1)
    assert reconnects.reconnect_time.max_ns > 0
