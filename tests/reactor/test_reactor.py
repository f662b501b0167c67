"""The reactor: connections, timers, counters, and exceptions in callbacks."""

import contextlib
import socket
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import gevent
import pytest

from bench.reactor.connection import MAX_OUTGOING_BYTES
from bench.reactor.errors import OutgoingFull
from bench.reactor.headroom import SAMPLE_EVERY_NS, TIMESTAMPS_AVAILABLE, LoopDelay, TimestampedConnection
from bench.reactor.reactor import Reactor
from tests.clients._receipts import RecordingReceiver
from tests.clients._servers import Scripted, eventually

LINUX = sys.platform == "linux"


def echo(connection, _number):
    while data := connection.recv(65_536):
        connection.sendall(data)


def read_to_the_end(connection, _number):
    while connection.recv(65_536):
        pass


def test_bytes_go_both_ways(reactor, closing):
    server, receiver = closing(Scripted(echo)), RecordingReceiver()
    before_ns = time.monotonic_ns()
    connection = reactor.connect("127.0.0.1", server.port, receiver)
    connection.write(b"written before it is established, ")
    eventually(lambda: connection.connected, "the connection to be established")
    connection.write(b"and after")
    eventually(lambda: receiver.data == b"written before it is established, and after", "the echo")
    assert before_ns < receiver.connected_ns < receiver.read_ns[0] <= time.monotonic_ns()
    assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert receiver.lost_reasons == []


def test_data_that_the_socket_does_not_take_at_once_is_sent_later_and_complete(reactor, closing):
    server, receiver = closing(Scripted(echo)), RecordingReceiver()
    connection = reactor.connect("127.0.0.1", server.port, receiver)
    data = bytes(range(256)) * (MAX_OUTGOING_BYTES // 256)
    connection.write(data)
    with pytest.raises(OutgoingFull):
        connection.write(b"x")
    eventually(lambda: len(receiver.data) == len(data), "the whole echo")
    assert receiver.data == data


def test_a_refused_connection_is_lost(reactor):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    receiver = RecordingReceiver()
    with contextlib.suppress(OSError):  # on some systems connect raises at once
        reactor.connect("127.0.0.1", port, receiver)
        eventually(lambda: receiver.lost_reasons, "the refusal")
        assert receiver.lost_reasons == ["connection refused"]


def test_an_end_and_a_reset_have_different_reasons(reactor, closing):
    def end_or_reset(connection, number):
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0" if number else bytes(8))

    server = closing(Scripted(end_or_reset))
    for expected in ("closed by the server", "connection reset by peer"):
        receiver = RecordingReceiver()
        connection = reactor.connect("127.0.0.1", server.port, receiver)
        connection.write(b"x")
        eventually(lambda receiver=receiver: receiver.lost_reasons, "the end")
        assert receiver.lost_reasons == [expected]
        assert not connection.is_open
        connection.write(b"not read by the server")


def test_a_closed_connection_expirations_nothing(reactor, closing):
    server, receiver = closing(Scripted(echo)), RecordingReceiver()
    connection = reactor.connect("127.0.0.1", server.port, receiver)
    connection.write(b"x" * 100_000)
    eventually(lambda: receiver.data, "the first bytes")
    connection.close()
    connection.close()
    received = receiver.data
    eventually(lambda: server.connections[0].fileno() < 0 or not server.failures, "the server to notice")
    other = RecordingReceiver()
    reactor.connect("127.0.0.1", server.port, other).write(b"y")
    eventually(lambda: other.data == b"y", "another connection to go on")
    assert receiver.data == received
    assert receiver.lost_reasons == []


def has_received(connection):
    counters = connection.counters()
    return counters is None or counters.received_bytes


def test_connections_may_close_each_other_within_one_batch(reactor, closing):
    server = closing(Scripted(lambda connection, _: (connection.recv(1), connection.sendall(b"z"), connection.recv(1))))

    class Closer(RecordingReceiver):
        def receive(self, data, now_ns):
            super().receive(data, now_ns)
            for connection in connections:
                connection.close()
            # the kernel reuses the free file descriptors at once
            later.append(reactor.connect("127.0.0.1", server.port, RecordingReceiver()))

    closers, later = [Closer() for _ in range(20)], []
    connections = [reactor.connect("127.0.0.1", server.port, closer) for closer in closers]
    eventually(lambda: all(connection.connected for connection in connections), "all connections to be established")
    reactor.pause()
    for connection in connections:
        connection.send(b"x")
    eventually(lambda: all(has_received(connection) for connection in connections), "all answers")
    reactor.resume()
    eventually(lambda: later, "one receiver to be called")
    eventually(lambda: later[0].connected, "the next connection to be established")
    assert sum(bool(closer.data) for closer in closers) == 1 == len(later)


def test_an_exception_of_a_receiver_closes_its_own_connection_only_and_is_reported(reactor, closing):
    class Faulty(RecordingReceiver):
        def receive(self, data, now_ns):
            raise ValueError("no number")

    server, faulty, healthy = closing(Scripted(echo)), Faulty(), RecordingReceiver()
    for receiver in (faulty, healthy):
        reactor.connect("127.0.0.1", server.port, receiver).write(b"x")
    eventually(lambda: faulty.lost_reasons and healthy.data, "both receivers to be called")
    (reason,) = faulty.lost_reasons
    assert reason.startswith("callback raised ValueError: no number at test_reactor.py:")
    assert healthy.lost_reasons == []


def test_an_exception_without_a_receiver_is_printed(reactor, closing, capfd):
    class Faulty(RecordingReceiver):
        def lost(self, reason):
            raise RuntimeError("no further call")

    server, healthy = closing(Scripted(lambda connection, _: connection.recv(1))), RecordingReceiver()
    for receiver in (Faulty(), healthy):
        reactor.connect("127.0.0.1", server.port, receiver).write(b"x")
    eventually(lambda: healthy.lost_reasons, "the other receiver to be called")
    assert "RuntimeError: no further call" in capfd.readouterr().err


def test_a_graceful_close_delivers_the_close_message(reactor, closing):
    received = []

    def read_all(connection, _number):
        connection.sendall(b"unread" * 1000)
        while data := connection.recv(100):
            received.append(data)
            if b"close message" in b"".join(received):
                return

    server, receiver = closing(Scripted(read_all)), RecordingReceiver()
    connection = reactor.connect("127.0.0.1", server.port, receiver)
    eventually(lambda: connection.connected, "the connection to be established")
    connection.write(b"close message")
    connection.close_gracefully()
    eventually(lambda: not connection.is_open, "the server to close")
    assert b"".join(received) == b"close message"
    assert receiver.lost_reasons == []
    assert server.failures == []


def test_a_graceful_close_ends_although_the_server_never_closes(reactor, closing, monkeypatch):
    monkeypatch.setattr("bench.reactor.connection.GRACEFUL_CLOSE_NS", 1_000_000)
    server, receiver = closing(Scripted(read_to_the_end)), RecordingReceiver()
    connection = reactor.connect("127.0.0.1", server.port, receiver)
    eventually(lambda: connection.connected, "the connection to be established")
    connection.close_gracefully()
    eventually(lambda: not connection.is_open, "the connection to close")
    assert receiver.lost_reasons == []


@pytest.mark.skipif(not LINUX, reason="all of 127.0.0.0/8 is local on Linux only")
def test_a_connection_uses_the_given_source_address(reactor, closing):
    server = closing(Scripted(echo))
    connection = reactor.connect("127.0.0.1", server.port, RecordingReceiver(), source="127.0.0.5")
    assert connection.getsockname()[0] == "127.0.0.5"


ENDS = """
import os, sys
from gevent.event import Event
from bench.reactor.reactor import Reactor

established = Event()

class Receiver:
    connected = staticmethod(lambda now_ns: established.set() if sys.argv[2] == "close" else os._exit(0))
    receive = lost = staticmethod(lambda *_: None)

connection = Reactor().connect("127.0.0.1", int(sys.argv[1]), Receiver)
established.wait(20)
connection.close()
"""


@pytest.mark.parametrize("way", ["close", "exit"])
def test_a_process_that_ends_resets_its_connections_and_a_close_does_not(way):
    """A port whose connection was closed first on this side waits for a minute: later trials would lack it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = [sys.executable, "-c", ENDS, str(server.getsockname()[1]), way]
        with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as process:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(20.0)
                with pytest.raises(ConnectionResetError) if way == "exit" else contextlib.nullcontext():
                    assert connection.recv(1) == b""
            assert process.wait(timeout=20.0) == 0


def test_a_flood_does_not_starve_the_greenlets(reactor, closing):
    def flood(connection, _number):
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(b"x" * 1_000_000)

    server, receivers = closing(Scripted(flood)), [RecordingReceiver() for _ in range(3)]
    for receiver in receivers:
        receiver.receive = lambda data, now_ns, receiver=receiver: receiver.read_ns.append(now_ns)
        reactor.connect("127.0.0.1", server.port, receiver)
    eventually(lambda: all(len(receiver.read_ns) > 20 for receiver in receivers), "the flood")
    turns = 0
    for _ in range(50):
        gevent.sleep(0)
        turns += 1
    assert turns == 50


# --- timers


def test_timers_expire_in_the_order_of_their_times_and_never_early(reactor):
    start_ns = time.monotonic_ns()
    expirations = []
    offsets_ns = [3_000_000, 1_000_000, 2_000_000, 1_000_000, -5_000_000, 1_500_000]
    for index, offset_ns in enumerate(offsets_ns):
        reactor.call_at(
            start_ns + offset_ns,
            lambda index=index: expirations.append((offsets_ns[index], index, time.monotonic_ns())),
        )
    eventually(lambda: len(expirations) == len(offsets_ns), "all timers")
    assert [(offset_ns, index) for offset_ns, index, _ in expirations] == sorted(
        (offset_ns, index) for index, offset_ns in enumerate(offsets_ns)
    )
    assert all(at_ns >= start_ns + offset_ns for offset_ns, _, at_ns in expirations)


def test_a_timer_may_set_the_next(reactor):
    expirations = []

    def expire():
        expirations.append(time.monotonic_ns())
        if len(expirations) < 5:
            reactor.call_at(expirations[-1] + 500_000, expire)

    reactor.call_at(0, expire)
    eventually(lambda: len(expirations) == 5, "five expirations")
    assert all(later - earlier >= 500_000 for earlier, later in pairwise(expirations))


def test_an_expired_timer_does_not_expire_again(reactor):
    expirations, callbacks = [], []
    callback, reactor._timer._callback = reactor._timer._callback, lambda: (callbacks.append(True), callback())
    reactor.call_at(0, lambda: expirations.append(True))
    eventually(lambda: expirations, "the timer")
    for _ in range(10):
        gevent.sleep(0.001)
    assert len(callbacks) == 1


def test_a_timer_that_always_schedules_the_past_does_not_keep_the_hub(reactor):
    expirations = []

    def expire():
        expirations.append(None)
        reactor.call_at(0, expire)

    reactor.call_at(0, expire)
    for _ in range(20):
        gevent.sleep(0.001)
    assert expirations


def test_an_exception_of_a_timer_is_printed_and_the_others_expire(reactor, capfd):
    expirations = []
    reactor.call_at(0, lambda: 1 / 0)
    reactor.call_at(1, lambda: expirations.append(True))
    eventually(lambda: expirations, "the other timer")
    assert "ZeroDivisionError" in capfd.readouterr().err


@pytest.mark.skipif(not LINUX, reason="timerfd is Linux's")
def test_timers_are_finer_than_a_millisecond():
    """libev would round each of these to whole milliseconds. The shortest of many waits is not noise."""
    reactor, late_ns = Reactor(), []

    def schedule():
        when_ns = time.monotonic_ns() + 200_000

        def expire():
            late_ns.append(time.monotonic_ns() - when_ns)
            if len(late_ns) < 50:
                schedule()

        reactor.call_at(when_ns, expire)

    schedule()
    eventually(lambda: len(late_ns) == 50, "all timers")
    reactor.close()
    assert 0 <= min(late_ns) < 500_000


def test_nothing_is_called_after_the_reactor_is_closed(closing):
    reactor, expirations = Reactor(), []
    server, receiver = closing(Scripted(echo)), RecordingReceiver()
    reactor.connect("127.0.0.1", server.port, receiver).write(b"x")
    reactor.call_at(time.monotonic_ns() + 1_000_000, lambda: expirations.append(True))
    reactor.close()
    gevent.sleep(0.02)
    assert (expirations, receiver.data, receiver.lost_reasons) == ([], b"", [])


# --- counters


@pytest.mark.skipif(not LINUX, reason="TCP_INFO with byte counts is Linux's")
def test_counters_include_every_byte_of_open_and_closed_connections(reactor, closing):
    def answer_and_end(connection, number):
        for size in (1, 70_000):
            data = b""
            while len(data) < size:
                data += connection.recv(size - len(data))
            connection.sendall(data)
        if number == 1:
            return  # this sends the FIN, which the kernel counts as a byte
        while connection.recv(1):
            pass

    server, receivers = closing(Scripted(answer_and_end)), [RecordingReceiver() for _ in range(3)]
    before = reactor.counters()
    connections = []
    for receiver in receivers:
        connections.append(reactor.connect("127.0.0.1", server.port, receiver))
        connections[-1].write(b"x" * 70_001)
    eventually(lambda: all(len(receiver.data) == 70_001 for receiver in receivers), "all answers")
    eventually(lambda: receivers[1].lost_reasons, "the end of one connection")
    connections[2].close()
    window = reactor.counters() - before
    assert (window.received_bytes, window.sent_bytes) == (3 * 70_001, 3 * 70_001)
    assert window.segments_in >= 6
    assert window.segments_out >= 6
    assert window.connections_opened == 3


def test_counters_are_none_where_the_kernel_does_not_report_them(reactor, closing, monkeypatch):
    monkeypatch.setattr("bench.reactor.counters._AVAILABLE", False)
    server, receiver = closing(Scripted(echo)), RecordingReceiver()
    before = reactor.counters()
    reactor.connect("127.0.0.1", server.port, receiver).write(b"x")
    eventually(lambda: receiver.data, "the echo")
    window = reactor.counters() - before
    assert (window.received_bytes, window.segments_in, window.connections_opened) == (None, None, 1)


SCRIPT = """
import sys
if sys.argv[1] == "after":
    import bench.reactor.reactor
from gevent import monkey
monkey.patch_all()
import gevent
from bench.reactor.reactor import Reactor
from bench.reactor.readiness import EpollReadiness

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


def test_the_time_that_bytes_wait_in_a_socket_is_recorded(reactor, closing):
    server, receiver = closing(Scripted(echo)), RecordingReceiver()
    connection = reactor.connect("127.0.0.1", server.port, receiver)  # the first connection is timestamped
    eventually(lambda: connection.connected, "the connection to be established")
    reactor.pause()
    connection.write(b"text")
    gevent.sleep(0.05)
    reactor.resume()
    eventually(lambda: receiver.data == b"text", "the echo")
    if not TIMESTAMPS_AVAILABLE:
        pytest.skip("the kernel reports no receive times here")
    (unread_ns,) = reactor.unread_ns
    assert unread_ns > 0
    assert receiver.read_ns[0] - unread_ns < time.monotonic_ns() - 1_000_000


def test_one_connection_in_thirteen_is_timestamped(reactor, closing):
    server = closing(Scripted(echo))
    connections = [reactor.connect("127.0.0.1", server.port, RecordingReceiver()) for _ in range(27)]
    timestamped = [number for number, one in enumerate(connections) if isinstance(one, TimestampedConnection)]
    assert timestamped == ([0, 13, 26] if TIMESTAMPS_AVAILABLE else [])


def test_a_stalled_loop_is_late_for_every_sample_of_that_time(reactor):
    start_ns = time.monotonic_ns()
    loop_delay = LoopDelay(reactor, start_ns, start_ns + 10 * SAMPLE_EVERY_NS)
    while time.monotonic_ns() < start_ns + 10 * SAMPLE_EVERY_NS:
        pass  # nothing else on the loop runs
    eventually(lambda: len(loop_delay.late_ns) == 10, "all timers")
    assert [late_ns >= (10 - index) * SAMPLE_EVERY_NS for index, late_ns in enumerate(loop_delay.late_ns)] == [
        True
    ] * 10
