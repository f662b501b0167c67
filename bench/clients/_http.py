"""HTTP/1.1 as a subscriber needs it, without I/O: requests as bytes, responses from bytes in any segmentation.

A response is a head and a body framed in one of four ways (RFC 9112, section 6.3, in this order):
no body (1xx, 204, 304) · `Transfer-Encoding: chunked` · `Content-Length` · everything until the connection ends.
`ResponseParser` returns complete responses; `StreamParser` reads one response whose body never ends. Bytes that break
the grammar raise ProtocolError; a parser that has raised must not be fed again.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bench.reactor.errors import ProtocolError

_BARE_LF = re.compile(rb"(?<!\r)\n").search
MAX_HEAD_BYTES = 65_536
MAX_BODY_BYTES = 40 * 1_048_576  # the answer to an Engine.IO poll holds all waiting packets, without a limit
_MAX_SIZE_LINE_BYTES = 4_096

Headers = Sequence[tuple[str, str]]


def build_request(method: str, path: str, host: str, headers: Headers = (), body: bytes | None = None) -> bytes:
    """A complete HTTP/1.1 request; with a body (even an empty one) it has a Content-Length."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode("ascii") + (body or b"")


class Head(NamedTuple):
    """A response's status line and headers; header names in lower case, repeated headers joined by a comma."""

    status: int
    headers: dict[bytes, bytes]
    keep_alive: bool


class Response(NamedTuple):
    """A complete response."""

    status: int
    headers: dict[bytes, bytes]
    keep_alive: bool
    body: bytes


_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: [^\x00\r\n]*)?").fullmatch
_NAME = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+").fullmatch
_BAD_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]").search


def parse_head(block: bytes) -> Head:
    """Parse the head of a response, without the blank line that ended it. Raises ProtocolError."""
    lines = block.split(b"\r\n")
    status, keep_alive = _parse_status_line(lines[0])
    headers: dict[bytes, bytes] = {}
    for line in lines[1:]:
        name, value = _parse_header(line)
        headers[name] = headers[name] + b", " + value if name in headers else value
    if b"connection" in headers:
        options = headers[b"connection"].lower()
        keep_alive = b"close" not in options and (keep_alive or b"keep-alive" in options)
    return Head(status, headers, keep_alive)


# Cached: most lines are the same in every answer, and checking them is most of the work.
@functools.lru_cache(maxsize=64)
def _parse_status_line(line: bytes) -> tuple[int, bool]:
    match = _STATUS_LINE(line)
    if match is None:
        raise ProtocolError("bad status line")
    return int(match[2]), match[1] == b"1"


@functools.lru_cache(maxsize=1_024)
def _parse_header(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    if not colon or _NAME(name) is None or _BAD_VALUE(value) is not None:
        raise ProtocolError("bad header line")
    return name.lower(), value.strip(b" \t")


_CHUNKED = -1
_UNTIL_END = -2


def _body_framing(head: Head) -> int:
    """The body's length in bytes, or _CHUNKED, or _UNTIL_END. Headers are checked even where they mean nothing."""
    coding = head.headers.get(b"transfer-encoding")
    if coding is not None and coding.lower() != b"chunked":
        raise ProtocolError("unknown transfer coding")
    length = head.headers.get(b"content-length")
    length_bytes = _UNTIL_END if length is None else _content_length(length)
    if head.status < 200 or head.status in (204, 304):
        return 0
    return length_bytes if coding is None else _CHUNKED


def _content_length(length: bytes) -> int:
    if b"," in length:  # repeated, which is allowed if all values are the same
        length, *others = (part.strip() for part in length.split(b","))
        if any(other != length for other in others):
            raise ProtocolError("contradicting content lengths")
    if not length.isdigit() or len(length) > 18:
        raise ProtocolError("bad content length")
    return int(length)


class _Chunks:
    """The chunked coding (RFC 9112, section 7.1): `feed` yields body bytes.

    ended: the last chunk and the trailers were received. excess: the bytes after them.
    """

    __slots__ = ("_in_trailers", "_pending", "_to_come", "_trailer_bytes", "ended", "excess")

    def __init__(self) -> None:
        self._pending = b""  # a size line, trailer line or chunk end that is not complete yet
        self._to_come = 0  # bytes of the current chunk still to come, with its final CRLF
        self._in_trailers = False
        self._trailer_bytes = 0
        self.ended = False
        self.excess = b""

    @property
    def between_chunks(self) -> bool:
        return not (self._to_come or self._pending or self._in_trailers)

    def feed(self, data: bytes) -> Iterator[bytes]:
        data, self._pending = self._pending + data, b""
        position, size = 0, len(data)
        while position < size and not self.ended:
            if self._to_come > 2:
                part = data[position : position + self._to_come - 2]
                self._to_come -= len(part)
                position += len(part)
                yield part
                continue
            end = data.find(b"\r\n", position)
            line = data[position:] if end < 0 else data[position:end]
            if self._to_come and line not in (b"", b"\r"):
                raise ProtocolError("chunk not ended by CRLF")
            if end < 0:
                self._keep(line)
                return
            position = end + 2
            self._on_line(line)
        self.excess = data[position:]

    def _keep(self, line: bytes) -> None:
        if len(line) > _MAX_SIZE_LINE_BYTES:
            raise ProtocolError("chunk size or trailer line too long")
        self._pending = line

    def _on_line(self, line: bytes) -> None:
        if self._to_come:
            self._to_come = 0
        elif not self._in_trailers:
            size = _chunk_size(line)
            self._to_come = size + 2 if size else 0
            self._in_trailers = not size
        elif line:
            self._check_trailer(line)
        else:
            self.ended = True

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
    """One response whose body is read as it comes: `feed` yields body bytes, up to the first broken rule.

    head: None until it was received. ended: the body is complete. excess: the bytes after the body.
    """

    __slots__ = ("_chunks", "_pending", "_remaining", "ended", "excess", "head")

    def __init__(self) -> None:
        self._pending = b""  # a head that is not complete yet
        self._chunks: _Chunks | None = None
        self._remaining = 0  # of a body with a length; _UNTIL_END without one
        self.head: Head | None = None
        self.ended = False
        self.excess = b""

    @property
    def between_chunks(self) -> bool:
        """Whether the next bytes begin a chunk."""
        return self._chunks is not None and not self.ended and self._chunks.between_chunks

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yields the body bytes in `data`. Raises ProtocolError after the bytes before the fault."""
        if self.head is None:
            data = self._read_head(self._pending + data)
            if self.head is None:
                return
        if self.ended:
            self.excess += data
        elif self._chunks is not None:
            yield from self._chunks.feed(data)
            self.ended, self.excess = self._chunks.ended, self._chunks.excess
        elif data:
            yield from self._read_body(data)

    def _read_head(self, data: bytes) -> bytes:
        """The bytes after the head; sets `head` when it is complete. Skips interim responses (1xx other than 101)."""
        while True:
            end = data.find(b"\r\n\r\n")
            if end > MAX_HEAD_BYTES or (end < 0 and len(data) > MAX_HEAD_BYTES):
                raise ProtocolError("response head too long")
            if end < 0:
                # a server may use it as a line end (RFC 9112, section 2.2): this parser would wait for CRLF for ever
                if _BARE_LF(data):
                    raise ProtocolError("bare LF in response head")
                self._pending = data
                return b""
            head = parse_head(data[:end])
            data = data[end + 4 :]
            self._remaining = _body_framing(head)
            if head.status >= 200 or head.status == 101:
                break
        if self._remaining == _CHUNKED:
            self._chunks = _Chunks()
        self.ended = self._remaining == 0
        self.head = head
        return data

    def _read_body(self, data: bytes) -> Iterator[bytes]:
        if self._remaining == _UNTIL_END:
            yield data
            return
        body, self.excess = data[: self._remaining], data[self._remaining :]
        self._remaining -= len(body)
        self.ended = not self._remaining
        yield body


class ResponseParser:
    """Complete responses, one after the other, from a keep-alive connection.

    A body that ends only with the connection never becomes a complete response here.
    """

    __slots__ = ("_body", "_body_bytes", "_stream")

    def __init__(self) -> None:
        self._stream: StreamParser | None = None  # of a response that has begun
        self._body: list[bytes] = []
        self._body_bytes = 0

    @property
    def has_begun(self) -> bool:
        """Whether a response has begun and is not complete yet."""
        return self._stream is not None

    def feed(self, data: bytes) -> Iterator[Response]:
        """Yields the responses completed by `data`. Raises ProtocolError after those before the fault."""
        if self._stream is None and (response := _complete_response(data)) is not None:
            yield response
            return
        while data:
            if self._stream is None:
                self._stream = StreamParser()
            stream = self._stream
            for part in stream.feed(data):
                self._add(part)
            data = stream.excess
            if stream.ended:
                yield self._finish(stream)

    def _add(self, part: bytes) -> None:
        self._body_bytes += len(part)
        if self._body_bytes > MAX_BODY_BYTES:
            raise ProtocolError("response body too large")
        self._body.append(part)

    def _finish(self, stream: StreamParser) -> Response:
        assert stream.head is not None
        response = Response(*stream.head, b"".join(self._body))
        self._stream, self._body, self._body_bytes = None, [], 0
        return response


def _complete_response(data: bytes) -> Response | None:
    """The common case: `data` is exactly one small response with a known length."""
    end = data.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES)
    if end < 0:
        return None
    head = parse_head(data[:end])
    if head.status < 200 or _body_framing(head) != len(data) - end - 4:
        return None
    return Response(*head, data[end + 4 :])
