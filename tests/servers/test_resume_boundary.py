"""Texts published exactly while a subscriber goes over from the replay to what is live: none is lost, none comes twice.

Between reading the log, writing what was read and parking until there is more, a server that kept replay and live apart
would lose or repeat what is published. All of it happens in one process here and nothing by luck: `Switch` publishes at
every one of these places, and the subscriber is cut off after any number of texts and comes back from where it was.
"""

import json
import random
from collections import Counter
from contextlib import contextmanager
from itertools import product

import flask
import gevent
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import create_environ, run_wsgi_app

from servers import _broker, _limits, _variant, websocket
from servers._broker import Broker, Topic
from servers._variant import Capability

RESUMING = [name for name in _variant.names() if Capability.RESUME in _variant.load(name).capabilities]
EVERYWHERE = ("before it reads", "when it has read", "before it writes", "while it writes")
PARKING = ("before it parks", "when it is woken")
WAITING = "while it waits"
CYCLES = 1000
TURNS = 8  # of the loop, in which a life comes to rest
PLACES = 24  # that a life passes, with all its turns


class CutOff(Exception):
    """The subscriber has received as much as it was to."""


class Switch:
    """A broker with one topic and one subscriber, and texts published as the subscriber passes a place.

    burst: how many at its first, second, ... place of this cycle. published: all so far; at: how many at which place.
    """

    def __init__(self) -> None:
        self.broker = Broker()
        self.published: list[bytes] = []
        self.at: Counter[str] = Counter()
        self.burst = iter(())

    def passes(self, place: str) -> None:
        """Publish what is to be published here."""
        for _ in range(next(self.burst, 0)):
            self.at[place] += 1
            self.published.append(b'{"n":%d}' % len(self.published))
            self.broker.publish("t", self.published[-1])


@contextmanager
def switched():
    """A switch whose places are in the broker's own code."""
    switch, kept = Switch(), [(Topic, "resume"), (Topic, "since"), (Broker, "_park")]
    originals = [(owner, name, getattr(owner, name)) for owner, name in kept]

    def placed(original, before, after):
        def passing(*arguments):
            switch.passes(before)
            result = original(*arguments)
            switch.passes(after)
            return result

        return passing

    for owner, name, original in originals:
        places = PARKING if name == "_park" else EVERYWHERE[:2]
        setattr(owner, name, placed(original, *places))
    try:
        yield switch
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)


class Subscriber:
    """A subscriber of a variant in this process: all that it heard, where it stands, and the gaps it was told of."""

    def __init__(self, name: str, switch: Switch) -> None:
        self.switch = switch
        self.heard: list[bytes] = []
        self.cursor = ""
        self.gaps = 0
        self.left = 0
        self._read = READERS[_variant.load(name).client]
        self._app = flask.Flask(__name__)
        _variant.load(name).serve(self._app, switch.broker)
        self._path = _variant.load(name).wire["subscribe"].format(topic="t")

    def live(self, burst, most: int = 1 << 30) -> None:
        """Subscribe from where it stands, live until nothing is left to do or `most` texts have come, and be cut."""
        self.switch.burst = iter(burst)
        self.left = most
        living = gevent.spawn(self._live)
        for _ in range(TURNS):
            gevent.sleep(0)
            self.switch.passes(WAITING)
        self.switch.burst = iter(())
        for _ in range(TURNS):
            gevent.sleep(0)
        living.kill()
        assert living.successful(), living.exception

    def _live(self) -> None:
        try:
            self._read(self)
        except CutOff:
            return

    def written(self) -> None:
        """The server writes, and others have their turn before it has written."""
        self.switch.passes("before it writes")
        gevent.sleep(0)
        self.switch.passes("while it writes")

    def hear(self, texts, cursor: str) -> None:
        """Receive what comes whole or not at all. Raises CutOff if that is more than was to come."""
        if len(texts) > self.left:
            raise CutOff
        self.left -= len(texts)
        self.heard += texts
        self.cursor = cursor

    def get(self, more: str = ""):
        """(body in pieces, headers) of a request from where it stands."""
        after = f"&after={self.cursor}" if self.cursor else ""
        pieces, status, headers = run_wsgi_app(self._app, create_environ(self._path + after + more))
        assert status == "200 OK"
        return pieces, headers


def polls(subscriber: Subscriber) -> None:
    while True:
        pieces, headers = subscriber.get("&hold=60")
        body = b"".join(pieces)
        subscriber.written()
        subscriber.gaps += "Push-Gap" in headers
        subscriber.hear(body.split(b"\n")[:-1], headers["Push-Cursor"])


def events(subscriber: Subscriber) -> None:
    for piece in subscriber.get()[0]:
        subscriber.written()
        for event in piece.split(b"\n\n")[:-1]:
            fields = dict(line.split(b": ", 1) for line in event.split(b"\n") if not line.startswith(b":"))
            subscriber.gaps += b"event" in fields
            if b"id" in fields:
                subscriber.hear([fields[b"data"]] if b"data" in fields else [], fields[b"id"].decode())


def lines(subscriber: Subscriber) -> None:
    for piece in subscriber.get()[0]:
        subscriber.written()
        for line in filter(None, piece.split(b"\n")):
            said = json.loads(line)
            subscriber.gaps += "gap" in said
            if "text" in said:
                subscriber.hear([said["text"].encode()], said["id"])
            else:
                subscriber.hear([], said["cursor"])


def frames(subscriber: Subscriber) -> None:
    class Connection:
        def send(self, data: bytes) -> None:
            subscriber.written()
            while data:
                opcode, size = data[0] & 0x0F, data[1]
                payload, data = data[2 : 2 + size], data[2 + size :]
                if opcode == 2:
                    control = json.loads(payload)
                    subscriber.gaps += "gap" in control
                    subscriber.hear([], control["cursor"])
                elif opcode == 1:
                    epoch, _, offset = subscriber.cursor.partition(":")
                    subscriber.hear([payload], f"{epoch}:{int(offset) + 1}")

        def close(self, code: object, reason: str) -> None:
            raise AssertionError(reason)

    after = _limits.cursor(subscriber.cursor or None)
    websocket.deliver(Connection(), subscriber.switch.broker, "t", after)


READERS = {"polling": polls, "long_polling": polls, "sse": events, "ndjson": lines, "websocket": frames}


@pytest.mark.parametrize("name", RESUMING)
def test_what_is_published_at_the_switch_arrives_once_and_in_order_a_thousand_times(name):
    with switched() as switch:
        subscriber = Subscriber(name, switch)
        subscriber.live(())
        assert subscriber.cursor
        plans = list(product(range(PLACES), range(PLACES), (1, 3, 1 << 30)))
        for first, second, most in random.Random(1).sample(plans, CYCLES):
            subscriber.live([(place == first) + 2 * (place == second) for place in range(PLACES)], most)
        subscriber.live(())
    assert subscriber.heard == switch.published
    assert len(switch.published) > CYCLES
    assert subscriber.gaps == 0
    for place in (*EVERYWHERE, WAITING, *(() if name == "polling" else PARKING)):
        assert switch.at[place] > 0, place


@pytest.mark.parametrize("name", RESUMING)
@given(st.lists(st.tuples(st.lists(st.integers(0, 3), max_size=PLACES), st.integers(0, 9)), max_size=6))
@settings(max_examples=40, deadline=None)
def test_whatever_is_published_wherever_and_however_often_it_is_cut_off_nothing_is_lost_or_repeated(name, lives):
    with switched() as switch:
        subscriber = Subscriber(name, switch)
        subscriber.live(())
        for burst, most in lives:
            subscriber.live(burst, most)
        subscriber.live(())
    assert (subscriber.heard, subscriber.gaps) == (switch.published, 0)


def live_from_the_end(broker, name, after):
    """A stream with the fault: what is live begins where the log ends by then, not where the replay ended."""
    topic = broker._topic(name)
    yield topic.resume(after, 1 << 16)
    while True:
        end = topic.end
        broker._park(topic)
        yield topic.since(end, 1 << 16)


def replayed_twice(broker, name, after):
    """A stream with the fault: what came while the replay was written is sent again when it goes live."""
    topic = broker._topic(name)
    batch = topic.resume(after, 1 << 16)
    yield batch
    while True:
        if topic.end == batch.end:
            broker._park(topic)
        batch = topic.since(batch.start, 1 << 16)
        yield batch


@pytest.mark.parametrize("fault", [live_from_the_end, replayed_twice])
def test_a_server_that_keeps_replay_and_live_apart_is_caught(fault, monkeypatch):
    monkeypatch.setattr(_broker.Broker, "follow", fault)
    with switched() as switch:
        subscriber = Subscriber("sse", switch)
        subscriber.live(())
        for places in range(PLACES):
            subscriber.live([1] * places)
        subscriber.live(())
    assert subscriber.heard != switch.published
