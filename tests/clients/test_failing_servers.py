"""What every client half says of a server that refuses, falls silent, breaks the rules or goes away."""

import contextlib
import socket

import pytest

from bench.clients import ConnectError
from tests.clients._ears import (
    RESUMABLE,
    poll_opening,
    stream_opening,
    websocket_opening,
)
from tests.clients._servers import Scripted, eventually, read_head


@pytest.mark.parametrize("name", [*RESUMABLE, "socketio"])
def test_a_refused_connection_names_the_step(name, subscribe):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    ear = subscribe(name, port, opened=False)
    with pytest.raises(ConnectError, match=r"^connect: connection refused$"):
        ear.subscriber.open()
    assert (ear.errors, ear.subscriber.closed) == ([], True)


@pytest.mark.parametrize("name", [*RESUMABLE, "socketio"])
def test_a_server_that_says_nothing_names_the_step(name, subscribe, closing):
    server = closing(Scripted(lambda connection, _: connection.recv(1 << 16) and connection.recv(1)))
    ear = subscribe(name, server.port, opened=False)
    with pytest.raises(ConnectError, match=r"^handshake: nothing within 0.05 s$"):
        ear.subscriber.open(0.05)
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
def test_a_server_of_another_kind_is_no_subscription(name, answer, error, subscribe, closing):
    server = closing(Scripted(lambda connection, _: (read_head(connection), connection.sendall(answer))))
    ear = subscribe(name, server.port, opened=False)
    with pytest.raises(ConnectError, match=error):
        ear.subscriber.open()
    assert ear.errors == []


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

    ear = subscribe(name, closing(Scripted(open_and_end)).port)
    eventually(lambda: ear.errors, "the error")
    assert ear.errors == ["connection reset by peer" if reset else "closed by the server"]
    assert ear.subscriber.closed


@pytest.mark.parametrize("name", RESUMABLE)
def test_to_be_cut_off_is_a_reset_and_to_leave_is_none(name, subscribe, closing):
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
    gone, cut = subscribe(name, port), subscribe(name, port)
    cut.subscriber.abort()
    gone.subscriber.close()
    eventually(lambda: len(ends) == 2, "both ends")
    assert ends == {0: "ended", 1: "reset"}
    assert (cut.errors, gone.errors, cut.subscriber.closed) == ([], [], True)


def test_what_an_event_stream_asks_of_those_who_come_back_is_kept(subscribe, closing):
    def stream(connection, _number):
        connection.sendall(
            stream_opening(read_head(connection)) + b"d\r\nretry: 1500\n\n\r\n" + b"9\r\ndata: x\n\n\r\n"
        )
        connection.recv(1)

    ear = subscribe("sse", 0, opened=False)
    assert ear.subscriber.retry_s is None
    ear = subscribe("sse", closing(Scripted(stream)).port)
    eventually(lambda: ear.texts, "the text")
    assert ear.subscriber.retry_s == 1.5
    ear.subscriber.abort()
    assert ear.subscriber.retry_s == 1.5


BREACHES = {
    "websocket": b"\x81\x01x\x81\x81abcdx\x81\x01y",
    "sse": b"9\r\ndata: x\n\n\r\noops\r\n9\r\ndata: y\n\n\r\n",
    "polling": b"HTTP/1.1 200 OK\r\nPush-Cursor: e:1\r\nContent-Length: 2\r\n\r\nx\nHTTP/1.1 200 OK\r\nx\r\n\r\n",
    "long_polling": b"HTTP/1.1 200 OK\r\nPush-Cursor: e:1\r\nContent-Length: 2\r\n\r\nx\nHTTP/1.1 2 OK\r\n\r\n",
}


@pytest.mark.parametrize("name", RESUMABLE)
def test_a_breach_of_protocol_is_one_error_after_the_texts_before_it(name, subscribe, closing):
    def open_and_break(connection, _number):
        connection.sendall(OPENINGS[name](read_head(connection)))
        if name.endswith("polling"):
            read_head(connection)
        connection.sendall(BREACHES[name])
        with contextlib.suppress(ConnectionResetError):
            while connection.recv(100):
                pass
        ended.append(True)

    ended = []
    ear = subscribe(name, closing(Scripted(open_and_break)).port)
    eventually(lambda: ear.errors, "the error")
    assert ear.texts == [b"x"]
    (error,) = ear.errors
    assert error.startswith("protocol error: ")
    eventually(lambda: ended, "the connection to be closed")
