"""Subscribers that read slowly: how much they read, that every text stays complete, and that others are not delayed."""

import socket
import time

import pytest

from bench import clients
from bench.clients import Subscription, Target
from bench.reactor.slow import PORTION_NS, SlowConnection, SlowReactor
from tests.clients._receipts import RecordingReceiver
from tests.clients._servers import HttpServer, Scripted, WebSocketServer, eventually

RECEIVE_BYTES = 16_384
CLIENTS = ["websocket", "sse", "polling", "long_polling"]


@pytest.fixture(params=[True, False], ids=["epoll", "watchers"])
def slowly(request):
    """A reactor whose connections can read slowly, with either way of waiting for readiness."""
    one = SlowReactor(RECEIVE_BYTES, use_epoll=request.param)
    yield one
    one.close()


def sending(data):
    """A script that answers the first byte with `data`, and then waits for the end of the connection."""
    return lambda connection, _: (connection.recv(1), connection.sendall(data), connection.recv(1))


def test_a_trickle_is_never_faster_than_the_speed_set_and_the_rest_arrives_complete(slowly, closing):
    data = bytes(range(256)) * 2_000
    server, receiver = closing(Scripted(sending(data))), RecordingReceiver()
    slowly.read_at(1_000)
    began_ns = time.monotonic_ns()
    slowly.connect("127.0.0.1", server.port, receiver).write(b"x")
    eventually(lambda: len(receiver.data) >= 300, "three portions")
    assert len(receiver.data) <= 1_000 * (time.monotonic_ns() - began_ns) / 1e9
    assert len(receiver.read_ns) >= 3
    slowly.read_at(None)
    eventually(lambda: len(receiver.data) == len(data), "the rest")
    assert receiver.data == data


def test_at_speed_zero_nothing_is_read_while_timers_expire_and_bytes_are_sent(slowly, closing):
    received = []
    server, receiver = closing(Scripted(lambda connection, _: (
        connection.sendall(b"y" * 100_000), received.append(connection.recv(1)), connection.recv(1)
    ))), RecordingReceiver()  # fmt: skip
    slowly.read_at(0)
    connection = slowly.connect("127.0.0.1", server.port, receiver)
    eventually(lambda: connection.connected, "the connection to be established")
    expirations = []
    slowly.call_at(time.monotonic_ns() + 2 * PORTION_NS, lambda: (expirations.append(True), connection.write(b"x")))
    eventually(lambda: expirations and received == [b"x"], "the timer, and the byte it sends")
    assert receiver.read_ns == []
    slowly.read_at(None)
    eventually(lambda: len(receiver.data) == 100_000, "all bytes")


def test_a_later_speed_replaces_the_one_before(slowly, closing):
    server, receiver = closing(Scripted(sending(b"z" * 50_000))), RecordingReceiver()
    slowly.read_at(1_000)
    slowly.connect("127.0.0.1", server.port, receiver).write(b"x")
    eventually(lambda: receiver.data, "a portion")
    slowly.read_at(0)
    received = len(receiver.data)
    expirations = []
    slowly.call_at(time.monotonic_ns() + 3 * PORTION_NS, lambda: expirations.append(True))
    eventually(lambda: expirations, "the time of three portions")
    assert len(receiver.data) == received


def test_the_receive_buffer_is_small_from_the_start(slowly, closing):
    server = closing(Scripted(sending(b"")))
    connection = slowly.connect("127.0.0.1", server.port, RecordingReceiver())
    assert isinstance(connection, SlowConnection)
    assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) <= 2 * RECEIVE_BYTES


def test_a_reset_at_speed_zero_is_reported_at_the_next_read_and_costs_nothing_until_then(slowly, closing, monkeypatch):
    calls = []
    on_readable = SlowConnection.on_readable
    monkeypatch.setattr(
        SlowConnection, "on_readable", lambda connection: (calls.append(connection), on_readable(connection))
    )

    def reset(connection, _number):
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    server, receiver = closing(Scripted(reset)), RecordingReceiver()
    slowly.read_at(0)
    slowly.connect("127.0.0.1", server.port, receiver).write(b"x")
    eventually(lambda: server.connections and server.connections[0].fileno() < 0, "the reset")
    expirations = []
    slowly.call_at(time.monotonic_ns() + PORTION_NS, lambda: expirations.append(True))
    eventually(lambda: expirations, "some time")
    assert len(calls) <= 2
    assert receiver.lost_reasons == []
    slowly.read_at(None)
    eventually(lambda: receiver.lost_reasons, "the end")
    assert receiver.lost_reasons == ["connection reset by peer"]


@pytest.mark.parametrize("name", CLIENTS)
def test_a_slow_subscriber_receives_every_text_later_while_others_are_not_delayed(name, slowly, reactor, closing):
    server = closing(WebSocketServer() if name == "websocket" else HttpServer())
    wire = server.wire if name == "websocket" else server.wire[name]
    target = Target("127.0.0.1", server.port, wire, poll_interval_s=0.01, hold_s=5.0)
    received, errors = {slowly: [], reactor: []}, []
    subscribers = [
        clients.load(name)(
            one, Subscription(target, "t", lambda text, _, one=one: received[one].append(text), errors.append)
        )
        for one in (slowly, reactor)
    ]
    for subscriber in subscribers:
        subscriber.open(10)
    texts = [b"%04d" % number + b"x" * 2_000 for number in range(300)]
    slowly.read_at(1_000)
    server.log.publish(*texts[:200])
    eventually(lambda: len(received[reactor]) == 200, "the others to receive all texts")
    slowly.read_at(0)
    server.log.publish(*texts[200:])
    eventually(lambda: len(received[reactor]) == 300, "the others to receive the rest")
    assert len(received[slowly]) < 10
    slowly.read_at(None)
    eventually(lambda: len(received[slowly]) == 300, "the slow subscriber to receive all texts")
    assert received[slowly] == received[reactor] == texts
    assert errors == []
    for subscriber in subscribers:
        subscriber.close()
    assert slowly.counters().payload_received_bytes == reactor.counters().payload_received_bytes == 300 * 2_004
