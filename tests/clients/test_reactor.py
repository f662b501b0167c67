"""The reactor: links, alarms, traffic, and what happens when something goes wrong in a callback."""

import contextlib
import socket
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import gevent
import pytest

from bench.clients._connection import MAX_OUTGOING_BYTES
from bench.clients._errors import OutgoingFull
from bench.clients._headroom import SAMPLE_EVERY_NS, TIMESTAMPS_AVAILABLE, LoopDelay
from bench.clients._reactor import Reactor
from tests.clients._ears import Listener
from tests.clients._servers import Scripted, eventually

LINUX = sys.platform == "linux"


def echo(connection, _number):
    while data := connection.recv(65_536):
        connection.sendall(data)


def wait_for_the_end(connection, _number):
    while connection.recv(65_536):
        pass


def test_bytes_go_both_ways(reactor, closing):
    server, listener = closing(Scripted(echo)), Listener()
    before_ns = time.monotonic_ns()
    link = reactor.connect("127.0.0.1", server.port, listener)
    link.write(b"sent before it stands, ")
    eventually(lambda: link.connected, "the connection to stand")
    link.write(b"and after")
    eventually(lambda: listener.data == b"sent before it stands, and after", "the echo")
    assert before_ns < listener.connected_at < listener.reads[0] <= time.monotonic_ns()
    assert link.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert listener.lost_because == []


def test_what_the_socket_does_not_take_at_once_goes_later_and_whole(reactor, closing):
    server, listener = closing(Scripted(echo)), Listener()
    link = reactor.connect("127.0.0.1", server.port, listener)
    data = bytes(range(256)) * (MAX_OUTGOING_BYTES // 256)
    link.write(data)
    with pytest.raises(OutgoingFull):
        link.write(b"x")
    eventually(lambda: len(listener.data) == len(data), "everything to come back")
    assert listener.data == data


def test_a_refused_connection_is_lost(reactor):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    listener = Listener()
    with contextlib.suppress(OSError):  # some systems refuse at once
        reactor.connect("127.0.0.1", port, listener)
        eventually(lambda: listener.lost_because, "the refusal")
        assert listener.lost_because == ["connection refused"]


def test_the_end_and_the_reset_are_told_apart(reactor, closing):
    def end_or_reset(connection, number):
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0" if number else bytes(8))

    server = closing(Scripted(end_or_reset))
    for expected in ("closed by the server", "connection reset by peer"):
        listener = Listener()
        link = reactor.connect("127.0.0.1", server.port, listener)
        link.write(b"x")
        eventually(lambda listener=listener: listener.lost_because, "the end")
        assert listener.lost_because == [expected]
        assert not link.is_open
        link.write(b"nobody reads this")


def test_a_closed_link_says_nothing_more(reactor, closing):
    server, listener = closing(Scripted(echo)), Listener()
    link = reactor.connect("127.0.0.1", server.port, listener)
    link.write(b"x" * 100_000)
    eventually(lambda: listener.data, "the first bytes")
    link.close()
    link.close()
    heard = listener.data
    eventually(lambda: server.connections[0].fileno() < 0 or not server.failures, "the server to notice")
    other = Listener()
    reactor.connect("127.0.0.1", server.port, other).write(b"y")
    eventually(lambda: other.data == b"y", "another link to work on")
    assert listener.data == heard
    assert listener.lost_because == []


def test_closing_each_other_within_one_batch_is_borne(reactor, closing):
    server = closing(Scripted(lambda connection, _: (connection.recv(1), connection.sendall(b"z"), connection.recv(1))))

    class Closer(Listener):
        def receive(self, data, now_ns):
            super().receive(data, now_ns)
            for link in links:
                link.close()
            # the descriptors that are free again are given out at once
            later.append(reactor.connect("127.0.0.1", server.port, Listener()))

    closers, later = [Closer() for _ in range(20)], []
    links = [reactor.connect("127.0.0.1", server.port, closer) for closer in closers]
    eventually(lambda: all(link.connected for link in links), "all to stand")
    reactor.pause()
    for link in links:
        link.send(b"x")
    eventually(lambda: all(link.counters() is None or link.counters().received_bytes for link in links), "all answers")
    reactor.resume()
    eventually(lambda: later, "one to be called")
    eventually(lambda: later[0].connected, "the next link to stand")
    assert sum(bool(closer.data) for closer in closers) == 1 == len(later)


def test_what_a_receiver_raises_ends_its_link_alone_and_is_told(reactor, closing):
    class Faulty(Listener):
        def receive(self, data, now_ns):
            raise ValueError("no number")

    server, faulty, healthy = closing(Scripted(echo)), Faulty(), Listener()
    for listener in (faulty, healthy):
        reactor.connect("127.0.0.1", server.port, listener).write(b"x")
    eventually(lambda: faulty.lost_because and healthy.data, "both to be called")
    (reason,) = faulty.lost_because
    assert reason.startswith("callback raised ValueError: no number at test_reactor.py:")
    assert healthy.lost_because == []


def test_what_nobody_can_be_told_is_printed(reactor, closing, capfd):
    class Hopeless(Listener):
        def lost(self, reason):
            raise RuntimeError("nobody to tell")

    server, healthy = closing(Scripted(lambda connection, _: connection.recv(1))), Listener()
    for listener in (Hopeless(), healthy):
        reactor.connect("127.0.0.1", server.port, listener).write(b"x")
    eventually(lambda: healthy.lost_because, "the healthy one to be told")
    assert "RuntimeError: nobody to tell" in capfd.readouterr().err


def test_parting_leaves_a_farewell_its_time(reactor, closing):
    heard = []

    def hear_out(connection, _number):
        connection.sendall(b"unread" * 1000)
        while data := connection.recv(100):
            heard.append(data)
            if b"farewell" in b"".join(heard):
                return

    server, listener = closing(Scripted(hear_out)), Listener()
    link = reactor.connect("127.0.0.1", server.port, listener)
    eventually(lambda: link.connected, "the connection to stand")
    link.write(b"farewell")
    link.close_gracefully()
    eventually(lambda: not link.is_open, "the server to close")
    assert b"".join(heard) == b"farewell"
    assert listener.lost_because == []
    assert server.failures == []


def test_a_server_that_never_closes_is_left_in_the_end(reactor, closing, monkeypatch):
    monkeypatch.setattr("bench.clients._connection.GRACEFUL_CLOSE_NS", 1_000_000)
    server, listener = closing(Scripted(wait_for_the_end)), Listener()
    link = reactor.connect("127.0.0.1", server.port, listener)
    eventually(lambda: link.connected, "the connection to stand")
    link.close_gracefully()
    eventually(lambda: not link.is_open, "the link to close")
    assert listener.lost_because == []


@pytest.mark.skipif(not LINUX, reason="all of 127.0.0.0/8 is local on Linux only")
def test_a_link_comes_from_the_source_it_is_given(reactor, closing):
    server = closing(Scripted(echo))
    link = reactor.connect("127.0.0.1", server.port, Listener(), source="127.0.0.5")
    assert link.getsockname()[0] == "127.0.0.5"


def test_a_flood_does_not_starve_the_greenlets(reactor, closing):
    def flood(connection, _number):
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(b"x" * 1_000_000)

    server, listeners = closing(Scripted(flood)), [Listener() for _ in range(3)]
    for listener in listeners:
        listener.receive = lambda data, now_ns, listener=listener: listener.reads.append(now_ns)
        reactor.connect("127.0.0.1", server.port, listener)
    eventually(lambda: all(len(listener.reads) > 20 for listener in listeners), "the flood")
    turns = 0
    for _ in range(50):
        gevent.sleep(0)
        turns += 1
    assert turns == 50


# --- alarms


def test_alarms_ring_in_the_order_of_their_times_and_never_early(reactor):
    start_ns = time.monotonic_ns()
    rung = []
    offsets_ns = [3_000_000, 1_000_000, 2_000_000, 1_000_000, -5_000_000, 1_500_000]
    for index, offset_ns in enumerate(offsets_ns):
        reactor.call_at(
            start_ns + offset_ns, lambda index=index: rung.append((offsets_ns[index], index, time.monotonic_ns()))
        )
    eventually(lambda: len(rung) == len(offsets_ns), "all alarms")
    assert [(offset_ns, index) for offset_ns, index, _ in rung] == sorted(
        (offset_ns, index) for index, offset_ns in enumerate(offsets_ns)
    )
    assert all(at_ns >= start_ns + offset_ns for offset_ns, _, at_ns in rung)


def test_an_alarm_may_set_the_next(reactor):
    rung = []

    def ring():
        rung.append(time.monotonic_ns())
        if len(rung) < 5:
            reactor.call_at(rung[-1] + 500_000, ring)

    reactor.call_at(0, ring)
    eventually(lambda: len(rung) == 5, "five rings")
    assert all(later - earlier >= 500_000 for earlier, later in pairwise(rung))


def test_an_alarm_that_has_rung_is_silent(reactor):
    rung, rings = [], []
    ring, reactor._timer._callback = reactor._timer._callback, lambda: (rings.append(True), ring())
    reactor.call_at(0, lambda: rung.append(True))
    eventually(lambda: rung, "the alarm")
    for _ in range(10):
        gevent.sleep(0.001)
    assert len(rings) == 1


def test_an_alarm_that_always_asks_for_the_past_leaves_the_hub_its_turn(reactor):
    rung = []

    def ring():
        rung.append(None)
        reactor.call_at(0, ring)

    reactor.call_at(0, ring)
    for _ in range(20):
        gevent.sleep(0.001)
    assert rung


def test_what_an_alarm_raises_is_printed_and_the_others_ring(reactor, capfd):
    rung = []
    reactor.call_at(0, lambda: 1 / 0)
    reactor.call_at(1, lambda: rung.append(True))
    eventually(lambda: rung, "the other alarm")
    assert "ZeroDivisionError" in capfd.readouterr().err


@pytest.mark.skipif(not LINUX, reason="timerfd is Linux's")
def test_alarms_are_finer_than_a_millisecond():
    """libev would round each of these to whole milliseconds; the least of many waits is not noise."""
    reactor, late_ns = Reactor(), []

    def ask():
        when_ns = time.monotonic_ns() + 200_000

        def ring():
            late_ns.append(time.monotonic_ns() - when_ns)
            if len(late_ns) < 50:
                ask()

        reactor.call_at(when_ns, ring)

    ask()
    eventually(lambda: len(late_ns) == 50, "all alarms")
    reactor.close()
    assert 0 <= min(late_ns) < 500_000


def test_nothing_is_called_after_the_reactor_is_closed(closing):
    reactor, rung = Reactor(), []
    server, listener = closing(Scripted(echo)), Listener()
    reactor.connect("127.0.0.1", server.port, listener).write(b"x")
    reactor.call_at(time.monotonic_ns() + 1_000_000, lambda: rung.append(True))
    reactor.close()
    gevent.sleep(0.02)
    assert (rung, listener.data, listener.lost_because) == ([], b"", [])


# --- traffic


@pytest.mark.skipif(not LINUX, reason="TCP_INFO with byte counts is Linux's")
def test_traffic_counts_every_byte_of_open_and_closed_connections(reactor, closing):
    def answer_and_end(connection, number):
        for size in (1, 70_000):
            data = b""
            while len(data) < size:
                data += connection.recv(size - len(data))
            connection.sendall(data)
        if number == 1:
            return  # the end, which the kernel counts as a byte
        while connection.recv(1):
            pass

    server, listeners = closing(Scripted(answer_and_end)), [Listener() for _ in range(3)]
    before = reactor.counters()
    links = []
    for listener in listeners:
        links.append(reactor.connect("127.0.0.1", server.port, listener))
        links[-1].write(b"x" * 70_001)
    eventually(lambda: all(len(listener.data) == 70_001 for listener in listeners), "all answers")
    eventually(lambda: listeners[1].lost_because, "the end of one")
    links[2].close()
    window = reactor.counters() - before
    assert (window.received_bytes, window.sent_bytes) == (3 * 70_001, 3 * 70_001)
    assert window.segments_in >= 6
    assert window.segments_out >= 6
    assert window.connections_opened == 3


def test_traffic_says_none_where_the_kernel_does_not_tell(reactor, closing, monkeypatch):
    monkeypatch.setattr("bench.clients._counters._AVAILABLE", False)
    server, listener = closing(Scripted(echo)), Listener()
    before = reactor.counters()
    reactor.connect("127.0.0.1", server.port, listener).write(b"x")
    eventually(lambda: listener.data, "the echo")
    window = reactor.counters() - before
    assert (window.received_bytes, window.segments_in, window.connections_opened) == (None, None, 1)


SCRIPT = """
import sys
if sys.argv[1] == "after":
    import bench.clients._reactor
from gevent import monkey
monkey.patch_all()
import gevent
from bench.clients._reactor import Reactor
from bench.clients._readiness import EpollReadiness

class Receiver:
    def connected(self, now_ns): pass
    def receive(self, data, now_ns): print(data.decode(), flush=True); gevent.get_hub().loop.run_callback(done.set)
    def lost(self, reason): print(reason)

from gevent.event import Event
done = Event()
reactor = Reactor()
assert isinstance(reactor.readiness, EpollReadiness) or sys.platform != "linux"
reactor.connect("127.0.0.1", int(sys.argv[2]), Receiver()).write(b"patched")
assert done.wait(10)
"""


@pytest.mark.parametrize("patched", ["before", "after"])
def test_monkey_patching_makes_no_difference(patched, closing):
    server = closing(Scripted(echo))
    with gevent.Timeout(30):
        ran = subprocess.run(
            [sys.executable, "-c", SCRIPT, patched, str(server.port)],
            cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=30,
        )  # fmt: skip
    assert (ran.stdout, ran.returncode) == ("patched\n", 0), ran.stderr


def test_bytes_that_lie_in_a_socket_are_seen_to_have_lain_there(reactor, closing):
    server, listener = closing(Scripted(echo)), Listener()
    link = reactor.connect("127.0.0.1", server.port, listener)  # the first connection is one of those that are stamped
    eventually(lambda: link.connected, "the connection to stand")
    reactor.pause()
    link.write(b"text")
    gevent.sleep(0.05)
    reactor.resume()
    eventually(lambda: listener.data == b"text", "the echo")
    if not TIMESTAMPS_AVAILABLE:
        pytest.skip("the kernel stamps no arrivals here")
    (unread_ns,) = reactor.unread_ns
    assert unread_ns > 0
    assert listener.reads[0] - unread_ns < time.monotonic_ns() - 1_000_000


def test_one_connection_in_thirteen_is_stamped(reactor, closing):
    server, listeners = closing(Scripted(echo)), [Listener() for _ in range(27)]
    for listener in listeners:
        reactor.connect("127.0.0.1", server.port, listener).write(b"x")
    eventually(lambda: all(listener.data for listener in listeners), "all echoes")
    assert len(reactor.unread_ns) == (3 if TIMESTAMPS_AVAILABLE else 0)


def test_a_loop_that_stands_still_is_late_for_every_alarm_of_that_time(reactor):
    start_ns = time.monotonic_ns()
    lag = LoopDelay(reactor, start_ns, start_ns + 10 * SAMPLE_EVERY_NS)
    while time.monotonic_ns() < start_ns + 10 * SAMPLE_EVERY_NS:
        pass  # nobody else comes to run
    eventually(lambda: len(lag.late_ns) == 10, "all alarms")
    assert [late_ns >= (10 - index) * SAMPLE_EVERY_NS for index, late_ns in enumerate(lag.late_ns)] == [True] * 10
