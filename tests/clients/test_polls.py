"""Polls: their requests and answers."""

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.clients._polls import PollProtocol
from bench.clients.polling import first_slot_ns
from tests.clients._segmentation import every_single_split, fed, pieces, splits


def answer(*texts, cursor="e:1", status="200 OK", more=""):
    body = b"".join(text + b"\n" for text in texts)
    return f"HTTP/1.1 {status}\r\nPush-Cursor: {cursor}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


def target_of(request):
    """The target of a request, as h11 reads it."""
    server = h11.Connection(h11.SERVER)
    server.receive_data(request)
    return server.next_event().target


def polls(after=None):
    return PollProtocol("h:1", "/poll?topic=t", after)


def test_every_poll_but_the_first_of_a_new_subscriber_carries_a_cursor():
    protocol = polls()
    assert target_of(protocol.request()) == b"/poll?topic=t"
    protocol.feed(answer(cursor="e:3"))
    assert target_of(protocol.request(b"&hold=25")) == b"/poll?topic=t&after=e:3&hold=25"
    assert target_of(polls(after="e:9").request()) == b"/poll?topic=t&after=e:9"


lines = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60).map(str.encode)


@given(st.lists(st.lists(lines, max_size=4), max_size=5), splits)
def test_the_lines_of_an_answer_are_its_texts_in_any_segmentation(batches, where):
    protocol = polls()
    for number, batch in enumerate(batches):
        protocol.request()
        assert fed(protocol.feed, pieces(answer(*batch, cursor=f"e:{number}"), where)) == batch
        assert (protocol.waiting, protocol.cursor, protocol.end_reason) == (False, f"e:{number}", "")


def test_a_gap_is_counted():
    protocol = polls(after="e:1")
    protocol.request()
    assert protocol.feed(answer(b"x", cursor="f:1", more="Push-Gap: another epoch\r\n")) == [b"x"]
    assert (protocol.gaps, protocol.cursor) == (1, "f:1")


def test_an_answer_that_closes_the_connection_is_delivered():
    protocol = polls()
    protocol.request()
    assert protocol.feed(answer(b"x", more="Connection: close\r\n")) == [b"x"]
    assert (protocol.waiting, protocol.keep_alive) == (False, False)
    protocol.request()
    assert protocol.keep_alive
    assert protocol.feed(answer(b"y")) == [b"y"]


@pytest.mark.parametrize(
    ("received", "end_reason"),
    [
        (answer(status="503 Busy"), "poll answered with status 503"),
        (answer(cursor="here"), "poll answered without a cursor"),
        (answer(cursor=""), "poll answered without a cursor"),
        (answer().replace(b"Push-Cursor", b"X"), "poll answered without a cursor"),
        (answer(b"x").replace(b"x\n", b"xy"), "last text not ended by a line feed"),
        (b"HTTP/1.1 OK\r\n\r\n", "bad status line"),
    ],
)
def test_a_bad_answer_is_an_error_and_never_a_text(received, end_reason):
    for parts in every_single_split(received):
        protocol = polls()
        protocol.request()
        assert fed(protocol.feed, parts) == []
        assert protocol.end_reason == f"protocol error: {end_reason}"
        assert protocol.feed(answer(b"late")) == []


def test_an_answer_without_a_poll_is_an_error():
    protocol = polls()
    protocol.request()
    assert protocol.feed(answer(b"x") + answer(b"y")) == [b"x"]
    assert protocol.end_reason == "protocol error: answer without a poll"


@given(st.integers(0, 10**18), st.integers(1, 10**10), st.floats(0, 1, exclude_max=True))
def test_slots_depend_on_interval_and_phase_only(now_ns, interval_ns, phase):
    slot_ns = first_slot_ns(now_ns, interval_ns, phase)
    assert now_ns < slot_ns <= now_ns + interval_ns
    assert slot_ns % interval_ns == int(phase * interval_ns) % interval_ns
