"""Newline-delimited JSON: one object per line, either a text with its id or a cursor, which may signal a gap."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bench.clients._errors import CLOSED_BY_SERVER, ProtocolError, describe
from bench.clients._http import StreamParser, build_request
from bench.clients._subscription import HttpSubscription, Opening

MAX_LINE_BYTES = 16 * 1_048_576


class NdjsonProtocol:
    """The texts of one stream out of the bytes of its HTTP response.

    over: why there is nothing more to come (the server closed, or broke the rules); empty before that.
    """

    __slots__ = ("_held_bytes", "_line", "_stream", "cursor", "gaps", "over")

    def __init__(self, after: str | None = None) -> None:
        self._stream = StreamParser()
        self._line: list[bytes] = []  # pieces of a line that is not whole yet
        self._held_bytes = 0
        self.cursor = after
        self.gaps = 0
        self.over = ""

    @property
    def has_begun(self) -> bool:
        """Whether a response head is there, and in order."""
        return self._stream.head is not None and not self.over

    def feed(self, data: bytes) -> list[bytes]:
        """The texts completed by `data`, in order, up to where it broke the rules, if it did."""
        texts: list[bytes] = []
        if self.over:
            return texts
        try:
            for body in self._stream.feed(data):
                texts.extend(self._texts(body))
            self._check_status()
        except ProtocolError as error:
            self.over = describe(error)
        else:
            self.over = CLOSED_BY_SERVER if self._stream.ended else ""
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
            self._held_bytes = 0
            if line:
                yield from self._on_line(line)
        self._held_bytes += len(self._line[-1])
        if self._held_bytes > MAX_LINE_BYTES:
            raise ProtocolError("line too large")

    def _on_line(self, line: bytes) -> Iterator[bytes]:
        try:
            said = json.loads(line)
            if "text" in said:
                text: bytes = said["text"].encode()
                self.cursor = str(said["id"])
                yield text
            else:
                self.cursor = str(said["cursor"])
                self.gaps += "gap" in said
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise ProtocolError("line is not of the protocol") from None


class Client(HttpSubscription):
    """One streaming response, confirmed by its head. There is no farewell."""

    __slots__ = ("_protocol",)

    def receive(self, data: bytes, now_ns: int) -> None:
        protocol = self._protocol
        if self._deliver(protocol.feed(data), now_ns) and protocol.over:
            self.lost(protocol.over)

    def _begin(self) -> None:
        self._cursored = self._protocol = NdjsonProtocol(self.after)
        path = self._path("subscribe", {"after": self.after} if self.after else {})
        request = build_request("GET", path, self.target.authority, [("Accept", "application/x-ndjson")])
        self._request(request, Opening(self, self._receive_head))

    def _receive_head(self, data: bytes, now_ns: int) -> None:
        self.receive(data, now_ns)
        if self._protocol.has_begun and self._link is not None:
            self._link.receiver = self
            self._confirm(now_ns)
