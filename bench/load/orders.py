"""Carries out the orders of the bench in a Locust process: connect, prime, measure and others.

The orders and their answers are defined in `bench.processes.orders`. Each is answered when it is carried out.
"""

from __future__ import annotations

import gc
import os
import socket
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict

import gevent
import gevent.os
import msgspec

from bench.analysis.numbers.distributions import fold
from bench.load.reconnecting import reconnections
from bench.load.session import PUBLISHES, Session, SessionUser
from bench.load.slow_reading import slow_reading
from bench.measure.received import Receipts
from bench.measure.recorder import Window
from bench.messages import PROBE_FROM
from bench.processes.lines import Orders, encode
from bench.processes.orders import (
    Answer,
    Assemble,
    Assembled,
    Connect,
    Connected,
    Connecting,
    DrainProbes,
    Leave,
    Left,
    LoadOrder,
    Measure,
    Measured,
    Prime,
    Primed,
    ProbesDrained,
    ReportConnecting,
)
from bench.reactor.counters import Counters
from bench.reactor.headroom import TIMESTAMPS_AVAILABLE, LoopDelay
from bench.results import Wire

CHECK_EVERY_S = 0.005
LINGER_S = 0.05  # after the last message, in which a duplicate of it would arrive


def follow(session: Session, descriptor: int) -> None:
    """Carry out orders until the bench closes its end; then end this process, whatever else it is doing."""
    control = socket.socket(fileno=descriptor)
    orders: Orders[LoadOrder] = Orders("load generator", msgspec.json.Decoder(LoadOrder), descriptor, control.recv)
    with control:
        try:
            while (order := orders.next()) is not None:
                control.sendall(encode(carry_out(session, order)))
        except Exception:
            traceback.print_exc()
            os._exit(1)
    os._exit(0)


def carry_out(session: Session, order: LoadOrder) -> Answer:
    """Carry out an order; its answer."""
    match order:
        case Assemble():
            return assemble(session, order)
        case Connect():
            return connect(session, order)
        case Prime():
            return prime(session, order)
        case DrainProbes():
            return drain_probes(session, order)
        case Measure():
            return Measuring(session, order).run()
        case ReportConnecting():
            return report_connecting(session)
        case Leave():
            return leave(session)


def end_with_stdin() -> None:
    """End this process as soon as its parent closes standard input or ends."""
    while gevent.os.tp_read(0, 1024):
        pass
    os._exit(0)


def _until(true: Callable[[], bool], timeout_s: float) -> bool:
    """Whether a condition became true within the time."""
    deadline = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > deadline:
            return False
        gevent.sleep(CHECK_EVERY_S)
    return True


def assemble(session: Session, order: Assemble) -> Assembled:
    """Wait until Locust has made the users."""
    return Assembled(in_time=_until(lambda: len(session.users) >= order.subscribers, order.timeout_s))


def connect(session: Session, order: Connect) -> Connected:
    """Let users connect and wait until each has succeeded or failed."""
    if order.assignment is not None:
        session.configure(order.assignment)
    session.allow(order.subscribers)
    _until(lambda: session.settled >= order.subscribers, order.timeout_s)
    errors = session.recorder.errors
    return Connected(settled=session.settled, failed=errors.total(), errors=dict(errors))


def prime(session: Session, order: Prime) -> Primed:
    """Wait until every subscriber has received a probe; if they publish upstream, they send the probes themselves."""
    subscribers = sum(len(recorder.tallies) for recorder in session.recorders)

    def all_primed() -> bool:
        return sum(recorder.probed for recorder in session.recorders) >= subscribers

    if order.upstream:
        _probe_upstream(session, all_primed, order)
    else:
        _until(all_primed, order.timeout_s)
    primed = sum(recorder.probed for recorder in session.recorders)
    return Primed(primed=primed, subscribers=subscribers, errors=dict(session.recorder.errors))


def _probe_upstream(session: Session, all_primed: Callable[[], bool], order: Prime) -> None:
    """Let every subscriber that has received no probe publish one, again and again. The pause doubles, so that probes
    cannot pile up in a server that needs longer than the first pause for one."""
    number, pause_s = PROBE_FROM, order.pause_s
    deadline = time.monotonic() + order.timeout_s
    while not all_primed() and (left_s := deadline - time.monotonic()) > 0:
        for user in session.subscribers:
            if not user.tally.probes:
                user.subscriber.publish(user.topic, session.composer.compose(number, time.monotonic_ns()))
        _until(all_primed, min(pause_s, left_s))
        number, pause_s = number + 1, 2 * pause_s


def drain_probes(session: Session, order: DrainProbes) -> ProbesDrained:
    """Wait until the last probe has reached all subscribers; then collect garbage, so that measuring need not."""
    last = PROBE_FROM + order.published - 1
    in_time = _until(lambda: all(one.probed_up_to(last) for one in session.recorders), order.timeout_s)
    gc.collect()
    gc.freeze()
    return ProbesDrained(in_time=in_time)


class Measuring:
    """Warm-up, measured part and drain of one trial, on the schedule of the order."""

    def __init__(self, session: Session, order: Measure) -> None:
        self.session = session
        self.schedule = schedule = order.schedule
        first, last = order.first, order.last
        self.window = Window(first, last, schedule.due_ns(first), schedule.due_ns(last))
        self.upstream = order.upstream
        self.drain_s = order.drain_s
        self.slips_ns: list[int] = []
        self.traffic: list[tuple[int, Counters]] = []
        self.unread: list[int] = []  # the number of stamps at both ends of the window
        self.lag = LoopDelay(session.reactor, self.window.start_ns, self.window.end_ns)
        returning = (session, self.window, schedule.start_ns, schedule.rate_hz, self.drain_s)
        # a subscriber that publishes does not reconnect
        self.reconnections = None if order.upstream else reconnections(*returning)
        self.slow = slow_reading(session, self.window)

    def run(self) -> Measured:
        """Return when the drain is over, with the receipts of the measured part."""
        reactor = self.session.reactor
        for moment in self.window.cost_ns:
            reactor.call_at(moment, self._read_traffic)
        if self.upstream:
            for user in self.session.subscribers:
                self._publish_on_schedule(user, self.session.phase(user.number, PUBLISHES))
        if self.reconnections:
            self.reconnections.begin()
        if self.slow:
            self.slow.begin()
        if not (self.reconnections or self.slow):  # reconnecting needs greenlets on time, slow reading its own reactor
            reactor.bypass_hub_until(self.window.end_ns)
        gc.disable()  # a pause of the collector would be read as latency
        gevent.sleep(max(0.0, (self.window.end_ns - time.monotonic_ns()) / 1e9))
        if _until(self._is_over, self.drain_s):
            gevent.sleep(LINGER_S)
        gc.enable()
        return Measured(receipts=self._receipts())

    def _is_over(self) -> bool:
        """Whether everything has arrived that can still arrive."""
        recorder = self.session.recorder
        # a message that was lost while its subscriber was disconnected never arrives
        done = recorder.passed if self.reconnections else recorder.complete
        if not (done(self.window.last) and len(self.traffic) == 2):
            return False
        return self.slow is None or self.slow.is_over()

    def _read_traffic(self) -> None:
        self.traffic.append((time.monotonic_ns(), self.session.reactor.counters()))
        self.unread.append(len(self.session.reactor.unread_ns))

    def _publish_on_schedule(self, user: SessionUser, phase: float) -> None:
        """Publish each message when it is due; each send sets the timer of the next."""
        session, index = self.session, 0

        def send() -> None:
            nonlocal index
            due = moment()
            if index >= self.window.first:
                self.slips_ns.append(time.monotonic_ns() - due)
            user.subscriber.publish(user.topic, session.composer.compose(user.numbered(index), due))
            index += 1
            if index < self.window.last:
                session.reactor.call_at(moment(), send)

        def moment() -> int:
            return self.schedule.due_ns(index) + round(phase * 1e9 / self.schedule.rate_hz)

        session.reactor.call_at(moment(), send)

    def _receipts(self) -> Receipts:
        session, recorder, window = self.session, self.session.recorder, self.window
        reconnects = self.reconnections.settle() if self.reconnections else None
        gaps = self.reconnections.gaps if self.reconnections else sum(user.subscriber.gaps for user in session.measured)
        return Receipts(
            ledger=recorder.ledger(window, gaps),
            recount=recorder.recount(window),
            reconnects=reconnects,
            slow_reader=self.slow.settle() if self.slow else None,
            latency=recorder.latency(window),
            fan_outs={} if session.scenario.audience.alone else recorder.fan_outs(window),
            slots=recorder.slots(window),
            slip=fold(self.slips_ns) if self.upstream else None,
            connect=fold(session.connect_ns) if session.connect_ns else None,
            loop_delay=fold(self.lag.late_ns),
            read_delay=fold(session.reactor.unread_ns[slice(*self.unread)]) if TIMESTAMPS_AVAILABLE else None,
            wire=self._wire(),
            deliveries=recorder.deliveries_between(*window.cost_ns),
        )

    def _wire(self) -> Wire | None:
        if len(self.traffic) < 2:
            return None
        (start_ns, before), (end_ns, after) = self.traffic
        deliveries = self.session.recorder.deliveries_between(start_ns, end_ns)
        return Wire(window_ns=end_ns - start_ns, deliveries=deliveries, **asdict(after - before))


def report_connecting(session: Session) -> Connecting:
    """What connecting took, and the errors so far."""
    return Connecting(
        connect=fold(session.connect_ns) if session.connect_ns else None, errors=dict(session.recorder.errors)
    )


def leave(session: Session) -> Left:
    """Close all subscriptions, with the farewell that the protocol has."""
    for user in session.subscribers:
        user.subscriber.close()
    return Left()
