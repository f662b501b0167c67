"""What every client half reports of a server that refuses, is silent, breaks the protocol or closes."""

import contextlib
import socket

import pytest

from bench.clients import ConnectError
from tests.clients._receipts import (
    RESUMABLE,
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
