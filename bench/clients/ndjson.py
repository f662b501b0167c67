"""Newline-delimited JSON: one object per line, either a text with its id or a cursor, which may signal a gap."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bench.clients._http import StreamParser, build_request
from bench.clients._subscriber import HttpSubscriber, Opening
from bench.reactor.errors import CLOSED_BY_SERVER, ProtocolError, describe

MAX_LINE_BYTES = 16 * 1_048_576


class NdjsonProtocol:
    """The texts of one stream from the bytes of its HTTP response.

    end_reason: why no text can come any more (the server closed, or broke the rules); empty before that.
    """

    __slots__ = ("_buffered_bytes", "_line", "_stream", "cursor", "end_reason", "gaps")

    def __init__(self, after: str | None = None) -> None:
        self._stream = StreamParser()
        self._line: list[bytes] = []  # pieces of a line that is not complete yet
        self._buffered_bytes = 0
        self.cursor = after
        self.gaps = 0
        self.end_reason = ""

    @property
    def has_begun(self) -> bool:
        """Whether a response head was received, and is valid."""
        return self._stream.head is not None and not self.end_reason

    def feed(self, data: bytes) -> list[bytes]:
        """The texts completed by `data`, in order, up to the first broken rule."""
        texts: list[bytes] = []
        if self.end_reason:
            return texts
        try:
            for body in self._stream.feed(data):
                texts.extend(self._texts(body))
            self._check_status()
        except ProtocolError as error:
            self.end_reason = describe(error)
        else:
            self.end_reason = CLOSED_BY_SERVER if self._stream.ended else ""
        return texts

    def _check_status(self) -> None:
        head = self._stream.head
        if head is not None and head.status != 200:
            raise ProtocolError(f"stream answered with status {head.status}")

    def _texts(self, body: bytes) -> Iterator[bytes]:
        self._check_status()
        first, *rest = body.split(b"\n")
        self._line.append(first)
        for piece in rest:
            line = b"".join(self._line)
            self._line = [piece]
            self._buffered_bytes = 0
            if line:
                yield from self._on_line(line)
        self._buffered_bytes += len(self._line[-1])
        if self._buffered_bytes > MAX_LINE_BYTES:
            raise ProtocolError("line too large")

    def _on_line(self, line: bytes) -> Iterator[bytes]:
        try:
            fields = json.loads(line)
            if "text" in fields:
                text: bytes = fields["text"].encode()
                self.cursor = str(fields["id"])
                yield text
            else:
                self.cursor = str(fields["cursor"])
                self.gaps += "gap" in fields
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise ProtocolError("line is not of the protocol") from None


class Client(HttpSubscriber):
    """One streaming response, confirmed by its head. The protocol has no close message."""

    __slots__ = ("_protocol",)

    def receive(self, data: bytes, now_ns: int) -> None:
        protocol = self._protocol
        if self._deliver(protocol.feed(data), now_ns) and protocol.end_reason:
            self.lost(protocol.end_reason)

    def _begin(self) -> None:
        after = self.subscription.after
        self._cursored = self._protocol = NdjsonProtocol(after)
        path = self._path("subscribe", {"after": after} if after else {})
        authority = self.subscription.target.authority
        request = build_request("GET", path, authority, [("Accept", "application/x-ndjson")])
        self._request(request, Opening(self, self._receive_head))

    def _receive_head(self, data: bytes, now_ns: int) -> None:
        self.receive(data, now_ns)
        if self._protocol.has_begun and self._connection is not None:
            self._connection.receiver = self
            self._confirm(now_ns)
