"""What one subscriber received is compared, not parsed, when the next receives the same: it must say the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.clients import _frames, _polls, sse
from bench.clients._frames import PING, TEXT
from bench.clients.sse import SseProtocol
from bench.clients.websocket import WebSocketProtocol

SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def forget():
    """As at the start of a process: nothing was received yet."""
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
        words.map(lambda word: frame(TEXT, word)[:-1]),
    ),
    stream: st.one_of(
        words.map(lambda word: chunk(b"data: %b\n\n" % word)),
        words.map(lambda word: chunk(b"id: 7\ndata: %b\n\n" % word)),
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


def said(protocol, data):
    """Everything that a read makes known."""
    texts = list(protocol.feed(data))
    told = (texts, protocol.over, protocol.cursor, protocol.gaps)
    if isinstance(protocol, _polls.PollProtocol) and not (protocol.waiting or protocol.over):
        protocol.request()
    return told


@pytest.mark.parametrize("make", reads, ids=lambda make: make.__name__)
@given(data=st.data())
def test_two_subscribers_hear_what_each_would_hear_alone(make, data):
    turns = data.draw(st.lists(st.tuples(st.booleans(), reads[make]), max_size=8))
    forget()
    pair = make(), make()
    together = [said(pair[who], read) for who, read in turns]
    alone = make(), make()
    apart = []
    for who, read in turns:
        forget()
        apart.append(said(alone[who], read))
    assert together == apart
