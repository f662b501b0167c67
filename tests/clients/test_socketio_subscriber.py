"""The Socket.IO client half against the python-socketio server, over both transports."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.clients import ConnectError
from tests.clients._receipts import (
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


def test_socketio_subscribes_receives_publishes_and_closes(socketio_server, subscribe, reactor):
    port, wire, process = socketio_server
    all_receipts = [subscribe("socketio", port, "room", wire=wire) for _ in range(3)]
    stranger = subscribe("socketio", port, "another-room", wire=wire)
    for text in [*texts(0, 30), '"é\u2028'.encode("unicode_escape")]:
        all_receipts[0].subscriber.publish("room", text)
    for receipts in all_receipts:
        eventually(lambda receipts=receipts: len(receipts.texts) == 31, "all texts")
        assert receipts.texts == [*texts(0, 30), b'"\\xe9\\u2028']
        assert (receipts.errors, receipts.subscriber.cursor, receipts.subscriber.gaps) == ([], None, 0)
        assert receipts.opened_ns > 0
    assert stranger.texts == []
    assert reactor.counters().connections_opened == (4 if wire["transport"] == "websocket" else 8)
    for receipts in all_receipts:
        receipts.subscriber.publish("empty-room", b"the disconnect must not overtake this, nor be lost after it")
        receipts.subscriber.close()
    lines = []
    eventually(
        lambda: lines.append(process.stdout.readline()) or sum(map(bool, lines)) == 3, "all subscribers to disconnect"
    )
    assert {line.strip() for line in lines if line} <= {"disconnect: client disconnect", "disconnect: transport close"}


def test_socketio_answers_pings(socketio_server, subscribe):
    port, wire, _ = socketio_server
    receipts = subscribe("socketio", port, "pinged", wire=wire)
    protocol = receipts.subscriber._protocol
    pongs, take = [], protocol.session.take_outgoing

    class Counting(type(protocol.session)):
        __slots__ = ()

        def take_outgoing(self):
            packets = take()
            pongs.extend(packet for packet in packets if packet == b"3")
            return packets

    protocol.session.__class__ = Counting
    eventually(lambda: pongs, "a ping")
    receipts.subscriber.publish("pinged", b"still here")
    eventually(lambda: receipts.texts, "the text")
    assert receipts.errors == []


def test_a_refused_publish_is_an_error_at_the_sender_and_the_subscription_goes_on(socketio_server, subscribe):
    port, wire, _ = socketio_server
    sender, other = (subscribe("socketio", port, "shared", wire=wire) for _ in range(2))
    for text in (b"1", b"refused", b"2"):
        sender.subscriber.publish("shared", text)
    eventually(lambda: sender.texts == other.texts == [b"1", b"2"], "the accepted texts")
    eventually(lambda: sender.errors, "the refusal")
    assert sender.errors == ["publish: refused: no such text"]
    assert other.errors == []
    assert not sender.subscriber.closed


def test_socketio_refusals_and_disconnects_are_errors(socketio_server, subscribe):
    port, wire, _ = socketio_server
    refused = subscribe("socketio", port, "refused", wire=wire, opened=False)
    with pytest.raises(ConnectError, match="subscribe refused: no such topic"):
        refused.subscriber.open()
    unknown = subscribe("socketio", port, "t", wire=wire | {"namespace": "/none"}, opened=False)
    with pytest.raises(ConnectError, match="namespace refused"):
        unknown.subscriber.open()
    for text in (b"bad", b"binary"):
        receipts = subscribe("socketio", port, text.decode(), wire=wire)
        receipts.subscriber.publish(text.decode(), text)
        eventually(lambda receipts=receipts: receipts.errors, "the error")
        assert receipts.texts == []
        assert receipts.errors[0].startswith("protocol error: ")
    disconnected = subscribe("socketio", port, "goodbye", wire=wire, opened=False)
    with contextlib.suppress(ConnectError):  # the disconnect may overtake the acknowledgement
        disconnected.subscriber.open()
        eventually(lambda: disconnected.errors, "the disconnect")
        assert disconnected.errors == ["closed by the server"]
    assert disconnected.texts == [b"goodbye"]
