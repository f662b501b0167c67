"""WebSocket frames, compared with wsproto and websockets, in every segmentation."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.frames import Opcode
from websockets.protocol import CLIENT, OPEN, SERVER, Protocol
from websockets.server import ServerProtocol
from wsproto import ConnectionType
from wsproto.connection import Connection, ConnectionState
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from bench.clients import _frames
from bench.clients._frames import CLOSE, TEXT, FrameParser, Handshake, encode
from bench.reactor.errors import ProtocolError
from tests.clients._segmentation import every_single_split, fed, pieces, splits


class BinaryParser(FrameParser):
    """A parser that accepts binary messages."""

    def __init__(self):
        super().__init__()
        self.binary = []

    def on_binary(self, payload):
        self.binary.append(payload)


def frame(first, payload=b"", *, length_bytes=0, mask=b""):
    """A frame of any first byte, with its length in 0, 2 or 8 more bytes, shortest form or not."""
    length = {0: min(len(payload), 125), 2: 126, 8: 127}[length_bytes]
    extended = len(payload).to_bytes(length_bytes, "big") if length_bytes else b""
    return bytes([first, length | (0x80 if mask else 0)]) + extended + mask + payload


def shortest_length_bytes(payload):
    return 0 if len(payload) < 126 else 2 if len(payload) < 65_536 else 8


def text_frame(text):
    return frame(0x81, text, length_bytes=shortest_length_bytes(text))


# --- messages written by independent implementations are read

messages = st.lists(
    st.one_of(
        st.text(max_size=200).map(lambda text: TextMessage(text)),
        st.sampled_from([125, 126, 127, 65_535, 65_536]).map(lambda size: TextMessage("x" * size)),
        st.binary(max_size=200).map(lambda data: BytesMessage(data)),
        st.binary(max_size=125).map(lambda data: Ping(data)),
        st.binary(max_size=125).map(lambda data: Pong(data)),
    ),
    max_size=6,
)


@given(messages, splits)
def test_messages_written_by_wsproto_are_read_in_any_segmentation(sent, where):
    server = Connection(ConnectionType.SERVER)
    stream = b"".join(server.send(event) for event in sent)
    parser = BinaryParser()
    texts = fed(parser.feed, pieces(stream, where))
    assert texts == [event.data.encode() for event in sent if isinstance(event, TextMessage)]
    assert parser.binary == [event.data for event in sent if isinstance(event, BytesMessage)]
    assert parser.count == len(texts)
    assert not parser.end_reason
    server.receive_data(parser.take_outgoing())
    pongs = [event.payload for event in server.events() if isinstance(event, Pong)]
    assert pongs == [event.payload for event in sent if isinstance(event, Ping)]


@given(st.lists(st.tuples(st.text(max_size=40), splits, st.booleans()), max_size=5), splits)
def test_messages_fragmented_by_websockets_are_reassembled(sent, where):
    server = Protocol(SERVER, state=OPEN)
    for text, fragments, with_ping in sent:
        parts = pieces(text.encode(), fragments) or [b""]
        for index, part in enumerate(parts):
            if with_ping:
                server.send_ping(b"between")
            send = server.send_text if index == 0 else server.send_continuation
            send(part, fin=index == len(parts) - 1)
    stream = b"".join(server.data_to_send())
    assert fed(FrameParser().feed, pieces(stream, where)) == [text.encode() for text, *_ in sent]


# --- invalid frames are rejected, by every implementation

hostile_frames = st.builds(
    frame,
    st.one_of(st.sampled_from([0x81, 0x01, 0x80, 0x00, 0x82, 0x89, 0x8A, 0x88]), st.integers(0, 255)),
    st.one_of(
        st.sampled_from([b"", b"x", b"\xff", b"\xc3\xa9", b"\x03\xe8", b"\x03\xe8bye", b"\x03\xed", b"\x03\xe8\xff"]),
        st.binary(max_size=8),
        st.just(b"y" * 126),
    ),
    length_bytes=st.sampled_from([0, 0, 0, 2, 8]),
    mask=st.sampled_from([b"", b"", b"", b"\0\0\0\0"]),
)


def by_wsproto(stream):
    """(texts before the end, how it ended: "" if it did not, "closed" or "rejected")."""
    client = Connection(ConnectionType.CLIENT)
    texts, begun = [], ""
    client.receive_data(stream)
    for event in client.events():
        if isinstance(event, CloseConnection):
            return texts, "closed" if client.state is ConnectionState.REMOTE_CLOSING else "rejected"
        if isinstance(event, TextMessage):
            begun += event.data
            if event.message_finished:
                texts.append(begun.encode())
                begun = ""
    return texts, ""


def by_websockets(stream):
    """The same. websockets does not decode texts, and accepts lengths in any form."""
    client = Protocol(CLIENT, state=OPEN)
    client.receive_data(stream)
    texts, message = [], []
    for received in client.events_received():
        if received.opcode in (Opcode.TEXT, Opcode.BINARY):
            message = []
        if received.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            message.append(received)
            if received.fin and message[0].opcode is Opcode.TEXT:
                text = b"".join(part.data for part in message)
                try:
                    text.decode()
                except UnicodeDecodeError:
                    return texts, "rejected"
                texts.append(text)
    if client.parser_exc is not None:
        return texts, "rejected"
    return texts, "closed" if client.close_rcvd is not None else ""


def by_us(parts):
    parser = BinaryParser()
    texts = fed(parser.feed, parts)
    if not parser.end_reason:
        return texts, ""
    return texts, "closed" if parser.end_reason.startswith("closed") else "rejected"


def closes_within_a_message(frames):
    """Whether the first close comes between the fragments of a message."""
    firsts = [one[0] for one in frames]
    begun = [first for first in firsts[: firsts.index(0x88)] if first & 0xF < 8]
    return bool(begun) and not begun[-1] & 0x80


@given(st.lists(hostile_frames, min_size=1, max_size=6), st.none() | splits)
@example([frame(0x01, b"\xff"), frame(0x88)], None)
def test_frames_are_accepted_or_rejected_as_by_wsproto_and_websockets(frames, where):
    # Only some implementations check the UTF-8 of an unfinished message, so the last message is finished.
    frames = [*frames, frame(0x80)]
    stream = b"".join(frames)
    ours = by_us(frames if where is None else pieces(stream, where))
    theirs = by_wsproto(stream)
    texts, ended = by_websockets(stream)
    if ours[1] == "closed" and "rejected" in (theirs[1], ended):
        # a close within a fragmented message: websockets rejects it, wsproto only after bytes that are not UTF-8
        assert closes_within_a_message(frames)
        assert ours[0] == theirs[0] == texts
        return
    assert ours == theirs
    if not (ours[1] == "rejected" and len(texts) >= len(ours[0])):
        assert ours == (texts, ended)


@given(st.lists(hostile_frames, min_size=1, max_size=6), splits)
def test_segmentation_changes_neither_texts_nor_errors(frames, where):
    stream = b"".join(frames)
    assert by_us(pieces(stream, where)) == by_us([stream])


@given(st.binary(max_size=40), splits)
def test_any_bytes_give_texts_or_an_error(data, where):
    texts, ended = by_us(pieces(data, where))
    assert all(isinstance(text, bytes) for text in texts)
    assert ended in ("", "closed", "rejected")


@pytest.mark.parametrize(
    ("stream", "end_reason"),
    [
        (frame(0xC1, b"x"), "reserved bit or unknown opcode"),
        (frame(0x83, b"x"), "reserved bit or unknown opcode"),
        (frame(0x8B), "reserved bit or unknown opcode"),
        (frame(0x81, b"x", mask=b"abcd"), "masked frame from the server"),
        (frame(0x09, b"x"), "fragmented or oversized control frame"),
        (frame(0x89, b"x" * 126, length_bytes=2), "fragmented or oversized control frame"),
        (frame(0x81, b"x", length_bytes=2), "length not in its shortest form"),
        (frame(0x81, b"x" * 200, length_bytes=8), "length not in its shortest form"),
        (b"\x81\x7f\x80" + bytes(7), "message too large"),
        (frame(0x80, b"x"), "continuation frame out of place"),
        (frame(0x01, b"x") + frame(0x81, b"y"), "interleaved message"),
        (frame(0x81, b"\xff"), "text is not UTF-8"),
        (frame(0x81, b"in the middle\xff of it"), "text is not UTF-8"),
        (frame(0x81, b"short" * 5, length_bytes=2), "length not in its shortest form"),
        (frame(0x01, b"\xe2\x82") + frame(0x80, b"x"), "text is not UTF-8"),
        (frame(0x88, b"\x03"), "bad close code"),
        (frame(0x88, b"\x03\xed"), "bad close code"),
        (frame(0x88, b"\x03\xe8\xff"), "text is not UTF-8"),
        (frame(0x82, b"x"), "unexpected binary message"),
    ],
)
def test_bytes_that_the_rfc_forbids_are_an_error_and_never_a_text(stream, end_reason):
    frames = [text_frame(b"before"), stream, text_frame(b"after")]
    for parts in (frames, *every_single_split(b"".join(frames))):
        parser = FrameParser()
        assert fed(parser.feed, parts) == [b"before"]
        assert parser.end_reason == f"protocol error: {end_reason}"


@pytest.mark.parametrize("size", [2, 125, 126, 127, 128, 255, 256, 65_535])
def test_a_complete_text_takes_the_fast_path(size, monkeypatch):
    parser = FrameParser()
    monkeypatch.delattr(FrameParser, "_texts")
    assert parser.feed(text_frame(b"x" * size)) == [b"x" * size]
    assert parser.count == 1


def test_a_message_is_rejected_by_its_announced_length(monkeypatch):
    monkeypatch.setattr(_frames, "MAX_MESSAGE_BYTES", 100)
    parser = FrameParser()
    assert parser.feed(frame(0x01, b"x" * 60)) == []
    assert not parser.end_reason
    assert parser.feed(b"\x00\x29") == []
    assert parser.end_reason == "protocol error: message too large"


@pytest.mark.parametrize(
    ("payload", "end_reason"),
    [
        (b"", "closed by the server"),
        (b"\x03\xe8bye", "closed by the server"),
        (b"\x03\xe9", "closed by the server (1001)"),
        (b"\x03\xf1too big", "closed by the server (1009)"),
    ],
)
def test_a_close_frame_is_answered_and_ends_the_connection(payload, end_reason):
    parser = FrameParser()
    assert parser.feed(text_frame(b"last") + frame(0x88, payload) + text_frame(b"never")) == [b"last"]
    assert parser.end_reason == end_reason
    assert parser.feed(text_frame(b"never")) == []
    server = Connection(ConnectionType.SERVER)
    server.send(CloseConnection(code=1000))
    server.receive_data(parser.take_outgoing())
    (answer,) = server.events()
    assert isinstance(answer, CloseConnection)


# --- the frames we send


@given(st.binary(max_size=300) | st.sampled_from([b"x" * 65_535, b"x" * 65_536]))
def test_websockets_reads_our_frames(payload):
    server = Protocol(SERVER, state=OPEN)
    server.receive_data(encode(TEXT, payload))
    (received,) = server.events_received()
    assert (received.opcode, bytes(received.data), received.fin) == (Opcode.TEXT, payload, True)


def test_every_frame_has_a_mask_of_its_own():
    assert len({encode(CLOSE, b"\x03\xe8")[2:6] for _ in range(20)}) > 1


def handshake_and_answer(change=lambda answer: answer):
    """(handshake, answer of a websockets server to its request, changed)."""
    handshake = Handshake("h:1", "/ws?topic=t")
    server = ServerProtocol()
    server.receive_data(handshake.request)
    (request,) = server.events_received()
    assert request.path == "/ws?topic=t"
    assert request.headers["Host"] == "h:1"
    server.send_response(server.accept(request))
    return handshake, change(b"".join(server.data_to_send()))


def test_websockets_accepts_our_handshake_and_its_answer_is_valid():
    handshake, answer = handshake_and_answer()
    for part in pieces(answer, range(len(answer)))[:-1]:
        assert handshake.feed(part) is None
    assert handshake.feed(answer[-1:] + b"frames") == b"frames"


@pytest.mark.parametrize(
    "change",
    [
        lambda answer: answer.replace(b"101", b"200"),
        lambda answer: answer.replace(b"HTTP", b"HTTQ"),
        lambda answer: answer.replace(b"Upgrade: websocket", b"Upgrade: h2c"),
        lambda answer: answer.replace(b"Connection: Upgrade", b"Connection: close"),
        lambda answer: answer.replace(b"Sec-WebSocket-Accept: ", b"Sec-WebSocket-Accept: x"),
        lambda answer: answer.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
        lambda answer: answer.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: chat\r\n\r\n"),
        lambda answer: b"x" * (_frames.MAX_HEAD_BYTES + 1),
    ],
)
def test_any_other_answer_is_an_error(change):
    handshake, answer = handshake_and_answer(change)
    with pytest.raises(ProtocolError):
        handshake.feed(answer)
