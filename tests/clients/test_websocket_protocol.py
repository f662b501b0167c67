"""Cursor and gaps of a WebSocket subscriber: control frames among texts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.clients.websocket import WebSocketProtocol
from tests.clients._segmentation import every_single_split, fed, pieces, splits
from tests.clients.test_frames import frame, shortest_length_bytes, text_frame


def control(cursor, **gap):
    return frame(0x82, json.dumps({"cursor": cursor, **gap}).encode())


steps = st.one_of(
    st.binary(max_size=150).map(bytes.hex).map(str.encode),
    st.tuples(st.sampled_from(["a", "b-2"]), st.integers(0, 10**6), st.booleans()),
)


@given(st.lists(steps, max_size=12), splits)
def test_the_cursor_is_that_of_the_last_control_frame_plus_the_texts_since(script, where):
    stream, expected, gaps, texts = control("e:0"), ("e", 0), 0, []
    for step in script:
        if isinstance(step, bytes):
            texts.append(step)
            stream += text_frame(step)
            expected = (expected[0], expected[1] + 1)
        else:
            epoch, offset, gap = step
            stream += control(f"{epoch}:{offset}", **({"gap": "why"} if gap else {}))
            expected = (epoch, offset)
            gaps += gap
    protocol = WebSocketProtocol()
    assert protocol.cursor is None
    assert fed(protocol.feed, pieces(stream, where)) == texts
    assert protocol.cursor == "{}:{}".format(*expected)
    assert protocol.gaps == gaps
    assert not protocol.end_reason


def test_the_cursor_of_a_resumed_subscriber_is_the_one_it_resumed_after_until_a_control_frame():
    protocol = WebSocketProtocol(after="e:5")
    assert protocol.cursor == "e:5"
    protocol.feed(control("f:9", gap="another epoch"))
    assert (protocol.cursor, protocol.gaps) == ("f:9", 1)


@pytest.mark.parametrize(
    "payload",
    [b"", b"{}", b"[]", b"null", b'{"cursor":5}', b'{"cursor":"e"}', b'{"cursor":"e:1 "}', b'{"cursor":"e:-1"}',
     b"\xff", b'{"cursor":"e:1"', b"[" * 100_000, b'{"cursor":"e:1","gap":{}}', b'{"cursor":"e:1234567890123456789"}'],
    ids=lambda payload: repr(payload[:40]),
)  # fmt: skip
def test_a_bad_control_frame_is_an_error(payload):
    first = text_frame(b"before")
    bad = frame(0x82, payload, length_bytes=shortest_length_bytes(payload))
    protocol = WebSocketProtocol()
    assert protocol.feed(first + bad) == [b"before"]
    assert protocol.end_reason == "protocol error: bad control frame"


def test_every_single_split_gives_the_same_result():
    stream = control("e:0") + text_frame(b"one") + frame(0x89, b"p") + text_frame(b"x" * 130) + frame(0x88, b"\x03\xe9")
    for parts in every_single_split(stream):
        protocol = WebSocketProtocol()
        assert fed(protocol.feed, parts) == [b"one", b"x" * 130]
        assert (protocol.cursor, protocol.end_reason) == ("e:2", "closed by the server (1001)")
