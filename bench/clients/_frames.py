"""RFC 6455 frames as a client reads and writes them, without I/O. Strict: what the RFC forbids raises ProtocolError.

No extension is ever negotiated, so every reserved bit is an error, and so is a masked frame (section 5.1).
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator

from bench.clients._http import MAX_HEAD_BYTES, build_request, parse_head
from bench.reactor.errors import CLOSED_BY_SERVER, ProtocolError, describe

MAX_MESSAGE_BYTES = 16 * 1_048_576

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_FINAL_TEXT = 0x80 | TEXT
_CONTROL_BIT = 0x8

# The valid first bytes of a frame, as (final, opcode). Any other has a reserved bit or an unknown opcode.
_FIRST_BYTES = {
    final << 7 | opcode: (bool(final), opcode)
    for final in (0, 1)
    for opcode in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG)
}
_CLOSE_CODES = frozenset((*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)))
NORMAL_CLOSURE = 1000


def encode(opcode: int, payload: bytes, key: bytes | None = None) -> bytes:
    """A final frame from client to server, masked with `key` (four random bytes by default)."""
    size = len(payload)
    if size < 126:
        header = bytes((0x80 | opcode, 0x80 | size))
    elif size < 65_536:
        header = bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2, "big")
    else:
        header = bytes((0x80 | opcode, 0xFF)) + size.to_bytes(8, "big")
    key = key or os.urandom(4)
    # one XOR of two big integers: a hundred times faster than byte by byte
    stream = (key * (size // 4 + 1))[:size]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")
    return header + key + masked.to_bytes(size, "big")


class _Latest:
    """The bytes that were last parsed as complete texts and nothing else, and those texts.

    In a broadcast the next subscriber receives the same bytes. Comparing them is cheaper than parsing them, and the
    texts, which all subscribers then share, stay in the CPU's caches.
    """

    __slots__ = ("data", "texts")

    def __init__(self) -> None:
        self.data = b""
        self.texts: list[bytes] = []


_LATEST = _Latest()


class FrameParser:
    """Text messages from the bytes that follow the handshake.

    count: texts so far. outgoing: frames that are to be sent (pongs, the answer to a close).
    end_reason: why no text can come any more (the server closed, or broke the rules); empty before that.
    """

    __slots__ = (
        "_announced",
        "_at_boundary",
        "_available",
        "_fragments",
        "_message",
        "_needed",
        "_only_texts",
        "_pieces",
        "count",
        "end_reason",
        "outgoing",
    )

    def __init__(self) -> None:
        self.count = 0
        self.outgoing = b""
        self.end_reason = ""
        self._at_boundary = True  # no bytes are buffered and the server has not closed: the next byte begins a message
        self._only_texts = True  # so far in the bytes being fed
        self._pieces: list[bytes] = []  # of a frame that is not complete yet
        self._available = 0  # bytes in them
        self._needed = 0  # bytes without which the frame cannot be complete
        self._message = CONTINUATION  # opcode of the fragmented message that has begun, if any
        self._fragments: list[bytes] = []
        self._announced = 0  # bytes in them

    def on_binary(self, payload: bytes) -> None:
        """A binary message, in its place among the texts."""
        raise ProtocolError("unexpected binary message")

    def feed(self, data: bytes) -> list[bytes]:
        """The texts completed by `data`, in order, up to the first broken rule. The caller must not change the list."""
        if self._at_boundary:
            latest = _LATEST
            if data == latest.data or self._is_one_text(data):
                self.count += len(latest.texts)
                return latest.texts
        return self._feed_frames(data)

    def _feed_frames(self, data: bytes) -> list[bytes]:
        began_at_boundary, self._only_texts = self._at_boundary, True
        texts: list[bytes] = []
        try:
            texts.extend(self._texts(data))
        except ProtocolError as error:
            self.end_reason = describe(error)
        self._at_boundary = not (self._pieces or self._message != CONTINUATION or self.end_reason)
        if began_at_boundary and self._at_boundary and self._only_texts:
            _LATEST.data, _LATEST.texts = data, texts
        return texts

    def _is_one_text(self, data: bytes) -> bool:
        """The common case: exactly one unfragmented text of less than 64 KiB. `_LATEST` then holds it."""
        size = len(data)
        if size < 4 or data[0] != _FINAL_TEXT:
            return False
        start, length = 2, data[1]
        if length == 126:
            start, length = 4, data[2] << 8 | data[3]
        text = data[start:]
        if size != start + length or (start == 2) != (length < 126) or not text.isascii():
            return False
        _LATEST.data, _LATEST.texts = data, [text]
        return True

    def _texts(self, data: bytes) -> Iterator[bytes]:
        if self._pieces:
            self._pieces.append(data)
            self._available += len(data)
            if self._available < self._needed:
                return
            data = b"".join(self._pieces)
            self._pieces = []
        position, size = 0, len(data)
        while position < size and not self.end_reason:
            start, end = self._measure(data, position)
            if end > size:
                self._pieces = [data[position:]]
                self._available = size - position
                self._needed = end - position
                break
            text = self._on_frame(data[position], data[start:end])
            if text is not None:
                self.count += 1
                yield text
            position = end

    def _measure(self, data: bytes, position: int) -> tuple[int, int]:
        """Where the payload of the frame at `position` starts and ends. An end beyond the data means: not all here."""
        first = data[position]
        if first not in _FIRST_BYTES:
            raise ProtocolError("reserved bit or unknown opcode")
        if position + 2 > len(data):
            return position, position + 2
        length = data[position + 1]
        start = position + 2
        if length & 0x80:
            raise ProtocolError("masked frame from the server")
        if first & _CONTROL_BIT and (length > 125 or not first & 0x80):
            raise ProtocolError("fragmented or oversized control frame")
        if length > 125:
            start = position + (4 if length == 126 else 10)
            if start > len(data):
                return start, start
            length = _extended_length(data[position + 2 : start])
        if not first & _CONTROL_BIT and self._announced + length > MAX_MESSAGE_BYTES:
            raise ProtocolError("message too large")
        return start, start + length

    def _on_frame(self, first: int, payload: bytes) -> bytes | None:
        """The text that this frame completes, if any."""
        final, opcode = _FIRST_BYTES[first]
        if opcode & _CONTROL_BIT:
            self._only_texts = False
            self._on_control(opcode, payload)
            return None
        if (opcode == CONTINUATION) != (self._message != CONTINUATION):
            raise ProtocolError("continuation frame out of place" if opcode == CONTINUATION else "interleaved message")
        if not final:
            self._message = self._message or opcode
            self._fragments.append(payload)
            self._announced += len(payload)
            return None
        if self._fragments:
            payload = b"".join((*self._fragments, payload))
            opcode, self._message = self._message, CONTINUATION
            self._fragments, self._announced = [], 0
        if opcode == TEXT:
            _check_utf8(payload)
            return payload
        self._only_texts = False
        self.on_binary(payload)
        return None

    def _on_control(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self.outgoing += encode(PONG, payload)
        elif opcode == CLOSE:
            code = _close_code(payload)
            self.end_reason = CLOSED_BY_SERVER if code in (None, NORMAL_CLOSURE) else f"{CLOSED_BY_SERVER} ({code})"
            self.outgoing += encode(CLOSE, payload[:2])

    def take_outgoing(self) -> bytes:
        """The frames to be sent now. The next call does not return them again."""
        outgoing, self.outgoing = self.outgoing, b""
        return outgoing


def _extended_length(field: bytes) -> int:
    length = int.from_bytes(field, "big")
    if length < (126 if len(field) == 2 else 65_536):
        raise ProtocolError("length not in its shortest form")
    return length


def _check_utf8(payload: bytes) -> None:
    if not payload.isascii():
        try:
            payload.decode("utf-8")
        except UnicodeDecodeError:
            raise ProtocolError("text is not UTF-8") from None


def _close_code(payload: bytes) -> int | None:
    if not payload:
        return None
    code = int.from_bytes(payload[:2], "big")
    if len(payload) < 2 or code not in _CLOSE_CODES:
        raise ProtocolError("bad close code")
    _check_utf8(payload[2:])
    return code


class Handshake:
    """The opening handshake: `request` is to be sent, `feed` checks the answer."""

    __slots__ = ("_accept", "_received", "request")

    def __init__(self, host: str, path: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        # the GUID and the hash are RFC 6455's, section 1.3: no secret depends on them
        digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode(), usedforsecurity=False).digest()
        self._accept = base64.b64encode(digest)
        self._received = b""
        self.request = build_request(
            "GET",
            path,
            host,
            (
                ("Upgrade", "websocket"),
                ("Connection", "Upgrade"),
                ("Sec-WebSocket-Key", key),
                ("Sec-WebSocket-Version", "13"),
            ),
        )

    def feed(self, data: bytes) -> bytes | None:
        """None until the answer is complete; then the bytes that follow it, the first frames. Raises ProtocolError."""
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end > MAX_HEAD_BYTES or (end < 0 and len(self._received) > MAX_HEAD_BYTES):
            raise ProtocolError("response head too long")
        if end < 0:
            return None
        self._check(self._received[:end])
        return self._received[end + 4 :]

    def _check(self, block: bytes) -> None:
        status, headers, _ = parse_head(block)
        if status != 101:
            raise ProtocolError(f"handshake answered with status {status}")
        connection = (token.strip() for token in headers.get(b"connection", b"").lower().split(b","))
        if headers.get(b"upgrade", b"").lower() != b"websocket" or b"upgrade" not in connection:
            raise ProtocolError("handshake without upgrade")
        if headers.get(b"sec-websocket-accept") != self._accept:
            raise ProtocolError("handshake with a wrong accept key")
        if b"sec-websocket-extensions" in headers or b"sec-websocket-protocol" in headers:
            raise ProtocolError("handshake with something that was not offered")
