"""The Socket.IO client half against the python-socketio server, over both transports."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.clients import ConnectError
from tests.clients._ears import (
    WIRES,
    texts,
)
from tests.clients._servers import eventually


@pytest.fixture(scope="module", params=["websocket", "polling"])
def socketio_server(request):
    """(port, wire, process) of a server in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("_socketio_server.py")), request.param],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    port = int(process.stdout.readline())
    os.set_blocking(process.stdout.fileno(), False)
    yield port, WIRES["socketio"] | {"transport": request.param}, process
    process.kill()
    process.wait()
    process.stdout.close()


def test_socketio_subscribes_hears_publishes_and_leaves(socketio_server, subscribe, reactor):
    port, wire, process = socketio_server
    ears = [subscribe("socketio", port, "room", wire=wire) for _ in range(3)]
    stranger = subscribe("socketio", port, "another-room", wire=wire)
    for text in [*texts(0, 30), '"é\u2028'.encode("unicode_escape")]:
        ears[0].subscriber.publish("room", text)
    for ear in ears:
        eventually(lambda ear=ear: len(ear.texts) == 31, "all texts")
        assert ear.texts == [*texts(0, 30), b'"\\xe9\\u2028']
        assert (ear.errors, ear.subscriber.cursor, ear.subscriber.gaps) == ([], None, 0)
        assert ear.opened_ns > 0
    assert stranger.texts == []
    assert reactor.counters().connections_opened == (4 if wire["transport"] == "websocket" else 8)
    for ear in ears:
        ear.subscriber.publish("nobody's-room", b"the farewell must not overtake this, nor be lost behind it")
        ear.subscriber.close()
    said = []
    eventually(lambda: said.append(process.stdout.readline()) or sum(map(bool, said)) == 3, "all to have left")
    assert {line.strip() for line in said if line} <= {"disconnect: client disconnect", "disconnect: transport close"}


def test_socketio_answers_pings(socketio_server, subscribe):
    port, wire, _ = socketio_server
    ear = subscribe("socketio", port, "pinged", wire=wire)
    protocol = ear.subscriber._protocol
    pongs, take = [], protocol.session.take_outgoing

    class Counting(type(protocol.session)):
        __slots__ = ()

        def take_outgoing(self):
            packets = take()
            pongs.extend(packet for packet in packets if packet == b"3")
            return packets

    protocol.session.__class__ = Counting
    eventually(lambda: pongs, "a ping")
    ear.subscriber.publish("pinged", b"still here")
    eventually(lambda: ear.texts, "the text")
    assert ear.errors == []


def test_socketio_refusals_and_farewells_are_errors(socketio_server, subscribe):
    port, wire, _ = socketio_server
    refused = subscribe("socketio", port, "refused", wire=wire, opened=False)
    with pytest.raises(ConnectError, match="subscribe refused: no such topic"):
        refused.subscriber.open()
    unknown = subscribe("socketio", port, "t", wire=wire | {"namespace": "/none"}, opened=False)
    with pytest.raises(ConnectError, match="namespace refused"):
        unknown.subscriber.open()
    for text in (b"bad", b"binary"):
        ear = subscribe("socketio", port, text.decode(), wire=wire)
        ear.subscriber.publish(text.decode(), text)
        eventually(lambda ear=ear: ear.errors, "the error")
        assert ear.texts == []
        assert ear.errors[0].startswith("protocol error: ")
    left = subscribe("socketio", port, "goodbye", wire=wire, opened=False)
    with contextlib.suppress(ConnectError):  # the farewell may overtake the acknowledgement
        left.subscriber.open()
        eventually(lambda: left.errors, "the farewell")
        assert left.errors == ["closed by the server"]
    assert left.texts == [b"goodbye"]
