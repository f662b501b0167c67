"""What every client half reports of a server that refuses, is silent, breaks the protocol or closes."""

import contextlib
import socket
import time

import pytest

import servers
from bench.clients import ConnectError, _polls, _upstream
from bench.reactor import reactor as reactors
from tests.clients._receipts import (
    RESUMABLE,
    WIRES,
    poll_opening,
    stream_opening,
    websocket_opening,
)
from tests.clients._servers import Scripted, eventually, read_head


@pytest.mark.parametrize("name", [*RESUMABLE, "socketio"])
def test_a_refused_connection_is_an_error_that_names_the_step(name, subscribe):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    receipts = subscribe(name, port, opened=False)
    with pytest.raises(ConnectError, match=r"^connect: connection refused$"):
        receipts.subscriber.open()
    assert (receipts.errors, receipts.subscriber.closed) == ([], True)


@pytest.mark.parametrize("name", [*RESUMABLE, "socketio"])
def test_a_silent_server_is_an_error_that_names_the_step(name, subscribe, closing):
    server = closing(Scripted(lambda connection, _: connection.recv(1 << 16) and connection.recv(1)))
    receipts = subscribe(name, server.port, opened=False)
    with pytest.raises(ConnectError, match=r"^handshake: nothing within 0.05 s$"):
        receipts.subscriber.open(0.05)
    eventually(lambda: server.connections[0].fileno() < 0, "the connection to be closed")


@pytest.mark.parametrize("name", [*RESUMABLE, "socketio"])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", "handshake: closed by the server"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "answered with status 503"),
        (b"SSH-2.0-OpenSSH_9.9\r\n\r\n", "handshake: protocol error: bad status line"),
    ],
)
def test_a_server_of_another_protocol_is_a_connect_error(name, answer, error, subscribe, closing):
    server = closing(Scripted(lambda connection, _: (read_head(connection), connection.sendall(answer))))
    receipts = subscribe(name, server.port, opened=False)
    with pytest.raises(ConnectError, match=error):
        receipts.subscriber.open()
    assert receipts.errors == []


OPENINGS = {
    "websocket": websocket_opening,
    "sse": stream_opening,
    "polling": poll_opening,
    "long_polling": poll_opening,
}


@pytest.mark.parametrize("name", RESUMABLE)
@pytest.mark.parametrize("reset", [False, True])
def test_the_end_of_the_server_is_an_error(name, reset, subscribe, closing):
    def open_and_end(connection, _number):
        connection.sendall(OPENINGS[name](read_head(connection)))
        if name.endswith("polling"):
            read_head(connection)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    receipts = subscribe(name, closing(Scripted(open_and_end)).port)
    eventually(lambda: receipts.errors, "the error")
    assert receipts.errors == ["connection reset by peer" if reset else "closed by the server"]
    assert receipts.subscriber.closed


@pytest.mark.parametrize("name", RESUMABLE)
def test_abort_resets_the_connection_and_close_does_not(name, subscribe, closing):
    def open_and_read_on(connection, number):
        connection.sendall(OPENINGS[name](read_head(connection)))
        try:
            while connection.recv(1 << 16):
                pass
            ends[number] = "ended"
        except ConnectionResetError:
            ends[number] = "reset"

    ends = {}
    port = closing(Scripted(open_and_read_on)).port
    closed, aborted = subscribe(name, port), subscribe(name, port)
    aborted.subscriber.abort()
    closed.subscriber.close()
    eventually(lambda: len(ends) == 2, "both ends")
    assert ends == {0: "ended", 1: "reset"}
    assert (aborted.errors, closed.errors, aborted.subscriber.closed) == ([], [], True)


def test_the_reconnection_time_of_an_event_stream_is_reported(subscribe, closing):
    def stream(connection, _number):
        connection.sendall(
            stream_opening(read_head(connection)) + b"d\r\nretry: 1500\n\n\r\n" + b"9\r\ndata: x\n\n\r\n"
        )
        connection.recv(1)

    receipts = subscribe("sse", 0, opened=False)
    assert receipts.subscriber.retry_s is None
    receipts = subscribe("sse", closing(Scripted(stream)).port)
    eventually(lambda: receipts.texts, "the text")
    assert receipts.subscriber.retry_s == 1.5
    receipts.subscriber.abort()
    assert receipts.subscriber.retry_s == 1.5


BROKEN_ANSWERS = {
    "websocket": b"\x81\x01x\x81\x81abcdx\x81\x01y",
    "sse": b"9\r\ndata: x\n\n\r\noops\r\n9\r\ndata: y\n\n\r\n",
    "polling": b"HTTP/1.1 200 OK\r\nPush-Cursor: e:1\r\nContent-Length: 2\r\n\r\nx\nHTTP/1.1 200 OK\r\nx\r\n\r\n",
    "long_polling": b"HTTP/1.1 200 OK\r\nPush-Cursor: e:1\r\nContent-Length: 2\r\n\r\nx\nHTTP/1.1 2 OK\r\n\r\n",
}


@pytest.mark.parametrize("name", RESUMABLE)
def test_a_broken_protocol_is_one_error_after_the_texts_before_it(name, subscribe, closing):
    def open_and_break(connection, _number):
        connection.sendall(OPENINGS[name](read_head(connection)))
        if name.endswith("polling"):
            read_head(connection)
        connection.sendall(BROKEN_ANSWERS[name])
        with contextlib.suppress(ConnectionResetError):
            while connection.recv(100):
                pass
        ended.append(True)

    ended = []
    receipts = subscribe(name, closing(Scripted(open_and_break)).port)
    eventually(lambda: receipts.errors, "the error")
    assert receipts.texts == [b"x"]
    (error,) = receipts.errors
    assert error.startswith("protocol error: ")
    eventually(lambda: ended, "the connection to be closed")


@pytest.fixture
def quick_checks(monkeypatch):
    monkeypatch.setattr(reactors, "SILENCE_CHECK_NS", 10_000_000)
    monkeypatch.setattr(_polls, "MARGIN_S", 0.1)
    monkeypatch.setattr(_upstream, "ANSWER_S", 0.1)
    monkeypatch.setattr(_upstream, "BYTE_NS", 0)


def engine_opening(head):
    """A handshake over WebSocket, and the packets until a subscription is acknowledged."""
    packets = (b'0{"sid":"a","pingInterval":100,"pingTimeout":50}', b'40/push,{"sid":"b"}', b"43/push,0[]")
    answer, end, _ = websocket_opening(head).partition(b"\r\n\r\n")
    return answer + end + b"".join(b"\x81%c%b" % (len(packet), packet) for packet in packets)


def ndjson_opening(_head):
    return b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n{"cursor":"e:0"}\n\r\n'


FALLING_SILENT = {  # the answer to the request, the beginning of something more, and the error
    "websocket": (websocket_opening, b"\x81\x05ha", "silent for 0.1 s"),
    "sse": (stream_opening, b"9\r\ndata:", "silent for 0.1 s"),
    "ndjson": (ndjson_opening, b'20\r\n{"id"', "silent for 0.1 s"),
    "polling": (poll_opening, b"HTTP/1.1 200 OK\r\nPush", "silent for 0.11 s"),
    "long_polling": (poll_opening, b"HTTP/1.1 200 OK\r\nPush", "silent for 0.15 s"),
    "socketio": (engine_opening, b"\x81\x20" + b"42/push", "silent for 0.15 s"),
}


@pytest.mark.parametrize("rest", ["nothing", "half"])
@pytest.mark.parametrize("name", FALLING_SILENT)
def test_a_server_that_falls_silent_is_one_error(quick_checks, name, rest, subscribe, closing):
    opening, half, error = FALLING_SILENT[name]

    def open_and_fall_silent(connection, _number):
        connection.sendall(opening(read_head(connection)))
        if name.endswith("polling"):
            read_head(connection)
        connection.sendall(half if rest == "half" else b"")
        while connection.recv(1000):
            pass
        ended.append(True)

    ended = []
    wire = WIRES.get(name, {"subscribe": "/stream?topic={topic}"})
    if name in ("websocket", "sse", "ndjson"):
        wire = {**wire, "heartbeat_s": "0.05"}
    port = closing(Scripted(open_and_fall_silent)).port
    receipts = subscribe(name, port, wire=wire, hold_s=0.05)
    eventually(lambda: receipts.errors, "the error")
    assert receipts.errors == [error]
    assert receipts.subscriber.closed
    eventually(lambda: ended, "the connection to be closed")


def test_a_stream_without_declared_heartbeats_may_be_silent(quick_checks, subscribe, closing):
    def open_and_fall_silent(connection, _number):
        connection.sendall(stream_opening(read_head(connection)))
        connection.recv(1)

    receipts = subscribe("sse", closing(Scripted(open_and_fall_silent)).port)
    began = time.monotonic()
    eventually(lambda: time.monotonic() - began > 0.3, "some checks")
    assert receipts.errors == []


def test_a_publish_that_is_never_answered_is_an_error_and_the_subscription_goes_on(quick_checks, subscribe, closing):
    def open_and_ignore(connection, _number):
        head = read_head(connection)
        if head.startswith(b"GET"):
            connection.sendall(stream_opening(head))
        while connection.recv(1000):
            pass

    receipts = subscribe("sse", closing(Scripted(open_and_ignore)).port)
    receipts.subscriber.publish("t", b"text")
    eventually(lambda: receipts.errors, "the error")
    assert receipts.errors == ["publish: silent for 0.1 s"]
    assert not receipts.subscriber.closed


def test_every_stream_on_neutral_ground_declares_its_heartbeats():
    declared = {name: servers.load(name).wire.get("heartbeat_s") for name in servers.names()}
    assert {name for name, interval_s in declared.items() if interval_s == "15"} == {"sse", "ndjson", "websocket"}
    assert {declared[name] for name in declared} == {"15", None}
