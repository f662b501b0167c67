"""The calibration server: bare lines with known delays, a freeze, losses, repeats and swaps, injected by the number.

    GET /lines?topic=T    with `Upgrade: lines`; the wire of the harness floor (see `_lines`)

PUSHBENCH_INJECTION names the injection, from the table in `_injections`; without it nothing is injected. Texts that are
not measured messages of the bench are delivered unchanged.

Every subscriber has a topic of its own in the broker, so that each can get other texts than the others. The name of
that topic contains a slash, which no request can name. Texts to be sent later wait in a heap for one greenlet, which
wakes early and then spins on the clock, because the timers of the loop are up to a millisecond late.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator
from itertools import count
from time import monotonic_ns, process_time_ns

import gevent
from flask import Flask, Response, request
from gevent.event import Event

from servers import _injections, _lines, _routes
from servers._broker import Batch, Broker
from servers._injections import Fault, Injection
from servers._variant import Technique, Unavailable, Variant, Wiring

SPIN_NS = 2_000_000  # a timer of the loop is up to a millisecond late, and the kernel wakes the process later

Text = tuple[str, bytes]  # the topic of one subscriber, and what it is to get


def serve(app: Flask, broker: Broker) -> Wiring:
    """Add the route. Raises Unavailable for an injection that is not in the table."""
    injection = _injection(os.environ.get("PUSHBENCH_INJECTION", ""))
    calibrator = Calibrator(broker, injection)

    @app.get("/lines")
    def lines() -> Response:
        topic = _routes.topic()
        return _lines.upgrade(
            request, lambda connection: _lines.exchange(connection, calibrator.follow(topic), calibrator.publish)
        )

    return Wiring(publish=calibrator.publish, options={"injected": injection.name if injection else "nothing"})


def _injection(name: str) -> Injection | None:
    try:
        return _injections.named(name) if name else None
    except LookupError as error:
        raise Unavailable(error.args[0]) from error


class Calibrator:
    """Sends every text to every subscriber of its topic, as the injection defines."""

    def __init__(self, broker: Broker, injection: Injection | None) -> None:
        self._broker = broker
        self._injection = injection
        self._numbers = count()
        self._subscribers: dict[str, dict[int, str]] = {}  # by topic and number: the topic of its own
        self._swapped: dict[str, bytes] = {}
        self._frozen_until_ns = 0
        self._departures = Departures(broker)
        self._burner = Burner(injection.burn_share) if injection and injection.burn_share else None

    def follow(self, topic: str) -> Iterator[Batch]:
        """The texts of one new subscriber, as batches, until the broker is closed."""
        number = next(self._numbers)
        own = f"{topic}/{number}"
        others = self._subscribers.setdefault(topic, {})
        others[number] = own
        try:
            yield from self._broker.follow(own, None)
        finally:
            del others[number]

    def publish(self, topic: str, text: bytes) -> None:
        """Accept one text now. It is sent when the injection allows it."""
        arrived_ns = monotonic_ns()
        subscribers = self._subscribers.get(topic, {})
        sequence = _injections.sequence(text) if self._injection else None
        if self._injection is None or sequence is None:
            for own in subscribers.values():
                self._broker.publish(own, text)
            return
        if sequence == self._injection.freeze_from:
            self._frozen_until_ns = arrived_ns + self._injection.freeze_ns
        departures: dict[int, list[Text]] = {}  # by due time
        for number, own in subscribers.items():
            due_ns = max(arrived_ns + self._injection.total_delay_ns(number, sequence), self._frozen_until_ns)
            texts = departures.setdefault(due_ns, [])
            texts.extend((own, one) for one in self._faulty(own, text, self._injection.fault(number, sequence)))
        for due_ns, texts in departures.items():
            self._departures.add(due_ns, texts)
        if self._burner:
            self._burner.burn_later()

    def _faulty(self, own: str, text: bytes, fault: Fault | None) -> list[bytes]:
        """What is sent to one subscriber now in place of the text."""
        if fault is None and not self._swapped:
            return [text]
        before = [self._swapped.pop(own)] if own in self._swapped else []
        if fault is Fault.SWAPPED:
            self._swapped[own] = text
        return [text] * _COPIES[fault] + before


_COPIES: dict[Fault | None, int] = {None: 1, Fault.LOST: 0, Fault.DOUBLED: 2, Fault.SWAPPED: 0}


class Burner:
    """After each message, burns a share of the CPU time that this process has spent since the last one.

    It burns at the end of the turn of the loop that delivers: a turn of its own would cost more than the share.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._since_ns = 0  # until the first message: CPU time before it was not spent for messages
        self._loop = gevent.get_hub().loop

    def burn_later(self) -> None:
        """Burn once the message that has just arrived is delivered."""
        self._since_ns = self._since_ns or process_time_ns()
        self._loop.run_callback(self._burn)

    def _burn(self) -> None:
        now_ns = process_time_ns()
        until_ns = now_ns + round(self._share * (now_ns - self._since_ns))
        while process_time_ns() < until_ns:
            pass
        self._since_ns = process_time_ns()


class Departures:
    """Sends texts at their due time, to some 50 µs; those of one due time together, in the order of arrival."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._order = count()
        self._waiting: list[tuple[int, int, list[Text]]] = []
        self._earlier = Event()
        gevent.spawn(self._run)

    def add(self, due_ns: int, texts: list[Text]) -> None:
        """Send texts at `due_ns` of the monotonic clock, or now if that is past and no earlier texts wait."""
        if due_ns <= monotonic_ns() and not (self._waiting and self._waiting[0][0] <= due_ns):
            self._send(texts)
            return
        heapq.heappush(self._waiting, (due_ns, next(self._order), texts))
        self._earlier.set()

    def _send(self, texts: list[Text]) -> None:
        for own, text in texts:
            self._broker.publish(own, text)

    def _run(self) -> None:
        while True:
            self._earlier.clear()
            ahead_ns = self._waiting[0][0] - monotonic_ns() if self._waiting else None
            if ahead_ns is None or ahead_ns > SPIN_NS:
                self._earlier.wait(None if ahead_ns is None else (ahead_ns - SPIN_NS) / 1e9)
                continue
            while monotonic_ns() < self._waiting[0][0]:
                pass
            now_ns = monotonic_ns()
            while self._waiting and self._waiting[0][0] <= now_ns:
                self._send(heapq.heappop(self._waiting)[2])
            gevent.sleep(0)  # lets them be written before the next spin


VARIANT = Variant(
    label="calibration",
    technique=Technique.BARE,
    client="lines",
    wire={"subscribe": "/lines?topic={topic}"},
    serve=serve,
    by_hand=_lines.BY_HAND,
    runs_on=("flask", "werkzeug", "gevent"),
    hidden=True,
)
