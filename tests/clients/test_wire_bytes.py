"""What a text costs on the wire of our own servers: the framing is fixed, so it is asserted to the byte."""

import sys

import pytest

import servers
from bench.gate.server_under_test import ServerUnderTest
from tests.clients._servers import eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO with byte counts is Linux's")
SIZES = [1, 2, 100, 125, 126, 1_000, 65_535, 65_536, 100_000]


@pytest.fixture(params=["websocket", "sse"])
def server(request):
    with ServerUnderTest(request.param, servers.load(request.param)) as running:
        yield running


def websocket_bytes(text, _cursor):
    return len(text) + (2 if len(text) < 126 else 4 if len(text) < 65_536 else 10)


def sse_bytes(text, cursor):
    event = len(f"id: {cursor}\ndata: \n\n") + len(text)
    return event + len(f"{event:x}\r\n\r\n")


BYTES = {"websocket": websocket_bytes, "sse": sse_bytes}


def test_a_text_costs_its_length_and_its_framing(server):
    (receiver,) = server.subscribed("t")
    for size in SIZES:
        server.drain("t", [receiver])  # no probe is on its way any more
        before = server.reactor.counters()
        server.publish("t", b"x" * size)
        eventually(lambda: receiver.texts, "the text")
        window = server.reactor.counters() - before
        (text,) = receiver.texts
        assert window.received_bytes == BYTES[server.name](text, receiver.subscriber.cursor)
        assert window.payload_received_bytes == size
        assert (window.sent_bytes, window.requests, window.connections_opened) == (0, 0, 0)
        receiver.texts.clear()
