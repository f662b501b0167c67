"""HTTP/1.1 as a subscriber needs it, without I/O: requests as bytes, responses from bytes however they are cut.

A response is a head and a body framed in one of four ways (RFC 9112, section 6.3, in this order):
no body (1xx, 204, 304) · `Transfer-Encoding: chunked` · `Content-Length` · everything until the connection ends.
Two readers share that ground: `ResponseParser` for whole responses, `StreamParser` for one response whose body
never ends. Whatever breaks the grammar raises ProtocolError; a parser that has raised must not be fed again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from bench.clients._errors import ProtocolError

MAX_HEAD_BYTES = 65_536
MAX_BODY_BYTES = 16 * 1_048_576
_MAX_SIZE_LINE_BYTES = 4_096

HEADER_PROFILES: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType({"lean": ()})
"""What every request carries besides what it needs: nothing, or what a browser adds."""

Headers = Sequence[tuple[str, str]]


def build_request(
    method: str, path: str, host: str, headers: Headers = (), body: bytes | None = None, profile: str = "lean"
) -> bytes:
    """A complete HTTP/1.1 request; with a body (even an empty one) it has a Content-Length."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in (*HEADER_PROFILES[profile], *headers)]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode("ascii") + (body or b"")


class Head(NamedTuple):
    """A response's status line and headers; names in lower case, repeated ones joined by a comma."""

    status: int
    headers: dict[bytes, bytes]
    keep_alive: bool


class Response(NamedTuple):
    """A whole response."""

    status: int
    headers: dict[bytes, bytes]
    keep_alive: bool
    body: bytes


_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: [^\x00\r\n]*)?").fullmatch
_NAME = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+").fullmatch
_BAD_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]").search


def parse_head(block: bytes) -> Head:
    """The head of a response, without the blank line that ended it. Raises ProtocolError."""
    lines = block.split(b"\r\n")
    status_line = _STATUS_LINE(lines[0])
    if status_line is None:
        raise ProtocolError("bad status line")
    headers: dict[bytes, bytes] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or _NAME(name) is None or _BAD_VALUE(value) is not None:
            raise ProtocolError("bad header line")
        name, value = name.lower(), value.strip(b" \t")
        headers[name] = headers[name] + b", " + value if name in headers else value
    connection = headers.get(b"connection", b"").lower()
    keep_alive = b"close" not in connection and (status_line[1] == b"1" or b"keep-alive" in connection)
    return Head(int(status_line[2]), headers, keep_alive)


_CHUNKED = -1
_UNTIL_END = -2


def _body_framing(head: Head) -> int:
    """The body's length in bytes, or _CHUNKED, or _UNTIL_END."""
    if head.status < 200 or head.status in (204, 304):
        return 0
    coding = head.headers.get(b"transfer-encoding")
    if coding is not None:
        if coding.lower() != b"chunked":
            raise ProtocolError("unknown transfer coding")
        return _CHUNKED
    length = head.headers.get(b"content-length")
    if length is None:
        return _UNTIL_END
    if b"," in length:  # repeated: harmless when all say the same
        length, *others = (part.strip() for part in length.split(b","))
        if any(other != length for other in others):
            raise ProtocolError("contradicting content lengths")
    if not length.isdigit() or len(length) > 18:
        raise ProtocolError("bad content length")
    return int(length)


class _Chunks:
    """The chunked coding (RFC 9112, section 7.1). `feed` returns (body bytes, ended, bytes after the end)."""

    __slots__ = ("_in_trailers", "_pending", "_to_come", "_trailer_bytes")

    def __init__(self) -> None:
        self._pending = b""  # a size line, trailer line or chunk end that is not whole yet
        self._to_come = 0  # of the current chunk, its final CRLF included
        self._in_trailers = False
        self._trailer_bytes = 0

    @property
    def between_chunks(self) -> bool:
        return not (self._to_come or self._pending or self._in_trailers)

    def feed(self, data: bytes) -> tuple[bytes, bool, bytes]:
        if self._pending:
            data = self._pending + data
            self._pending = b""
        parts: list[bytes] = []
        position = 0
        while position < len(data):
            if self._to_come:
                position = self._take_chunk(data, position, parts)
                if position < 0:
                    break
                continue
            end = data.find(b"\r\n", position)
            if end < 0:
                self._keep(data[position:])
                break
            line, position = data[position:end], end + 2
            if self._in_trailers:
                if not line:
                    return b"".join(parts), True, data[position:]
                self._check_trailer(line)
            else:
                self._begin_chunk(line)
        return b"".join(parts), False, b""

    def _take_chunk(self, data: bytes, position: int, parts: list[bytes]) -> int:
        """Take what is there of the chunk; the position after it, -1 when the data is used up."""
        available = len(data) - position
        body = self._to_come - 2
        if available < body:
            parts.append(data[position:])
            self._to_come -= available
            return -1
        if body > 0:
            parts.append(data[position : position + body])
            position += body
            self._to_come = 2
        ending = data[position : position + 2]
        if not b"\r\n".startswith(ending):
            raise ProtocolError("chunk not ended by CRLF")
        if len(ending) < 2:
            self._pending = ending
            return -1
        self._to_come = 0
        return position + 2

    def _keep(self, line: bytes) -> None:
        if len(line) > _MAX_SIZE_LINE_BYTES:
            raise ProtocolError("chunk size or trailer line too long")
        self._pending = line

    def _begin_chunk(self, line: bytes) -> None:
        size = _chunk_size(line)
        if size:
            self._to_come = size + 2
        else:
            self._in_trailers = True

    def _check_trailer(self, line: bytes) -> None:
        self._trailer_bytes += len(line)
        if self._trailer_bytes > MAX_HEAD_BYTES:
            raise ProtocolError("trailers too long")
        name, colon, _ = line.partition(b":")
        if not colon or _NAME(name) is None:
            raise ProtocolError("bad trailer line")


_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\x00\r\n]*)?").fullmatch


def _chunk_size(line: bytes) -> int:
    match = _SIZE_LINE(line)
    if match is None:
        raise ProtocolError("bad chunk size")
    return int(match[1], 16)


class StreamParser:
    """One response whose body is read as it comes. `head` stands as soon as it was received.

    `feed` returns the body bytes that became known; `ended` says that the body is complete.
    """

    __slots__ = ("_chunks", "_pending", "_remaining", "ended", "head")

    def __init__(self) -> None:
        self._pending = b""
        self._chunks: _Chunks | None = None
        self._remaining = 0  # of a body with a length; _UNTIL_END without one
        self.head: Head | None = None
        self.ended = False

    def feed(self, data: bytes) -> bytes:
        if self.head is None:
            data = self._read_head(data)
            if self.head is None:
                return b""
        return self._read_body(data)

    @property
    def between_chunks(self) -> bool:
        """Whether the next bytes begin a chunk."""
        return self._chunks is not None and not self.ended and self._chunks.between_chunks

    def _read_head(self, data: bytes) -> bytes:
        """What follows the head; sets `head` when it is complete. Interim responses (1xx but 101) are skipped."""
        data = self._pending + data
        self._pending = b""
        while True:
            end = data.find(b"\r\n\r\n")
            if end > MAX_HEAD_BYTES or (end < 0 and len(data) > MAX_HEAD_BYTES):
                raise ProtocolError("response head too long")
            if end < 0:
                self._pending = data
                return b""
            head = parse_head(data[:end])
            data = data[end + 4 :]
            if head.status >= 200 or head.status == 101:
                break
        framing = 0 if head.status == 101 else _body_framing(head)
        if framing == _CHUNKED:
            self._chunks = _Chunks()
        self._remaining = framing
        self.ended = framing == 0
        self.head = head
        return data

    def _read_body(self, data: bytes) -> bytes:
        if self.ended:
            self._pending += data
            return b""
        if self._chunks is not None:
            body, self.ended, self._pending = self._chunks.feed(data)
        elif self._remaining == _UNTIL_END:
            body = data
        else:
            body, self._pending = data[: self._remaining], data[self._remaining :]
            self._remaining -= len(body)
            self.ended = not self._remaining
        return body

    def take_excess(self) -> bytes:
        """The bytes received after the end of the response, once."""
        excess, self._pending = self._pending, b""
        return excess


class ResponseParser:
    """Whole responses, one after the other, from a keep-alive connection.

    A body that only the end of the connection would end never becomes a whole response here.
    """

    __slots__ = ("_body", "_body_bytes", "_stream")

    def __init__(self) -> None:
        self._stream: StreamParser | None = None  # of a response that has begun
        self._body: list[bytes] = []
        self._body_bytes = 0

    def feed(self, data: bytes) -> list[Response]:
        """The responses completed by `data`, in order."""
        responses: list[Response] = []
        if self._stream is None:
            data = self._take_whole(data, responses)
        while data:
            if self._stream is None:
                self._stream = StreamParser()
            stream = self._stream
            self._add(stream.feed(data))
            data = b""
            if stream.ended:
                responses.append(self._finish(stream))
                data = stream.take_excess()
        return responses

    @staticmethod
    def _take_whole(data: bytes, responses: list[Response]) -> bytes:
        """The common case: one small response with a length, whole in one piece. Returns what is left of `data`."""
        end = data.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES)
        if end < 0:
            return data
        head = parse_head(data[:end])
        if head.status < 200 or _body_framing(head) != len(data) - end - 4:
            return data
        responses.append(Response(*head, data[end + 4 :]))
        return b""

    def _add(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > MAX_BODY_BYTES:
            raise ProtocolError("response body too large")
        self._body.append(body)

    def _finish(self, stream: StreamParser) -> Response:
        assert stream.head is not None
        response = Response(*stream.head, b"".join(self._body))
        self._stream, self._body, self._body_bytes = None, [], 0
        return response
