"""Publishing by HTTP beside a subscription: publishes that are refused, lost, reset or too many."""

import socket
import struct
import threading

import pytest

from tests.clients._receipts import HTTP, stream_opening
from tests.clients._servers import Scripted, eventually, read_head


@pytest.mark.parametrize("name", HTTP)
def test_a_refused_publish_is_an_error_and_the_subscription_stays_open(name, subscribe, server_for):
    server = server_for(name)
    receipts = subscribe(name, server.port)
    server.statuses["/publish"] = 413
    receipts.subscriber.publish("t", b"too large")
    eventually(lambda: receipts.errors, "the error")
    assert receipts.errors == ["publish: status 413"]
    del server.statuses["/publish"]
    receipts.subscriber.publish("t", b"x")
    eventually(lambda: receipts.texts, "the echo")
    assert (receipts.texts, len(receipts.errors)) == ([b"x"], 1)


def test_a_lost_upstream_connection_fails_one_publish_and_another_is_opened(subscribe, closing):
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
    receipts = subscribe("sse", closing(Scripted(stream_or_refuse)).port)
    receipts.subscriber.publish("t", b"lost")
    receipts.subscriber.publish("t", b"kept")
    eventually(lambda: len(heads) == 3, "the second try")
    assert heads == [b"GET /sse?topic=t", b"POST /publish?topic=t", b"POST /publish?topic=t"]
    assert receipts.errors in (["publish: closed by the server"], ["publish: connection reset by peer"])


def test_an_upstream_connection_reset_between_two_publishes_is_replaced_without_an_error(subscribe, closing):
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
    receipts = subscribe("sse", closing(Scripted(stream_or_reset)).port)
    receipts.subscriber.publish("t", b"one")
    queue = receipts.subscriber._upstream._queue
    eventually(lambda: len(heads) == 2 and not queue._is_busy, "the answer")
    read.set()
    eventually(lambda: queue._connection is None, "the reset")
    receipts.subscriber.publish("t", b"two")
    eventually(lambda: len(heads) == 3 and not queue._is_busy, "the second answer")
    assert receipts.errors == []
    assert not receipts.subscriber.closed


def test_an_answer_without_a_request_is_an_error_of_the_upstream_only(subscribe, closing):
    def stream_or_answer_twice(connection, number):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n" * 2 if number else stream_opening(b""))
        connection.recv(100)
        if number == 0:
            connection.recv(1)

    receipts = subscribe("sse", closing(Scripted(stream_or_answer_twice)).port)
    receipts.subscriber.publish("t", b"x")
    eventually(lambda: receipts.errors, "the error")
    assert receipts.errors == ["publish: protocol error: answer without a request"]
    assert not receipts.subscriber.closed


def test_too_much_upstream_is_refused_at_once(subscribe, closing):
    def stream(connection, number):
        read_head(connection)
        if number == 0:
            connection.sendall(stream_opening(b""))
        connection.recv(1)

    receipts = subscribe("sse", closing(Scripted(stream)).port)
    for _ in range(6):
        receipts.subscriber.publish("t", b"x" * 1_000_000)
    assert set(receipts.errors) == {"publish: outgoing buffer full"}
    assert 1 <= len(receipts.errors) <= 3
