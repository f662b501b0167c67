"""Bare lines: after an upgrade every text is a line, upstream is `topic<TAB>text`. The wire of the hidden variants."""

from __future__ import annotations

from bench.clients._http import MAX_HEAD_BYTES, build_request, parse_head
from bench.clients._subscriber import Opening, ReactorSubscriber
from bench.reactor.errors import ProtocolError, describe

MAX_LINE_BYTES = 16 * 1_048_576


class LinesProtocol:
    """Texts from the bytes that follow the answer to the upgrade.

    end_reason: why no text can come any more (a line was too long); empty before that.
    """

    __slots__ = ("_buffered_bytes", "_pieces", "end_reason")

    def __init__(self) -> None:
        self.end_reason = ""
        self._pieces: list[bytes] = []  # of a line that is not complete yet
        self._buffered_bytes = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The texts completed by `data`, in order."""
        texts = data.split(b"\n")
        rest = texts.pop()
        if self._pieces and texts:
            texts[0] = b"".join((*self._pieces, texts[0]))
            self._pieces.clear()
            self._buffered_bytes = 0
        if rest:
            self._buffer(rest)
        return texts

    def _buffer(self, rest: bytes) -> None:
        self._pieces.append(rest)
        self._buffered_bytes += len(rest)
        if self._buffered_bytes > MAX_LINE_BYTES:
            self.end_reason = describe(ProtocolError("line too large"))


class Upgrade:
    """The upgrade from HTTP to lines: `request` is to be sent, `feed` checks the answer."""

    __slots__ = ("_received", "request")

    def __init__(self, host: str, path: str) -> None:
        self._received = b""
        self.request = build_request("GET", path, host, (("Connection", "Upgrade"), ("Upgrade", "lines")))

    def feed(self, data: bytes) -> bytes | None:
        """None until the answer is complete; then the bytes that follow it, the first lines. Raises ProtocolError."""
        self._received += data
        block, end, lines = self._received.partition(b"\r\n\r\n")
        if len(block) > MAX_HEAD_BYTES:
            raise ProtocolError("response head too long")
        if not end:
            return None
        status, headers, _ = parse_head(block)
        if status != 101:
            raise ProtocolError(f"upgrade answered with status {status}")
        if headers.get(b"upgrade", b"").lower() != b"lines":
            raise ProtocolError("upgrade to something else")
        return lines


class Client(ReactorSubscriber):
    """One connection. The 101 confirms the subscription: the server sends it once the subscriber misses nothing."""

    __slots__ = ("_protocol", "_upgrade")

    def publish(self, topic: str, text: bytes) -> None:
        self._send_upstream(b"%s\t%s\n" % (topic.encode("ascii"), text), text)

    def receive(self, data: bytes, now_ns: int) -> None:
        protocol = self._protocol
        if self._deliver(protocol.feed(data), now_ns) and protocol.end_reason:
            self.lost(protocol.end_reason)

    def _begin(self) -> None:
        self._protocol = LinesProtocol()
        self._upgrade = Upgrade(self.subscription.target.authority, self._path("subscribe", {}))
        self._request(self._upgrade.request, Opening(self, self._receive_answer))

    def _receive_answer(self, data: bytes, now_ns: int) -> None:
        lines = self._upgrade.feed(data)
        if lines is not None and self._connection is not None:
            self._connection.receiver = self
            self._confirm(now_ns)
            if lines:
                self.receive(lines, now_ns)
