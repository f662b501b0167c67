"""Lingering: the reactor stays with its sockets for a while before the hub gets its turn, until it is told to stop."""

import contextlib
import time

import gevent
import pytest

from bench.clients._reactor import Reactor
from bench.clients._readiness import has_epoll
from tests.clients._ears import Listener
from tests.clients._servers import Scripted, eventually


def talk_after_a_while(pause_s):
    """A server that sends bytes one by one, now and then."""

    def talk(connection, _number):
        with contextlib.suppress(OSError):
            while True:
                time.sleep(pause_s)
                connection.sendall(b"x")

    return talk


@pytest.mark.skipif(not has_epoll(), reason="there is no epoll on this system")
def test_who_lingers_serves_many_messages_in_one_turn_of_the_hub(closing):
    reactor, listener = Reactor(use_epoll=True), Listener()
    with contextlib.closing(reactor):
        reactor.connect("127.0.0.1", closing(Scripted(talk_after_a_while(0.0005))).port, listener)
        eventually(lambda: listener.reads, "the first byte")
        turns = []
        drain = reactor.readiness._drain
        reactor.readiness.pause()
        reactor.readiness._drain = lambda: (turns.append(len(listener.reads)), drain())
        reactor.readiness.bypasses_hub = True
        reactor.readiness.resume()
        eventually(lambda: len(listener.reads) > 200, "two hundred bytes")
    assert len(turns) < len(listener.reads) / 2


def test_lingering_ends_when_it_is_to_end(reactor):
    reactor.bypass_hub_until(time.monotonic_ns() + 1_000_000)
    assert reactor.readiness.bypasses_hub
    eventually(lambda: not reactor.readiness.bypasses_hub, "the end of it")


def test_nothing_is_read_after_a_pause_that_a_callback_makes(reactor, closing):
    """Also not by who bypasses_hub."""
    listener = Listener()
    reactor.connect("127.0.0.1", closing(Scripted(talk_after_a_while(0.0005))).port, listener)
    listener.receive = lambda data, now_ns: (listener.reads.append(now_ns), reactor.pause())
    eventually(lambda: listener.reads, "the first byte")
    seen = len(listener.reads)
    for _ in range(20):
        gevent.sleep(0.001)
    assert len(listener.reads) == seen == 1
    reactor.resume()
    eventually(lambda: len(listener.reads) > 1, "the next byte")


def test_closing_from_a_callback_ends_it_all(reactor, closing):
    listener = Listener()
    link = reactor.connect("127.0.0.1", closing(Scripted(talk_after_a_while(0.0005))).port, listener)
    listener.receive = lambda data, now_ns: (listener.reads.append(now_ns), reactor.close())
    eventually(lambda: listener.reads, "the first byte")
    for _ in range(20):
        gevent.sleep(0.001)
    assert len(listener.reads) == 1
    assert not link.is_open
