"""Event streams, compared with a literal transcription of the standard and with httpx-sse, in every segmentation."""

import httpx
import pytest
from httpx_sse import EventSource as HttpxEventSource
from hypothesis import example, given
from hypothesis import strategies as st

from bench.clients import sse
from bench.clients.sse import EventStreamParser, SseProtocol
from tests.clients._segmentation import every_single_split, fed, pieces, splits
from tests.clients._whatwg import EventSource

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"

_FRAGMENTS = [
    b"data: x", b"data:x", b"data", b"data:", b"data:  y", b"data:\xc3\xa9", b"id: e:1", b"id:2", b"id", b"id: a\0b",
    b"event: gap", b"event:", b"event: message", b"retry: 10", b"retry: 1x", b"retry:", b": comment", b":", b"other: z",
    b"\n", b"\n", b"\n", b"\n\n", b"\r", b"\r\n", b"\r\n\r\n", b" ", b"\0", b"\xef\xbb\xbf", b"\xff",
    b"\xe2\x82", b"\xac",
    b"\xf0\x80\x80", b"\xed\xa0\x80", b"\xc2\x85", b"\xe2\x80\xa8", b"\x0b", b"id: e:7\ndata: usual\n\n",
]  # fmt: skip
streams = st.lists(st.sampled_from(_FRAGMENTS), max_size=30).map(b"".join)


def by_the_standard(stream):
    source = EventSource()
    source.interpret(stream)
    events = [(event.type, event.data, event.last_event_id) for event in source.dispatched]
    return events, source.last_event_id, source.reconnection_time


def by_us(parts):
    parser = EventStreamParser()
    events = [
        (event.type.decode() or "message", event.data.decode(), event.last_id.decode())
        for event in fed(parser.feed, parts)
    ]
    return events, parser.last_id.decode(), parser.retry_ms


def chunk(body):
    return b"%x\r\n%s\r\n" % (len(body), body)


@given(streams, splits)
@example(b"\xef\xbb", [])
@example(b"\xef\xbb\xbf\xef\xbb\xbfdata: x\n\n", [2])
@example(b"data: x\r\r\n\n", [8])
@example(b"\r\ndata: x\n\n", [1])
@example(b"data: x\n\ndata: y\n", [])
@example(b"id: 1\nid: a\0b\ndata: x\n\n", [])
def test_every_stream_is_parsed_as_the_standard_defines_in_any_segmentation(stream, where):
    assert by_us(pieces(stream, where)) == by_the_standard(stream)


@given(st.binary(max_size=60), splits)
def test_any_bytes_are_parsed_as_the_standard_defines(stream, where):
    assert by_us(pieces(stream, where)) == by_the_standard(stream)


@pytest.mark.parametrize(
    "stream",
    [
        b"\xef\xbb\xbfid: 1\r\ndata: a\r\ndata: b\r\n\r\ndata\r\rdata: c\n\n",
        b": hi\n\nid: e:1\n\nid: e:2\ndata: {\"n\":1}\n\nevent: gap\ndata: why\n\nid\ndata:\xff\n\n",
    ],
)  # fmt: skip
def test_every_single_split_gives_the_same_result(stream):
    expected = by_the_standard(stream)
    for parts in every_single_split(stream):
        assert by_us(parts) == expected


lines = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


@given(st.lists(st.tuples(st.lists(lines, min_size=1, max_size=3), st.from_regex(r"[a-z]{0,5}", fullmatch=True))))
def test_httpx_sse_reads_the_same_events_where_data_is_not_empty(events):
    stream = "".join(
        "".join(f"data: {line}\n" for line in ("-", *data)) + (f"event: {kind}\n" if kind else "") + "\n"
        for data, kind in events
    ).encode()
    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=stream)
    theirs = [(event.event, event.data) for event in HttpxEventSource(response).iter_sse()]
    assert [(kind, data) for kind, data, _ in by_us([stream] if stream else [])[0]] == theirs


@given(streams, splits, splits)
def test_the_texts_of_a_response_are_its_untyped_events_in_any_segmentation(stream, chunks, reads):
    response = HEAD + b"".join(chunk(part) for part in pieces(stream, chunks))
    protocol = SseProtocol()
    texts = fed(protocol.feed, pieces(response, reads))
    events, last_id, _ = by_the_standard(stream)
    assert texts == [data.encode() for kind, data, _ in events if kind == "message"]
    assert protocol.gaps == sum(kind == "gap" for kind, *_ in events)
    assert protocol.cursor == (last_id or None)
    assert not protocol.end_reason


common = st.builds(
    lambda n, text, space, with_id: (b"id:%s%s\n" % (space, n) if with_id else b"") + b"data:%s%s\n\n" % (space, text),
    st.sampled_from([b"e:1", b"e:22", b"", b"a\0b"]),
    st.sampled_from([b'{"n":1}', b"", b" ", b"x\ry", b"x\ny", b"\xff", b"x" * 5000]),
    st.sampled_from([b"", b" ", b"  "]),
    st.booleans(),
)


@given(st.lists(common, max_size=8), st.booleans())
def test_the_fast_path_gives_the_same_result_as_the_layers(events, upper_case):
    fast, slow = SseProtocol(), SseProtocol()
    for part in (HEAD, chunk(b": welcome\n\n"), *map(chunk, events)):
        part = part.upper() if upper_case and part[:2].isalnum() and len(part) < 9 else part
        assert fast.feed(part) == slow._feed_layers(part)
        assert fast.cursor == slow.cursor
    assert fast._at_boundary == slow._at_boundary


def test_the_common_event_takes_the_fast_path(monkeypatch):
    protocol = SseProtocol()
    protocol.feed(HEAD + chunk(b": welcome\n\nid: e:0\n\n"))
    monkeypatch.delattr(SseProtocol, "_feed_layers")
    assert protocol.feed(chunk(b'id: e:1\ndata: {"n":1}\n\n')) == [b'{"n":1}']
    assert protocol.feed(chunk(b'data:{"n":2}\n\n')) == [b'{"n":2}']
    assert protocol.cursor == "e:1"


def test_an_id_in_an_earlier_chunk_belongs_to_the_event():
    protocol = SseProtocol()
    parts = [HEAD + chunk(b": welcome\n\n"), chunk(b"id: e:2\n"), chunk(b"data: x\n\n")]
    assert fed(protocol.feed, parts) == [b"x"]
    assert protocol.cursor == "e:2"


def test_a_chunk_of_another_length_than_announced_is_no_event():
    protocol = SseProtocol()
    protocol.feed(HEAD + chunk(b": welcome\n\n"))
    assert protocol.feed(b"8\r\ndata: x\n\n\r\n") == []
    assert protocol.end_reason == "protocol error: chunk not ended by CRLF"


def test_the_cursor_of_a_resumed_stream_is_the_one_it_resumed_after_until_an_id_arrives():
    protocol = SseProtocol(after="e:5")
    assert protocol.cursor == "e:5"
    protocol.feed(HEAD + chunk(b": welcome\n\n"))
    assert protocol.cursor == "e:5"
    protocol.feed(chunk(b"id: e:6\ndata: x\n\n"))
    assert protocol.cursor == "e:6"


@pytest.mark.parametrize(
    ("answer", "end_reason"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "protocol error: stream answered with status 404"),
        (HEAD.replace(b"event-stream", b"html"), "protocol error: stream is not text/event-stream"),
        (HEAD + b"x\r\n", "protocol error: bad chunk size"),
        (HEAD + chunk(b": welcome\n\n") + b"x\r\n", "protocol error: bad chunk size"),
        (HEAD + b"0\r\n\r\n", "closed by the server"),
        (b"SIP/2.0 200 OK\r\n\r\n", "protocol error: bad status line"),
    ],
)
def test_a_response_that_is_no_event_stream_is_an_error_and_never_a_text(answer, end_reason):
    for parts in every_single_split(answer):
        protocol = SseProtocol()
        assert fed(protocol.feed, [*parts, chunk(b"data: x\n\n")]) == []
        assert protocol.end_reason == end_reason


def test_texts_before_a_fault_are_delivered():
    protocol = SseProtocol()
    assert protocol.feed(HEAD + chunk(b"data: x\n\n") + b"oops\r\n") == [b"x"]
    assert protocol.end_reason


def test_an_event_that_never_ends_is_an_error(monkeypatch):
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 100)
    protocol = SseProtocol()
    protocol.feed(HEAD)
    for _ in range(9):
        protocol.feed(chunk(b"data: 1234567\n"))
    assert protocol.end_reason == "protocol error: event too large"


@pytest.mark.parametrize("retry", [b"retry: 2500\n", b"retry:2500\n\n", b"retry: 100\nretry: 2500\nretry: 1x\n"])
def test_the_reconnection_time_is_the_last_that_the_server_set(retry):
    for parts in every_single_split(HEAD + chunk(b": welcome\n\n" + retry + b"data: x\n\n")):
        protocol = SseProtocol()
        assert protocol.retry_s is None
        fed(protocol.feed, parts)
        protocol.feed(chunk(b"data: y\n\n"))
        assert protocol.retry_s == 2.5
