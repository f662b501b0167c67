"""Connections on which nothing arrives for longer than the server may be silent."""

import time

import pytest

from bench.reactor import reactor as reactors
from bench.reactor.slow import SlowReactor
from tests.clients._receipts import RecordingReceiver
from tests.clients._servers import Scripted, eventually

LIMIT_NS = 200_000_000
SILENT = ["silent for 0.2 s"]


@pytest.fixture(autouse=True)
def quick_checks(monkeypatch):
    monkeypatch.setattr(reactors, "SILENCE_CHECK_NS", 10_000_000)


def saying(*pieces):
    """A script that sends `pieces`, each after a byte of the peer, and then waits for the end of the connection."""

    def script(connection, _number):
        for piece in pieces:
            connection.recv(1)
            connection.sendall(piece)
        while connection.recv(100):
            pass

    return script


def connected(reactor, server, receiver):
    connection = reactor.connect("127.0.0.1", server.port, receiver)
    eventually(lambda: connection.connected, "the connection to be established")
    return connection


@pytest.mark.parametrize("pieces", [(), (b"half a",)], ids=["nothing", "half a frame"])
def test_a_connection_that_falls_silent_is_lost_after_its_limit(reactor, closing, pieces):
    receiver = RecordingReceiver()
    connection = connected(reactor, closing(Scripted(saying(*pieces))), receiver)
    connection.write(b"x")
    eventually(lambda: receiver.data == b"".join(pieces), "what it says")
    connection.limit_silence(LIMIT_NS)
    began_ns = time.monotonic_ns()
    eventually(lambda: receiver.lost_reasons, "the silence to be noticed")
    assert receiver.lost_reasons == SILENT
    assert time.monotonic_ns() - began_ns >= LIMIT_NS
    assert not connection.is_open


def test_a_connection_that_says_something_in_time_is_kept_and_so_is_one_without_a_limit(reactor, closing):
    server = closing(Scripted(saying(*[b"."] * 40)))
    receivers = [RecordingReceiver() for _ in range(4)]
    talking, unlimited, lifted, silent = (connected(reactor, server, receiver) for receiver in receivers)
    for connection in (talking, lifted, silent):
        connection.limit_silence(LIMIT_NS * 2)
    lifted.limit_silence(0)
    due_ns = time.monotonic_ns()
    for count in range(1, 41):
        eventually(lambda: time.monotonic_ns() > due_ns, "the next byte to be due")  # noqa: B023
        talking.write(b"x")
        eventually(lambda: len(receivers[0].data) == count, "the byte")  # noqa: B023
        due_ns += 20_000_000
    eventually(lambda: receivers[3].lost_reasons, "the silent one to be lost")
    assert [receiver.lost_reasons for receiver in receivers[1:]] == [[], [], ["silent for 0.4 s"]]
    assert unlimited.is_open
    assert lifted.is_open


def test_time_in_which_this_process_does_not_run_is_not_silence(reactor, closing):
    receiver = RecordingReceiver()
    connection = connected(reactor, closing(Scripted(saying())), receiver)
    connection.limit_silence(LIMIT_NS * 5)
    time.sleep(LIMIT_NS * 6 / 1e9)  # it stalls, and so does the hub
    began_ns = time.monotonic_ns()
    eventually(lambda: receiver.lost_reasons, "the silence to be noticed")
    assert time.monotonic_ns() - began_ns >= LIMIT_NS * 4


def test_a_paused_reactor_takes_no_server_for_silent(reactor, closing):
    receiver = RecordingReceiver()
    connection = connected(reactor, closing(Scripted(saying(b"."))), receiver)
    connection.limit_silence(LIMIT_NS * 5)
    connection.write(b"x")
    reactor.pause()
    paused_ns = time.monotonic_ns()
    eventually(lambda: time.monotonic_ns() - paused_ns > LIMIT_NS * 6, "the end of the pause")
    reactor.resume()
    eventually(lambda: receiver.data, "the byte")
    assert receiver.lost_reasons == []


@pytest.mark.parametrize("use_epoll", [True, False], ids=["epoll", "watchers"])
def test_a_slow_reader_takes_no_server_for_silent(closing, use_epoll):
    slowly, receiver = closing(SlowReactor(16_384, use_epoll=use_epoll)), RecordingReceiver()
    connection = connected(slowly, closing(Scripted(saying())), receiver)
    connection.limit_silence(LIMIT_NS)
    slowly.read_at(0)
    began_ns = time.monotonic_ns()
    eventually(lambda: time.monotonic_ns() - began_ns > LIMIT_NS * 2, "twice the limit")
    assert receiver.lost_reasons == []
    slowly.read_at(None)
    eventually(lambda: receiver.lost_reasons, "the silence to be noticed")
    assert receiver.lost_reasons == SILENT
