"""Subscribers that read slowly: how much they read when, that nothing is torn by it, and that nobody else notices."""

import socket
import time

import pytest

from bench import clients
from bench.clients import Subscription, Target
from bench.clients._slow import PORTION_NS, SlowConnection, SlowReactor
from tests.clients._ears import Listener
from tests.clients._servers import HttpServer, Scripted, WebSocketServer, eventually

RECEIVE_BYTES = 16_384
CLIENTS = ["websocket", "sse", "polling", "long_polling"]


@pytest.fixture(params=[True, False], ids=["epoll", "watchers"])
def slowly(request):
    """A reactor whose links can be made to read slowly, over either way of waiting for readiness."""
    one = SlowReactor(RECEIVE_BYTES, use_epoll=request.param)
    yield one
    one.close()


def sending(data):
    """A script that answers the first byte with all this, and then waits for the end."""
    return lambda connection, _: (connection.recv(1), connection.sendall(data), connection.recv(1))


def test_a_trickle_is_never_more_than_was_asked_for_and_the_rest_comes_whole(slowly, closing):
    data = bytes(range(256)) * 2_000
    server, listener = closing(Scripted(sending(data))), Listener()
    slowly.read_at(1_000)
    began_ns = time.monotonic_ns()
    slowly.connect("127.0.0.1", server.port, listener).write(b"x")
    eventually(lambda: len(listener.data) >= 300, "three portions")
    assert len(listener.data) <= 1_000 * (time.monotonic_ns() - began_ns) / 1e9
    assert len(listener.reads) >= 3
    slowly.read_at(None)
    eventually(lambda: len(listener.data) == len(data), "the rest")
    assert listener.data == data


def test_who_reads_nothing_reads_nothing_while_alarms_ring_and_bytes_are_sent(slowly, closing):
    heard = []
    server, listener = closing(Scripted(lambda connection, _: (
        connection.sendall(b"y" * 100_000), heard.append(connection.recv(1)), connection.recv(1)
    ))), Listener()  # fmt: skip
    slowly.read_at(0)
    link = slowly.connect("127.0.0.1", server.port, listener)
    eventually(lambda: link.connected, "the connection to stand")
    rung = []
    slowly.call_at(time.monotonic_ns() + 2 * PORTION_NS, lambda: (rung.append(True), link.write(b"x")))
    eventually(lambda: rung and heard == [b"x"], "the alarm, and what it sends")
    assert listener.reads == []
    slowly.read_at(None)
    eventually(lambda: len(listener.data) == 100_000, "all of it")


def test_a_later_speed_takes_the_place_of_the_one_before(slowly, closing):
    server, listener = closing(Scripted(sending(b"z" * 50_000))), Listener()
    slowly.read_at(1_000)
    slowly.connect("127.0.0.1", server.port, listener).write(b"x")
    eventually(lambda: listener.data, "a portion")
    slowly.read_at(0)
    heard = len(listener.data)
    rung = []
    slowly.call_at(time.monotonic_ns() + 3 * PORTION_NS, lambda: rung.append(True))
    eventually(lambda: rung, "the time of three portions")
    assert len(listener.data) == heard


def test_the_receive_buffer_is_small_from_the_start(slowly, closing):
    server = closing(Scripted(sending(b"")))
    link = slowly.connect("127.0.0.1", server.port, Listener())
    assert isinstance(link, SlowConnection)
    assert link.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) <= 2 * RECEIVE_BYTES


def test_a_reset_meanwhile_is_learnt_when_it_reads_again_and_costs_nothing_until_then(slowly, closing, monkeypatch):
    calls = []
    on_readable = SlowConnection.on_readable
    monkeypatch.setattr(SlowConnection, "on_readable", lambda link: (calls.append(link), on_readable(link)))

    def reset(connection, _number):
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    server, listener = closing(Scripted(reset)), Listener()
    slowly.read_at(0)
    slowly.connect("127.0.0.1", server.port, listener).write(b"x")
    eventually(lambda: server.connections and server.connections[0].fileno() < 0, "the reset")
    rung = []
    slowly.call_at(time.monotonic_ns() + PORTION_NS, lambda: rung.append(True))
    eventually(lambda: rung, "some time")
    assert len(calls) <= 2
    assert listener.lost_because == []
    slowly.read_at(None)
    eventually(lambda: listener.lost_because, "the end")
    assert listener.lost_because == ["connection reset by peer"]


@pytest.mark.parametrize("name", CLIENTS)
def test_a_slow_subscriber_is_left_behind_and_then_gets_every_text_while_others_are_not_held_up(
    name, slowly, reactor, closing
):
    server = closing(WebSocketServer() if name == "websocket" else HttpServer())
    wire = server.wire if name == "websocket" else server.wire[name]
    target = Target("127.0.0.1", server.port, wire, poll_interval_s=0.01, hold_s=5.0)
    heard, errors = {slowly: [], reactor: []}, []
    subscribers = [
        clients.load(name)(
            one, Subscription(target, "t", lambda text, _, one=one: heard[one].append(text), errors.append)
        )
        for one in (slowly, reactor)
    ]
    for subscriber in subscribers:
        subscriber.open(10)
    texts = [b"%04d" % number + b"x" * 2_000 for number in range(300)]
    slowly.read_at(1_000)
    server.log.publish(*texts[:200])
    eventually(lambda: len(heard[reactor]) == 200, "the others to have all")
    slowly.read_at(0)
    server.log.publish(*texts[200:])
    eventually(lambda: len(heard[reactor]) == 300, "the others to have the rest")
    assert len(heard[slowly]) < 10
    slowly.read_at(None)
    eventually(lambda: len(heard[slowly]) == 300, "the slow one to catch up")
    assert heard[slowly] == heard[reactor] == texts
    assert errors == []
    for subscriber in subscribers:
        subscriber.close()
    assert slowly.counters().payload_received_bytes == reactor.counters().payload_received_bytes == 300 * 2_004
