"""What is particular to one wire protocol: close frames, late heads, slots, connections that end."""

import contextlib
import errno
import time
from itertools import pairwise

import pytest

from tests.clients._receipts import (
    INTERVAL_S,
    poll_opening,
    stream_opening,
    websocket_opening,
)
from tests.clients._servers import Scripted, eventually, read_head


def test_websocket_pings_are_answered_and_close_sends_a_close_frame(subscribe, server_for):
    server = server_for("websocket")
    receipts = subscribe("websocket", server.port)
    server.log.publish(b"x")
    eventually(lambda: receipts.texts, "the text")
    receipts.subscriber.close()
    eventually(lambda: server.close_codes, "the close frame to arrive")
    assert server.close_codes == [1000]


def test_websocket_reports_the_close_code_of_the_server(subscribe, closing):
    def open_and_close(connection, _number):
        connection.sendall(websocket_opening(read_head(connection)) + b"\x81\x01x" + b"\x88\x02\x03\xf1")
        answer.append(connection.recv(100))

    answer = []
    receipts = subscribe("websocket", closing(Scripted(open_and_close)).port)
    eventually(lambda: receipts.errors and answer, "the close")
    assert (receipts.texts, receipts.errors) == ([b"x"], ["closed by the server (1009)"])
    assert answer[0][:2] == b"\x88\x82"


def test_websocket_publishes_a_line_of_topic_and_text(subscribe, server_for):
    server = server_for("websocket")
    receipts = subscribe("websocket", server.port)
    receipts.subscriber.publish("a-room", b'{"n":1}')
    eventually(lambda: server.received, "the frame")
    assert server.received == ['a-room\t{"n":1}']


def test_a_full_outgoing_buffer_is_an_error_and_drops_complete_texts_only(subscribe, closing):
    def read_late(connection, _number):
        connection.sendall(websocket_opening(read_head(connection)))
        while not go_on:
            time.sleep(0.001)
        with connection.makefile("rb") as stream:
            while head := stream.read(14):
                received.append(len(stream.read(int.from_bytes(head[2:10], "big"))))

    received, go_on, sent = [], [], 0
    receipts = subscribe("websocket", closing(Scripted(read_late)).port)
    while not receipts.errors:
        receipts.subscriber.publish("t", b"x" * 500_000)
        sent += 1
        assert sent < 1000
    assert receipts.errors == ["publish: outgoing buffer full"]
    go_on.append(True)
    eventually(lambda: len(received) == sent - 1, "the texts that were sent to arrive")
    assert set(received) == {500_002}


def test_an_sse_head_that_comes_late_opens_without_a_time(subscribe, closing):
    def late(connection, _number):
        head.append(read_head(connection))
        connection.sendall(stream_opening(b"") + b"9\r\ndata: x\n\n\r\n")
        connection.recv(1)

    head = []
    wire = {"subscribe": "/stream?channel={topic}", "upstream": "/publish?topic={topic}", "head": "late"}
    receipts = subscribe("sse", closing(Scripted(late)).port, wire=wire)
    assert receipts.opened_ns is None
    eventually(lambda: receipts.texts, "the text")
    assert head[0].startswith(b"GET /stream?channel=t HTTP/1.1\r\n")
    assert receipts.subscriber.cursor is None


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
        while not all_receipts or all_receipts[0].subscriber.skipped < 3:
            time.sleep(0.001)
        connection.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            early.append(connection.recv(1))
        connection.settimeout(10)
        connection.sendall(poll_opening(b""))
        read_head(connection)
        polled_again.append(True)
        connection.recv(1)

    early, polled_again, all_receipts = [], [], []
    receipts = subscribe("polling", closing(Scripted(slow)).port)
    all_receipts.append(receipts)  # once it is open
    eventually(lambda: polled_again, "the poll after the answer")
    assert (early, receipts.errors) == ([], [])
    assert receipts.subscriber.skipped >= 3


@pytest.mark.parametrize("name", ["polling", "long_polling"])
def test_after_an_answer_that_closes_the_connection_another_is_opened(name, subscribe, server_for, reactor):
    server = server_for(name)
    server.keeps_alive = False
    receipts = subscribe(name, server.port)
    for number in range(5):
        server.log.publish(b"%d" % number)
        eventually(lambda number=number: len(receipts.texts) > number, "the text")
    assert receipts.texts == [b"0", b"1", b"2", b"3", b"4"]
    assert receipts.errors == []
    counters = reactor.counters()
    assert 5 <= counters.requests - 1 <= counters.connections_opened <= counters.requests


@pytest.mark.parametrize("name", ["polling", "long_polling"])
def test_a_further_connection_that_cannot_be_opened_is_an_error(name, subscribe, server_for, reactor, monkeypatch):
    server = server_for(name)
    server.keeps_alive = False
    receipts = subscribe(name, server.port, hold_s=0.01)

    def connect(*_):
        raise OSError(errno.EMFILE, "")

    monkeypatch.setattr(reactor, "connect", connect)
    eventually(lambda: receipts.errors, "the error")
    assert receipts.errors == ["too many open files"]


def test_long_polling_polls_again_as_soon_as_it_is_answered(subscribe, server_for, reactor):
    server = server_for("long_polling")
    receipts = subscribe("long_polling", server.port, hold_s=5.5)
    for number in range(5):
        server.log.publish(b"%d" % number)
        eventually(lambda number=number: len(receipts.texts) > number, "the text")
    eventually(lambda: len(server.paths) == 7, "the poll that waits")
    assert server.paths == ["/wait?topic=t&hold=0", *(f"/wait?topic=t&after=e:{n}&hold=5.5" for n in range(6))]
    assert reactor.counters().requests == 7
