"""Every client half on real sockets, against servers of other people's libraries."""

import time
from itertools import pairwise

import pytest

from bench.clients import ConnectError
from tests.clients._ears import RESUMABLE, texts
from tests.clients._servers import eventually


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
    traffic = reactor.counters()
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
