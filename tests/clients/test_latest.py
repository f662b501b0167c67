"""Bytes that equal those of the last subscriber are compared and not parsed; the result must be the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.clients import _frames, _polls, sse
from bench.clients._frames import BINARY, PING, TEXT
from bench.clients.sse import SseProtocol
from bench.clients.websocket import WebSocketProtocol

SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def forget():
    """As at the start of a process, when nothing was received yet."""
    for module in (_frames, _polls, sse):
        module._LATEST = type(module._LATEST)()


def frame(opcode, payload, final=True):
    return bytes((final << 7 | opcode, len(payload))) + payload


def chunk(event):
    return b"%x\r\n%b\r\n" % (len(event), event)


def websocket():
    return WebSocketProtocol("e:0")


def stream():
    protocol = SseProtocol()
    protocol.feed(SSE_HEAD + chunk(b": hello\n\n"))
    return protocol


def polls():
    protocol = _polls.PollProtocol("h:1", "/poll?topic=t", None)
    protocol.request()
    return protocol


def answered(*bodies):
    return b"".join(
        b"HTTP/1.1 200 OK\r\nPush-Cursor: e:%d\r\nContent-Length: %d\r\n\r\n%b" % (len(body), len(body), body)
        for body in bodies
    )


words = st.sampled_from([b"", b"a", b"bc", b"\xc3\xa9"])
reads = {
    websocket: st.one_of(
        words.map(lambda word: frame(TEXT, word)),
        st.tuples(words, words).map(lambda pair: frame(TEXT, pair[0]) + frame(TEXT, pair[1])),
        words.map(lambda word: frame(TEXT, word, final=False)),
        words.map(lambda word: frame(0, word)),
        st.just(frame(PING, b"")),
        st.sampled_from([frame(BINARY, b'{"cursor":"f:3"}'), frame(TEXT, b"a") + frame(BINARY, b'{"cursor":"f:3"}')]),
        words.map(lambda word: frame(TEXT, word)[:-1]),
    ),
    stream: st.one_of(
        words.map(lambda word: chunk(b"data: %b\n\n" % word)),
        words.map(lambda word: chunk(b"id: 7\ndata: %b\n\n" % word)),
        words.map(lambda word: chunk(b"id: 7\ndata: %b\n\nid: 8\ndata:\n\n" % word)),
        words.map(lambda word: chunk(b"data: a\n\n") + chunk(b"data: %b\n\n" % word)),
        st.sampled_from([chunk(b"id\ndata: a\n\n"), chunk(b"retry: 9\ndata: a\n\n"), chunk(b": hello\n\n")]),
        words.map(lambda word: chunk(b"data: %b\n" % word)),
        words.map(lambda word: chunk(b"data: %b\n\n" % word)[:-3]),
        st.just(chunk(b"event: gap\ndata: x\n\n")),
    ),
    polls: st.one_of(
        words.map(lambda word: answered(word + b"\n")),
        st.just(answered(b"")),
        st.just(answered(b"a\n", b"a\n")),
        st.just(answered(b"a\n")[:-2]),
        st.just(answered(b"no line feed")),
    ),
}


def result(protocol, data):
    """Everything that a read changes."""
    texts = list(protocol.feed(data))
    read_result = (texts, protocol.end_reason, protocol.cursor, protocol.gaps, getattr(protocol, "retry_s", None))
    if isinstance(protocol, _polls.PollProtocol) and not (protocol.waiting or protocol.end_reason):
        protocol.request()
    return read_result


@pytest.mark.parametrize("make", reads, ids=lambda make: make.__name__)
@given(data=st.data())
def test_two_subscribers_receive_what_each_would_receive_alone(make, data):
    pool = data.draw(st.lists(reads[make], min_size=1, max_size=3))  # few, so that the same bytes repeat
    turns = data.draw(st.lists(st.tuples(st.booleans(), st.sampled_from(pool)), max_size=8))
    forget()
    pair = make(), make()
    together = [result(pair[second], read) for second, read in turns]
    alone = make(), make()
    apart = []
    for second, read in turns:
        forget()
        apart.append(result(alone[second], read))
    assert together == apart


@pytest.mark.parametrize(
    ("make", "read", "parser", "method"),
    [
        (websocket, b"".join(frame(TEXT, word) for word in (b"a", b"bc")), _frames.FrameParser, "_feed_frames"),
        (stream, chunk(b"id: 1\ndata: a\n\nid: 2\ndata: bc\n\n"), SseProtocol, "_feed_layers"),
        (stream, chunk(b"data: a\n\n") + chunk(b"data: bc\n\n"), SseProtocol, "_feed_layers"),
    ],
)
def test_a_batch_is_parsed_once_for_all_subscribers(make, read, parser, method, monkeypatch):
    forget()
    first, second = make(), make()
    assert first.feed(read) == [b"a", b"bc"]
    monkeypatch.delattr(parser, method)
    assert second.feed(read) == [b"a", b"bc"]
    assert second.cursor == first.cursor


def test_an_empty_id_clears_the_cursor_of_every_subscriber():
    forget()
    fresh, resumable = stream(), stream()
    unset = chunk(b"id\ndata: a\n\n")
    fresh.feed(unset)
    resumable.feed(chunk(b"id: 7\ndata: b\n\n"))
    fresh.feed(unset)
    resumable.feed(unset)
    assert resumable.cursor is None
