"""Texts published exactly while a subscriber switches from replay to live: none is lost, none arrives twice.

A server with separate code for replay and live would lose or repeat texts published while it reads the log, writes what
it read, or parks until there is more. Here everything happens in one process and nothing is random: `Switch` publishes
at every one of these places, and the subscriber is cut off after any number of texts and resumes from its cursor.
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

import servers
from servers import Capability, _broker, _limits, websocket
from servers._broker import Broker, Topic

RESUMING = [name for name in servers.names() if Capability.RESUME in servers.load(name).capabilities]
EVERYWHERE = ("before it reads", "when it has read", "before it writes", "while it writes")
PARKING = ("before it parks", "when it is woken")
WAITING = "while it waits"
CYCLES = 1000
TURNS = 8  # turns of the loop after which a connection has nothing left to do
PLACES = 24  # places that a connection passes in these turns


class CutOff(Exception):
    """The subscriber has received its last text."""


class Switch:
    """A broker with one topic and one subscriber, and texts published as the subscriber passes a place.

    burst: the number of texts to publish at the first, second, ... place of this cycle.
    published: all texts so far. at: the number of texts published at each place.
    """

    def __init__(self) -> None:
        self.broker = Broker()
        self.published: list[bytes] = []
        self.at: Counter[str] = Counter()
        self.burst = iter(())

    def passes(self, place: str) -> None:
        """Publish the texts that `burst` has for this place."""
        for _ in range(next(self.burst, 0)):
            self.at[place] += 1
            self.published.append(b'{"n":%d}' % len(self.published))
            self.broker.publish("t", self.published[-1])


@contextmanager
def switched():
    """A switch whose places are in the broker's own code."""
    switch, patched = Switch(), [(Topic, "resume"), (Topic, "since"), (Broker, "_park")]
    originals = [(owner, name, getattr(owner, name)) for owner, name in patched]

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
    """A subscriber of a variant in this process: the texts it received, its cursor, and the gaps signalled to it."""

    def __init__(self, name: str, switch: Switch) -> None:
        self.switch = switch
        self.received: list[bytes] = []
        self.cursor = ""
        self.gaps = 0
        self.remaining = 0
        self._read = READERS[servers.load(name).client]
        self._app = flask.Flask(__name__)
        servers.load(name).serve(self._app, switch.broker)
        self._path = servers.load(name).wire["subscribe"].format(topic="t")

    def connect(self, burst, most: int = 1 << 30) -> None:
        """Subscribe after its cursor, until nothing is left to do or `most` texts were received; then disconnect."""
        self.switch.burst = iter(burst)
        self.remaining = most
        reading = gevent.spawn(self._read_until_cut_off)
        for _ in range(TURNS):
            gevent.sleep(0)
            self.switch.passes(WAITING)
        self.switch.burst = iter(())
        for _ in range(TURNS):
            gevent.sleep(0)
        reading.kill()
        assert reading.successful(), reading.exception

    def _read_until_cut_off(self) -> None:
        try:
            self._read(self)
        except CutOff:
            return

    def written(self) -> None:
        """The server writes, and other greenlets run before it has written."""
        self.switch.passes("before it writes")
        gevent.sleep(0)
        self.switch.passes("while it writes")

    def receive(self, texts, cursor: str) -> None:
        """Receive all `texts` or none. Raises CutOff if they are more than remain."""
        if len(texts) > self.remaining:
            raise CutOff
        self.remaining -= len(texts)
        self.received += texts
        self.cursor = cursor

    def get(self, more: str = ""):
        """(body in pieces, headers) of a request after its cursor."""
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
        subscriber.receive(body.split(b"\n")[:-1], headers["Push-Cursor"])


def events(subscriber: Subscriber) -> None:
    for piece in subscriber.get()[0]:
        subscriber.written()
        for event in piece.split(b"\n\n")[:-1]:
            fields = dict(line.split(b": ", 1) for line in event.split(b"\n") if not line.startswith(b":"))
            subscriber.gaps += b"event" in fields
            if b"id" in fields:
                subscriber.receive([fields[b"data"]] if b"data" in fields else [], fields[b"id"].decode())


def lines(subscriber: Subscriber) -> None:
    for piece in subscriber.get()[0]:
        subscriber.written()
        for line in filter(None, piece.split(b"\n")):
            fields = json.loads(line)
            subscriber.gaps += "gap" in fields
            if "text" in fields:
                subscriber.receive([fields["text"].encode()], fields["id"])
            else:
                subscriber.receive([], fields["cursor"])


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
                    subscriber.receive([], control["cursor"])
                elif opcode == 1:
                    epoch, _, offset = subscriber.cursor.partition(":")
                    subscriber.receive([payload], f"{epoch}:{int(offset) + 1}")

        def close(self, code: object, reason: str) -> None:
            raise AssertionError(reason)

    after = _limits.cursor(subscriber.cursor or None)
    websocket.deliver(Connection(), subscriber.switch.broker, "t", after)


READERS = {"polling": polls, "long_polling": polls, "sse": events, "ndjson": lines, "websocket": frames}


@pytest.mark.parametrize("name", RESUMING)
def test_texts_published_at_the_switch_to_live_arrive_once_and_in_order_a_thousand_times(name):
    with switched() as switch:
        subscriber = Subscriber(name, switch)
        subscriber.connect(())
        assert subscriber.cursor
        plans = list(product(range(PLACES), range(PLACES), (1, 3, 1 << 30)))
        for first, second, most in random.Random(1).sample(plans, CYCLES):
            subscriber.connect([(place == first) + 2 * (place == second) for place in range(PLACES)], most)
        subscriber.connect(())
    assert subscriber.received == switch.published
    assert len(switch.published) > CYCLES
    assert subscriber.gaps == 0
    for place in (*EVERYWHERE, WAITING, *(() if name == "polling" else PARKING)):
        assert switch.at[place] > 0, place


@pytest.mark.parametrize("name", RESUMING)
@given(st.lists(st.tuples(st.lists(st.integers(0, 3), max_size=PLACES), st.integers(0, 9)), max_size=6))
@settings(max_examples=40, deadline=None)
def test_nothing_is_lost_or_repeated_wherever_texts_are_published_and_connections_cut(name, connections):
    with switched() as switch:
        subscriber = Subscriber(name, switch)
        subscriber.connect(())
        for burst, most in connections:
            subscriber.connect(burst, most)
        subscriber.connect(())
    assert (subscriber.received, subscriber.gaps) == (switch.published, 0)


def live_from_the_end(broker, name, after):
    """A faulty stream: live texts begin at the end of the log by then, not at the end of the replay."""
    topic = broker._topic(name)
    yield topic.resume(after, 1 << 16)
    while True:
        end = topic.end
        broker._park(topic)
        yield topic.since(end, 1 << 16)


def replayed_twice(broker, name, after):
    """A faulty stream: texts published while the replay was written are sent again when it goes live."""
    topic = broker._topic(name)
    batch = topic.resume(after, 1 << 16)
    yield batch
    while True:
        if topic.end == batch.end:
            broker._park(topic)
        batch = topic.since(batch.start, 1 << 16)
        yield batch


@pytest.mark.parametrize("fault", [live_from_the_end, replayed_twice])
def test_a_server_that_separates_replay_and_live_fails_this_test(fault, monkeypatch):
    monkeypatch.setattr(_broker.Broker, "follow", fault)
    with switched() as switch:
        subscriber = Subscriber("sse", switch)
        subscriber.connect(())
        for places in range(PLACES):
            subscriber.connect([1] * places)
        subscriber.connect(())
    assert subscriber.received != switch.published
