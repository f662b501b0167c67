"""Bypassing the hub: the reactor serves its sockets for some time before the hub runs."""

import contextlib
import time

import gevent
import pytest

from bench.reactor.reactor import Reactor
from bench.reactor.readiness import has_epoll
from tests.clients._receipts import RecordingReceiver
from tests.clients._servers import Scripted, eventually


def send_bytes_every(pause_s):
    """The script of a server that sends one byte after each pause."""

    def send(connection, _number):
        with contextlib.suppress(OSError):
            while True:
                time.sleep(pause_s)
                connection.sendall(b"x")

    return send


@pytest.mark.skipif(not has_epoll(), reason="there is no epoll on this system")
def test_a_reactor_that_bypasses_the_hub_serves_many_messages_in_one_turn_of_the_hub(closing):
    reactor, receiver = Reactor(use_epoll=True), RecordingReceiver()
    with contextlib.closing(reactor):
        reactor.connect("127.0.0.1", closing(Scripted(send_bytes_every(0.0005))).port, receiver)
        eventually(lambda: receiver.read_ns, "the first byte")
        turns = []
        drain = reactor.readiness._drain
        reactor.readiness.pause()
        reactor.readiness._drain = lambda: (turns.append(len(receiver.read_ns)), drain())
        reactor.readiness.bypasses_hub = True
        reactor.readiness.resume()
        eventually(lambda: len(receiver.read_ns) > 200, "two hundred bytes")
    assert len(turns) < len(receiver.read_ns) / 2


def test_bypassing_the_hub_ends_at_its_time(reactor):
    reactor.bypass_hub_until(time.monotonic_ns() + 1_000_000)
    assert reactor.readiness.bypasses_hub
    eventually(lambda: not reactor.readiness.bypasses_hub, "the end of the bypass")


def test_nothing_is_read_after_a_callback_pauses_the_reactor(reactor, closing):
    """The same holds for a reactor that bypasses the hub."""
    receiver = RecordingReceiver()
    reactor.connect("127.0.0.1", closing(Scripted(send_bytes_every(0.0005))).port, receiver)
    receiver.receive = lambda data, now_ns: (receiver.read_ns.append(now_ns), reactor.pause())
    eventually(lambda: receiver.read_ns, "the first byte")
    for _ in range(20):
        gevent.sleep(0.001)
    assert len(receiver.read_ns) == 1
    reactor.resume()
    eventually(lambda: len(receiver.read_ns) > 1, "the next byte")


def test_a_callback_may_close_the_reactor(reactor, closing):
    receiver = RecordingReceiver()
    connection = reactor.connect("127.0.0.1", closing(Scripted(send_bytes_every(0.0005))).port, receiver)
    receiver.receive = lambda data, now_ns: (receiver.read_ns.append(now_ns), reactor.close())
    eventually(lambda: receiver.read_ns, "the first byte")
    for _ in range(20):
        gevent.sleep(0.001)
    assert len(receiver.read_ns) == 1
    assert not connection.is_open
