"""The orders of the bench to a Locust process, one JSON object per line over a socket, each answered when it is done.

assemble  wait until there are so many users, who do not connect yet
connect   open subscriptions until there are so many
prime     wait until everyone has received a probe
calm      wait until everyone has received the last probe
measure   warm up, measure, drain, and answer with all that was recorded
idle      say what connecting took
leave     have everybody leave
"""

from __future__ import annotations

import gc
import os
import socket
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import gevent
import gevent.os
import msgspec

from bench.analysis.numbers.distributions import fold
from bench.clients._counters import Counters
from bench.clients._headroom import TIMESTAMPS_AVAILABLE, LoopDelay
from bench.load.reconnecting import comings
from bench.load.session import PUBLISHES, Session
from bench.load.slow_reading import slow_reading
from bench.measure.receipts import Measured
from bench.measure.recorder import Window
from bench.messages import PROBE_FROM
from bench.results import Wire
from bench.schedule import due_ns

LOOK_EVERY_S = 0.005
PROBE_EVERY_S = 0.05
LINGER_S = 0.05  # after the last message, for a repeat of it to show itself


def follow(session: Session, descriptor: int) -> None:
    """Carry out orders until the bench goes away; then this process ends, whatever it was doing."""
    control = socket.socket(fileno=descriptor)
    with control, control.makefile("r", encoding="utf-8") as lines:
        try:
            for line in lines:
                order = msgspec.json.decode(line)
                answer = ORDERS[order["do"]](session, order)
                control.sendall(msgspec.json.encode({"done": order["do"], **answer}) + b"\n")
        except Exception:
            traceback.print_exc()
            os._exit(1)
    os._exit(0)


def end_with_stdin() -> None:
    """End this process as soon as whoever started it closes standard input or is gone."""
    while gevent.os.tp_read(0, 1024):
        pass
    os._exit(0)


def _until(true: Callable[[], bool], timeout_s: float) -> bool:
    """Whether a condition came true within the time."""
    deadline = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > deadline:
            return False
        gevent.sleep(LOOK_EVERY_S)
    return True


def assemble(session: Session, order: dict[str, Any]) -> dict[str, Any]:
    """Wait until so many users are there to be let in: what connecting takes must not be what making them takes."""
    return {"there": _until(lambda: len(session.users) >= order["subscribers"], order["timeout_s"])}


def connect(session: Session, order: dict[str, Any]) -> dict[str, Any]:
    """Open subscriptions until there are `subscribers`; how many stand, and what went wrong."""
    if "target" in order:
        session.configure(**order["target"])
    session.allow(order["subscribers"])
    _until(lambda: session.settled >= order["subscribers"], order["timeout_s"])
    errors = session.recorder.errors
    return {"settled": session.settled, "failed": errors.total(), "errors": dict(errors)}


def prime(session: Session, order: dict[str, Any]) -> dict[str, Any]:
    """Wait until every subscriber has received a probe; where subscribers publish, they send the probes themselves."""
    everyone = sum(len(recorder.tallies) for recorder in session.recorders)

    def primed() -> int:
        return sum(recorder.primed for recorder in session.recorders)

    number = PROBE_FROM
    deadline = time.monotonic() + order["timeout_s"]
    while primed() < everyone and time.monotonic() < deadline:
        if order["traffic"] == "subscribers":
            for user in session.subscribers:
                if not user.tally.probes:
                    text = session.composer.compose(number, time.monotonic_ns())
                    user.subscriber.publish(user.topic(), text)
            number += 1
        pause_s = session.parameters["poll_interval_s"] if order["traffic"] == "subscribers" else PROBE_EVERY_S
        _until(lambda: primed() >= everyone, pause_s)
    return {"primed": primed(), "of": everyone, "errors": dict(session.recorder.errors)}


def calm(session: Session, order: dict[str, Any]) -> dict[str, Any]:
    """Wait until everyone has received the last probe, so that nothing of them is left in a queue; then tidy up."""
    last = PROBE_FROM + order["published"] - 1
    arrived = _until(lambda: all(one.probed_up_to(last) for one in session.recorders), order["timeout_s"])
    gc.collect()
    gc.freeze()
    return {"calm": arrived}


class Measurement:
    """Warm-up, measured part and drain of one trial, on the schedule that the bench has set."""

    def __init__(self, session: Session, order: dict[str, Any]) -> None:
        self.session = session
        self.rate_hz: float = order["rate_hz"]
        self.start_ns: int = order["start_ns"]
        self.burst: int = order.get("burst", 1)
        first, last = order["first"], order["last"]
        self.window = Window(first, last, self._due_ns(first), self._due_ns(last))
        self.drain_s: float = order["drain_s"]
        self.slips_ns: list[int] = []
        self.traffic: list[tuple[int, Counters]] = []
        self.unread: list[int] = []  # how many stamps there were at both ends of the window
        self.lag = LoopDelay(session.reactor, self.window.start_ns, self.window.end_ns)
        waiting = order["traffic"] == "publisher"  # who publishes itself does not come back
        returning = (session, self.window, self.start_ns, self.rate_hz, self.drain_s)
        self.comings = comings(*returning) if waiting else None
        self.slow = slow_reading(session, self.window)

    def _due_ns(self, index: int) -> int:
        return due_ns(self.start_ns, self.rate_hz, index, self.burst)

    def run(self, publishing: bool) -> dict[str, Any]:
        """Live through it; the raw facts of the measured part."""
        reactor = self.session.reactor
        for moment in self.window.cost_ns:
            reactor.call_at(moment, self._read_traffic)
        if publishing:
            for user in self.session.subscribers:
                self._publish_on_schedule(user, self.session.phase(user.number, PUBLISHES))
        if self.comings:
            self.comings.begin()
        if self.slow:
            self.slow.begin()
        if not (self.comings or self.slow):  # whose greenlets are on time, or whose other reactor is
            reactor.bypass_hub_until(self.window.end_ns)
        gc.disable()  # a pause of the collector would be read as latency
        gevent.sleep(max(0.0, (self.window.end_ns - time.monotonic_ns()) / 1e9))
        if _until(self._is_over, self.drain_s):
            gevent.sleep(LINGER_S)
        gc.enable()
        return {"measured": self._measured(publishing)}

    def _is_over(self) -> bool:
        """Whether everything has arrived that is to arrive."""
        recorder = self.session.recorder
        done = recorder.passed if self.comings else recorder.complete  # what was lost while away does not come any more
        if not (done(self.window.last) and len(self.traffic) == 2):
            return False
        return self.slow is None or self.slow.is_over()

    def _read_traffic(self) -> None:
        self.traffic.append((time.monotonic_ns(), self.session.reactor.counters()))
        self.unread.append(len(self.session.reactor.unread_ns))

    def _publish_on_schedule(self, user: Any, phase: float) -> None:
        """Publish message after message when it is due; the alarm of the next is set by the one before."""
        session, index = self.session, 0

        def send() -> None:
            nonlocal index
            due = moment()
            if index >= self.window.first:
                self.slips_ns.append(time.monotonic_ns() - due)
            user.subscriber.publish(user.topic(), session.composer.compose(user.numbered(index), due))
            index += 1
            if index < self.window.last:
                session.reactor.call_at(moment(), send)

        def moment() -> int:
            return self._due_ns(index) + round(phase * 1e9 / self.rate_hz)

        session.reactor.call_at(moment(), send)

    def _measured(self, publishing: bool) -> Measured:
        session, recorder, window = self.session, self.session.recorder, self.window
        alone = publishing and not session.parameters.get("room")
        absences = self.comings.settle() if self.comings else None
        gaps = self.comings.gaps if self.comings else sum(user.subscriber.gaps for user in session.measured)
        return Measured(
            ledger=recorder.ledger(window, gaps),
            oracle=recorder.oracle(window),
            absences=absences,
            slow=self.slow.settle() if self.slow else None,
            latency=recorder.latency(window),
            fan_outs={} if alone else recorder.fan_outs(window),
            slots=recorder.slots(window),
            slip=fold(self.slips_ns) if publishing else None,
            connect=fold(session.connect_ns) if session.connect_ns else None,
            loop_lag=fold(self.lag.late_ns),
            unread=fold(session.reactor.unread_ns[slice(*self.unread)]) if TIMESTAMPS_AVAILABLE else None,
            wire=self._wire(),
            deliveries=recorder.deliveries_between(*window.cost_ns),
        )

    def _wire(self) -> Wire | None:
        if len(self.traffic) < 2:
            return None
        (start_ns, before), (end_ns, after) = self.traffic
        deliveries = self.session.recorder.deliveries_between(start_ns, end_ns)
        return Wire(window_ns=end_ns - start_ns, deliveries=deliveries, **asdict(after - before))


def measure(session: Session, order: dict[str, Any]) -> dict[str, Any]:
    """Warm up, measure and drain."""
    return Measurement(session, order).run(order["traffic"] == "subscribers")


def idle(session: Session, order: dict[str, Any]) -> dict[str, Any]:
    """What connecting took and which errors there were so far."""
    return {
        "connect": fold(session.connect_ns) if session.connect_ns else None,
        "errors": dict(session.recorder.errors),
    }


def leave(session: Session, order: dict[str, Any]) -> dict[str, Any]:
    """Have everybody leave, with the farewell that the protocol has."""
    for user in session.subscribers:
        user.subscriber.close()
    return {}


ORDERS: dict[str, Callable[[Session, dict[str, Any]], dict[str, Any]]] = {
    "assemble": assemble,
    "connect": connect,
    "prime": prime,
    "calm": calm,
    "measure": measure,
    "idle": idle,
    "leave": leave,
}
