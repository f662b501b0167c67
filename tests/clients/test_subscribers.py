"""Every client half on real sockets, against servers of other people's libraries."""

import contextlib
import errno
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from bench import clients
from bench.clients import ConnectError, Target
from tests.clients._servers import HttpServer, Scripted, WebSocketServer, eventually, read_head

RESUMABLE = ["websocket", "sse", "polling", "long_polling"]
HTTP = ["sse", "polling", "long_polling"]
WIRES = {**HttpServer.wire, "websocket": WebSocketServer.wire, "socketio": {
    "transport": "websocket", "namespace": "/push", "path": "/socket.io/", "event": "message",
}}  # fmt: skip
INTERVAL_S = 0.01


class Ear:
    """Keeps what a subscriber hears."""

    def __init__(self):
        self.texts, self.at_ns, self.errors = [], [], []

    def on_text(self, text, now_ns):
        self.texts.append(text)
        self.at_ns.append(now_ns)


@pytest.fixture
def subscribe(reactor):
    """Makes subscribers, opens them unless told otherwise, and closes them after the test."""
    subscribers = []

    def make(name, port, topic="t", *, wire=None, after=None, phase=0.0, hold_s=5.0, opened=True, on_text=None):
        ear = Ear()
        target = Target("127.0.0.1", port, wire or WIRES[name], poll_interval_s=INTERVAL_S, hold_s=hold_s)
        subscriber = clients.load(name)(
            reactor, target, topic, on_text or ear.on_text, ear.errors.append, after=after, phase=phase
        )
        ear.subscriber = subscriber
        subscribers.append(subscriber)
        if opened:
            ear.opened_ns = subscriber.open(10)
        return ear

    yield make
    for subscriber in subscribers:
        subscriber.close()


@pytest.fixture
def server_for(closing):
    """Starts the server that speaks a client half's wire contract."""
    return lambda name: closing(WebSocketServer() if name == "websocket" else HttpServer())


def texts(start, count):
    return [b'{"n":%d}' % number for number in range(start, start + count)]


# --- what all that can resume have in common


@pytest.mark.parametrize("name", RESUMABLE)
def test_every_text_arrives_once_in_order_with_the_time_it_was_read(name, subscribe, server_for):
    server = server_for(name)
    server.log.publish(b"before anybody was there")
    before_ns = time.monotonic_ns()
    ear = subscribe(name, server.port)
    assert 0 < ear.opened_ns < time.monotonic_ns() - before_ns
    for start in range(0, 30, 10):
        server.log.publish(*texts(start, 10))
        eventually(lambda start=start: len(ear.texts) >= start + 10, "the texts")
    assert ear.texts == texts(0, 30)
    assert all(earlier <= later for earlier, later in pairwise(ear.at_ns))
    assert before_ns < ear.at_ns[0] <= ear.at_ns[-1] <= time.monotonic_ns()
    assert (ear.errors, ear.subscriber.cursor, ear.subscriber.gaps) == ([], "e:31", 0)


@pytest.mark.parametrize("name", RESUMABLE)
def test_a_later_subscriber_resumes_where_an_earlier_one_stood(name, subscribe, server_for):
    server = server_for(name)
    first = subscribe(name, server.port)
    server.log.publish(*texts(0, 3))
    eventually(lambda: len(first.texts) == 3, "the first three")
    first.subscriber.close()
    server.log.publish(*texts(3, 4))
    second = subscribe(name, server.port, after=first.subscriber.cursor)
    server.log.publish(*texts(7, 2))
    eventually(lambda: len(second.texts) >= 6, "what was missed")
    assert second.texts == texts(3, 6)
    assert (second.subscriber.cursor, second.subscriber.gaps) == ("e:9", 0)
    assert len(first.texts) == 3


@pytest.mark.parametrize("name", RESUMABLE)
def test_a_gap_is_counted_and_the_cursor_goes_on_from_there(name, subscribe, server_for):
    server = server_for(name)
    server.log.publish(*texts(0, 2))
    ear = subscribe(name, server.port, after="another:7")
    eventually(lambda: ear.subscriber.gaps == 1, "the gap")
    server.log.publish(b"x")
    eventually(lambda: ear.texts, "the text after the gap")
    assert (ear.texts, ear.subscriber.cursor, ear.errors) == ([b"x"], "e:3", [])


@pytest.mark.parametrize("name", RESUMABLE)
def test_a_megabyte_arrives_whole(name, subscribe, server_for):
    server = server_for(name)
    ear = subscribe(name, server.port)
    large = bytes(32 + index % 95 for index in range(1 << 20))
    server.log.publish(large, b"small")
    eventually(lambda: len(ear.texts) == 2, "both texts")
    assert ear.texts == [large, b"small"]


@pytest.mark.parametrize("name", RESUMABLE)
def test_what_is_published_upstream_comes_back_in_order(name, subscribe, server_for, reactor):
    server = server_for(name)
    ear = subscribe(name, server.port)
    for text in texts(0, 20):
        ear.subscriber.publish("t", text)
    eventually(lambda: len(ear.texts) == 20, "the echo")
    assert ear.texts == texts(0, 20)
    traffic = reactor.traffic()
    assert traffic.payload_sent_bytes == traffic.payload_received_bytes == sum(map(len, texts(0, 20)))
    assert traffic.connections_opened == (1 if name == "websocket" else 2)
    assert ear.errors == []


@pytest.mark.parametrize("name", RESUMABLE)
def test_after_close_nothing_is_called_and_publishing_is_an_error(name, subscribe, server_for):
    server = server_for(name)
    ear, other = subscribe(name, server.port), subscribe(name, server.port)
    server.log.publish(b"x")
    eventually(lambda: ear.texts and other.texts, "the text")
    ear.subscriber.close()
    ear.subscriber.close()
    server.log.publish(b"y")
    eventually(lambda: other.texts == [b"x", b"y"], "the other to go on")
    assert (ear.texts, ear.errors) == ([b"x"], [])
    ear.subscriber.publish("t", b"z")
    assert ear.errors == ["publish: not connected"]
    with pytest.raises(ConnectError, match="once"):
        ear.subscriber.open()


@pytest.mark.parametrize("name", RESUMABLE)
def test_closing_within_on_text_is_the_last_call(name, subscribe, server_for):
    server, heard = server_for(name), []

    def on_text(text, _now_ns):
        heard.append(text)
        ear.subscriber.close()

    ear = subscribe(name, server.port, on_text=on_text)
    witness = subscribe(name, server.port)
    server.log.publish(*texts(0, 5))
    eventually(lambda: heard and len(witness.texts) == 5, "the witness to have all")
    assert heard == texts(0, 1)
    assert ear.errors == []


@pytest.mark.parametrize("name", RESUMABLE)
def test_a_fault_in_on_text_reaches_on_error_and_harms_nobody_else(name, subscribe, server_for):
    server = server_for(name)
    ear = subscribe(name, server.port, on_text=lambda text, now_ns: 1 // 0)
    other = subscribe(name, server.port)
    server.log.publish(b"x")
    eventually(lambda: ear.errors and other.texts, "both to be called")
    (error,) = ear.errors
    assert error.startswith("callback raised ZeroDivisionError")
    assert "test_subscribers.py" in error
    assert other.errors == []


def test_a_fault_after_closing_is_printed_since_nobody_is_left_to_be_told(subscribe, server_for, capfd):
    def on_text(text, now_ns):
        ear.subscriber.close()
        raise ValueError("too late")

    server = server_for("sse")
    ear, witness = subscribe("sse", server.port, on_text=on_text), subscribe("sse", server.port)
    server.log.publish(b"x", b"y")
    eventually(lambda: ear.subscriber.closed and len(witness.texts) == 2, "the texts")
    assert "ValueError: too late" in capfd.readouterr().err
    assert ear.errors == []


# --- servers that fail


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


def websocket_opening(head):
    key = next(line for line in head.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key")).partition(b": ")[2]
    from websockets.utils import accept_key

    control = b'{"cursor":"e:0"}'
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n\r\n\x82%c%b" % (accept_key(key.decode()).encode(), len(control), control)
    )


def stream_opening(_head):
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def poll_opening(_head):
    return b"HTTP/1.1 200 OK\r\nPush-Cursor: e:0\r\nContent-Length: 0\r\n\r\n"


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
    cut.subscriber.cut()
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
    ear.subscriber.cut()
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


# --- WebSocket


def test_websocket_pings_are_answered_and_closing_is_announced(subscribe, server_for):
    server = server_for("websocket")
    ear = subscribe("websocket", server.port)
    server.log.publish(b"x")
    eventually(lambda: ear.texts, "the text")
    ear.subscriber.close()
    eventually(lambda: server.close_codes, "the server to see the close")
    assert server.close_codes == [1000]


def test_websocket_closed_by_the_server_says_with_which_code(subscribe, closing):
    def open_and_close(connection, _number):
        connection.sendall(websocket_opening(read_head(connection)) + b"\x81\x01x" + b"\x88\x02\x03\xf1")
        answer.append(connection.recv(100))

    answer = []
    ear = subscribe("websocket", closing(Scripted(open_and_close)).port)
    eventually(lambda: ear.errors and answer, "the close")
    assert (ear.texts, ear.errors) == ([b"x"], ["closed by the server (1009)"])
    assert answer[0][:2] == b"\x88\x82"


def test_websocket_publishes_a_line_of_topic_and_text(subscribe, server_for):
    server = server_for("websocket")
    ear = subscribe("websocket", server.port)
    ear.subscriber.publish("a-room", b'{"n":1}')
    eventually(lambda: server.received, "the frame")
    assert server.received == ['a-room\t{"n":1}']


def test_a_publisher_whose_server_does_not_read_is_told_and_loses_whole_texts_only(subscribe, closing):
    def read_late(connection, _number):
        connection.sendall(websocket_opening(read_head(connection)))
        while not go_on:
            time.sleep(0.001)
        with connection.makefile("rb") as stream:
            while head := stream.read(14):
                received.append(len(stream.read(int.from_bytes(head[2:10], "big"))))

    received, go_on, sent = [], [], 0
    ear = subscribe("websocket", closing(Scripted(read_late)).port)
    while not ear.errors:
        ear.subscriber.publish("t", b"x" * 500_000)
        sent += 1
        assert sent < 1000
    assert ear.errors == ["publish: outgoing buffer full"]
    go_on.append(True)
    eventually(lambda: len(received) == sent - 1, "what was taken to arrive")
    assert set(received) == {500_002}


# --- SSE


def test_an_sse_head_that_comes_late_opens_without_a_time(subscribe, closing):
    def late(connection, _number):
        head.append(read_head(connection))
        connection.sendall(stream_opening(b"") + b"9\r\ndata: x\n\n\r\n")
        connection.recv(1)

    head = []
    wire = {"subscribe": "/stream?channel={topic}", "upstream": "/publish?topic={topic}", "head": "late"}
    ear = subscribe("sse", closing(Scripted(late)).port, wire=wire)
    assert ear.opened_ns is None
    eventually(lambda: ear.texts, "the text")
    assert head[0].startswith(b"GET /stream?channel=t HTTP/1.1\r\n")
    assert ear.subscriber.cursor is None


# --- polling


def test_short_polling_polls_at_its_slots(subscribe, server_for, monkeypatch):
    from bench.clients.polling import Client

    interval_ns = round(INTERVAL_S * 1e9)
    polls, poll = [], Client._poll

    def watched(self, query=b""):
        polls.append((self._slot_ns - interval_ns, time.monotonic_ns()))
        poll(self, query)

    monkeypatch.setattr(Client, "_poll", watched)
    subscribe("polling", server_for("polling").port, phase=0.25)
    del polls[:]  # the poll that subscribes
    eventually(lambda: len(polls) > 10, "ten polls")
    assert all(slot_ns % interval_ns == interval_ns // 4 for slot_ns, _ in polls)
    assert all(slot_ns <= at_ns for slot_ns, at_ns in polls)
    assert all(later > earlier for (earlier, _), (later, _) in pairwise(polls))


def test_a_slot_whose_last_poll_is_unanswered_is_skipped_and_counted(subscribe, closing):
    def slow(connection, _number):
        connection.sendall(poll_opening(read_head(connection)))
        read_head(connection)
        while ear.subscriber.skipped < 3:
            time.sleep(0.001)
        connection.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            early.append(connection.recv(1))
        connection.settimeout(10)
        connection.sendall(poll_opening(b""))
        read_head(connection)
        polled_again.append(True)
        connection.recv(1)

    early, polled_again = [], []
    ear = subscribe("polling", 0, opened=False)
    ear = subscribe("polling", closing(Scripted(slow)).port)
    eventually(lambda: polled_again, "the poll after the answer")
    assert (early, ear.errors) == ([], [])
    assert ear.subscriber.skipped >= 3


@pytest.mark.parametrize("name", ["polling", "long_polling"])
def test_a_connection_that_ends_with_its_answer_is_opened_anew(name, subscribe, server_for, reactor):
    server = server_for(name)
    server.keeps_alive = False
    ear = subscribe(name, server.port)
    for number in range(5):
        server.log.publish(b"%d" % number)
        eventually(lambda number=number: len(ear.texts) > number, "the text")
    assert ear.texts == [b"0", b"1", b"2", b"3", b"4"]
    assert ear.errors == []
    traffic = reactor.traffic()
    assert 5 <= traffic.requests - 1 <= traffic.connections_opened <= traffic.requests


@pytest.mark.parametrize("name", ["polling", "long_polling"])
def test_a_connection_that_cannot_be_opened_anew_is_an_error(name, subscribe, server_for, reactor, monkeypatch):
    server = server_for(name)
    server.keeps_alive = False
    ear = subscribe(name, server.port, hold_s=0.01)

    def connect(*_):
        raise OSError(errno.EMFILE, "")

    monkeypatch.setattr(reactor, "connect", connect)
    eventually(lambda: ear.errors, "the error")
    assert ear.errors == ["too many open files"]


def test_long_polling_asks_again_as_soon_as_it_is_answered(subscribe, server_for, reactor):
    server = server_for("long_polling")
    ear = subscribe("long_polling", server.port, hold_s=5.5)
    for number in range(5):
        server.log.publish(b"%d" % number)
        eventually(lambda number=number: len(ear.texts) > number, "the text")
    eventually(lambda: len(server.paths) == 7, "the poll that waits")
    assert server.paths == ["/wait?topic=t&hold=0", *(f"/wait?topic=t&after=e:{n}&hold=5.5" for n in range(6))]
    assert reactor.traffic().requests == 7


# --- HTTP upstream


@pytest.mark.parametrize("name", HTTP)
def test_a_refused_publish_is_an_error_and_the_subscription_goes_on(name, subscribe, server_for):
    server = server_for(name)
    ear = subscribe(name, server.port)
    server.statuses["/publish"] = 413
    ear.subscriber.publish("t", b"too large")
    eventually(lambda: ear.errors, "the error")
    assert ear.errors == ["publish: status 413"]
    del server.statuses["/publish"]
    ear.subscriber.publish("t", b"x")
    eventually(lambda: ear.texts, "the echo")
    assert (ear.texts, len(ear.errors)) == ([b"x"], 1)


def test_a_lost_upstream_connection_fails_one_publish_and_is_opened_anew(subscribe, closing):
    def stream_or_refuse(connection, number):
        head = read_head(connection)
        heads.append(head.partition(b" HTTP")[0])
        if number == 0:
            connection.sendall(stream_opening(b""))
            connection.recv(1)
        elif number == 2:
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            connection.recv(1)

    heads = []
    ear = subscribe("sse", closing(Scripted(stream_or_refuse)).port)
    ear.subscriber.publish("t", b"lost")
    ear.subscriber.publish("t", b"kept")
    eventually(lambda: len(heads) == 3, "the second try")
    assert heads == [b"GET /sse?topic=t", b"POST /publish?topic=t", b"POST /publish?topic=t"]
    assert ear.errors in (["publish: closed by the server"], ["publish: connection reset by peer"])


def test_an_upstream_connection_that_is_reset_between_two_publishes_is_opened_anew_without_a_word(subscribe, closing):
    def stream_or_reset(connection, number):
        heads.append(read_head(connection).partition(b" HTTP")[0])
        if number == 0:
            connection.sendall(stream_opening(b""))
            connection.recv(1)
            return
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        read.wait(10)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    heads, read = [], threading.Event()
    ear = subscribe("sse", closing(Scripted(stream_or_reset)).port)
    ear.subscriber.publish("t", b"one")
    queue = ear.subscriber._upstream._queue
    eventually(lambda: len(heads) == 2 and not queue._is_busy, "the answer")
    read.set()
    eventually(lambda: queue._link is None, "the reset")
    ear.subscriber.publish("t", b"two")
    eventually(lambda: len(heads) == 3 and not queue._is_busy, "the second answer")
    assert ear.errors == []
    assert not ear.subscriber.closed


def test_an_answer_that_nobody_asked_for_is_an_error_of_the_upstream_alone(subscribe, closing):
    def stream_or_answer_twice(connection, number):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n" * 2 if number else stream_opening(b""))
        connection.recv(100)
        if number == 0:
            connection.recv(1)

    ear = subscribe("sse", closing(Scripted(stream_or_answer_twice)).port)
    ear.subscriber.publish("t", b"x")
    eventually(lambda: ear.errors, "the error")
    assert ear.errors == ["publish: protocol error: answer without a request"]
    assert not ear.subscriber.closed


def test_too_much_upstream_is_refused_at_once(subscribe, closing):
    def stream(connection, number):
        read_head(connection)
        if number == 0:
            connection.sendall(stream_opening(b""))
        connection.recv(1)

    ear = subscribe("sse", closing(Scripted(stream)).port)
    for _ in range(6):
        ear.subscriber.publish("t", b"x" * 1_000_000)
    assert set(ear.errors) == {"publish: outgoing buffer full"}
    assert 1 <= len(ear.errors) <= 3


# --- Socket.IO


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
    assert reactor.traffic().connections_opened == (4 if wire["transport"] == "websocket" else 8)
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


# --- the registry


def test_client_halves_are_found_by_their_files():
    assert {*RESUMABLE, "socketio"} <= set(clients.names())
    assert not any(name.startswith("_") for name in clients.names())
    with pytest.raises(LookupError, match=r"there are: .*websocket"):
        clients.load("carrier_pigeon")
