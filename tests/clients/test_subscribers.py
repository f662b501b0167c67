"""Every client half on real sockets, against servers of independent libraries."""

import time
from itertools import pairwise

import pytest

from bench.clients import ConnectError
from tests.clients._receipts import RESUMABLE, texts
from tests.clients._servers import eventually


@pytest.mark.parametrize("name", RESUMABLE)
def test_every_text_arrives_once_in_order_with_the_time_it_was_read(name, subscribe, server_for):
    server = server_for(name)
    server.log.publish(b"before the first subscriber")
    before_ns = time.monotonic_ns()
    receipts = subscribe(name, server.port)
    assert 0 < receipts.opened_ns < time.monotonic_ns() - before_ns
    for start in range(0, 30, 10):
        server.log.publish(*texts(start, 10))
        eventually(lambda start=start: len(receipts.texts) >= start + 10, "the texts")
    assert receipts.texts == texts(0, 30)
    assert all(earlier <= later for earlier, later in pairwise(receipts.at_ns))
    assert before_ns < receipts.at_ns[0] <= receipts.at_ns[-1] <= time.monotonic_ns()
    assert (receipts.errors, receipts.subscriber.cursor, receipts.subscriber.gaps) == ([], "e:31", 0)


@pytest.mark.parametrize("name", RESUMABLE)
def test_a_later_subscriber_resumes_after_the_cursor_of_an_earlier_one(name, subscribe, server_for):
    server = server_for(name)
    first = subscribe(name, server.port)
    server.log.publish(*texts(0, 3))
    eventually(lambda: len(first.texts) == 3, "the first three")
    first.subscriber.close()
    server.log.publish(*texts(3, 4))
    second = subscribe(name, server.port, after=first.subscriber.cursor)
    server.log.publish(*texts(7, 2))
    eventually(lambda: len(second.texts) >= 6, "the missed texts")
    assert second.texts == texts(3, 6)
    assert (second.subscriber.cursor, second.subscriber.gaps) == ("e:9", 0)
    assert len(first.texts) == 3


@pytest.mark.parametrize("name", RESUMABLE)
def test_a_gap_is_counted_and_the_cursor_continues_from_there(name, subscribe, server_for):
    server = server_for(name)
    server.log.publish(*texts(0, 2))
    receipts = subscribe(name, server.port, after="another:7")
    eventually(lambda: receipts.subscriber.gaps == 1, "the gap")
    server.log.publish(b"x")
    eventually(lambda: receipts.texts, "the text after the gap")
    assert (receipts.texts, receipts.subscriber.cursor, receipts.errors) == ([b"x"], "e:3", [])


@pytest.mark.parametrize("name", RESUMABLE)
def test_a_megabyte_arrives_complete(name, subscribe, server_for):
    server = server_for(name)
    receipts = subscribe(name, server.port)
    large = bytes(32 + index % 95 for index in range(1 << 20))
    server.log.publish(large, b"small")
    eventually(lambda: len(receipts.texts) == 2, "both texts")
    assert receipts.texts == [large, b"small"]


@pytest.mark.parametrize("name", RESUMABLE)
def test_what_is_published_upstream_comes_back_in_order(name, subscribe, server_for, reactor):
    server = server_for(name)
    receipts = subscribe(name, server.port)
    for text in texts(0, 20):
        receipts.subscriber.publish("t", text)
    eventually(lambda: len(receipts.texts) == 20, "the echo")
    assert receipts.texts == texts(0, 20)
    counters = reactor.counters()
    assert counters.payload_sent_bytes == counters.payload_received_bytes == sum(map(len, texts(0, 20)))
    assert counters.connections_opened == (1 if name == "websocket" else 2)
    assert receipts.errors == []


@pytest.mark.parametrize("name", RESUMABLE)
def test_after_close_nothing_is_called_and_publishing_is_an_error(name, subscribe, server_for):
    server = server_for(name)
    receipts, other = subscribe(name, server.port), subscribe(name, server.port)
    server.log.publish(b"x")
    eventually(lambda: receipts.texts and other.texts, "the text")
    receipts.subscriber.close()
    receipts.subscriber.close()
    server.log.publish(b"y")
    eventually(lambda: other.texts == [b"x", b"y"], "the other subscriber to go on")
    assert (receipts.texts, receipts.errors) == ([b"x"], [])
    receipts.subscriber.publish("t", b"z")
    assert receipts.errors == ["publish: not connected"]
    with pytest.raises(ConnectError, match="once"):
        receipts.subscriber.open()


@pytest.mark.parametrize("name", RESUMABLE)
def test_closing_within_on_text_is_the_last_call(name, subscribe, server_for):
    server, received = server_for(name), []

    def on_text(text, _now_ns):
        received.append(text)
        receipts.subscriber.close()

    receipts = subscribe(name, server.port, on_text=on_text)
    witness = subscribe(name, server.port)
    server.log.publish(*texts(0, 5))
    eventually(lambda: received and len(witness.texts) == 5, "the witness to receive all texts")
    assert received == texts(0, 1)
    assert receipts.errors == []


@pytest.mark.parametrize("name", RESUMABLE)
def test_an_exception_in_on_text_reaches_on_error_and_no_other_subscriber(name, subscribe, server_for):
    server = server_for(name)
    receipts = subscribe(name, server.port, on_text=lambda text, now_ns: 1 // 0)
    other = subscribe(name, server.port)
    server.log.publish(b"x")
    eventually(lambda: receipts.errors and other.texts, "both subscribers to be called")
    (error,) = receipts.errors
    assert error.startswith("callback raised ZeroDivisionError")
    assert "test_subscribers.py" in error
    assert other.errors == []


def test_an_exception_in_on_text_after_close_is_printed(subscribe, server_for, capfd):
    def on_text(text, now_ns):
        receipts.subscriber.close()
        raise ValueError("too late")

    server = server_for("sse")
    receipts, witness = subscribe("sse", server.port, on_text=on_text), subscribe("sse", server.port)
    server.log.publish(b"x", b"y")
    eventually(lambda: receipts.subscriber.closed and len(witness.texts) == 2, "the texts")
    assert "ValueError: too late" in capfd.readouterr().err
    assert receipts.errors == []
