"""WebSocket (RFC 6455): texts are text frames, control is JSON in binary frames, upstream is `topic<TAB>text`."""

from __future__ import annotations

import msgspec

from bench.clients._cursor import format_cursor, parse_cursor
from bench.clients._frames import CLOSE, NORMAL_CLOSURE, TEXT, FrameParser, Handshake, encode
from bench.clients._subscriber import Opening, ReactorSubscriber
from bench.reactor.errors import ProtocolError


class WebSocketProtocol(FrameParser):
    """Frames with the subscriber's cursor: set by control frames, advanced by one with every text."""

    __slots__ = ("_base", "_epoch", "controls", "gaps")

    def __init__(self, after: str | None = None) -> None:
        super().__init__()
        self.gaps = 0
        self.controls = 0
        self._epoch, self._base = parse_cursor(after) if after else ("", 0)

    @property
    def cursor(self) -> str | None:
        """Where a later subscriber may resume; None before the server's first control frame."""
        return format_cursor(self._epoch, self._base + self.count) if self._epoch else None

    def on_binary(self, payload: bytes) -> None:
        try:
            control = _decode_control(payload)
            self._epoch, offset = parse_cursor(control.cursor)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise ProtocolError("bad control frame") from None
        self._base = offset - self.count
        self.controls += 1
        self.gaps += control.gap is not None


class _Control(msgspec.Struct):
    cursor: str
    gap: str | None = None


_decode_control = msgspec.json.Decoder(_Control).decode


class Client(ReactorSubscriber):
    """One WebSocket connection. The first control frame confirms the subscription and carries the cursor."""

    __slots__ = ("_handshake", "_protocol")

    def publish(self, topic: str, text: bytes) -> None:
        self._send_upstream(encode(TEXT, b"%s\t%s" % (topic.encode("ascii"), text)), text)

    def receive(self, data: bytes, now_ns: int) -> None:
        protocol = self._protocol
        for text in protocol.feed(data):  # as `_deliver`, without its call: this runs for every message
            self._own_counters.payload_received_bytes += len(text)
            self.on_text(text, now_ns)
            if self.closed:
                return
        if protocol.outgoing or protocol.end_reason:
            self._answer()

    def _begin(self) -> None:
        after = self.subscription.after
        self._cursored = self._protocol = WebSocketProtocol(after)
        path = self._path("subscribe", {"after": after} if after else {})
        self._handshake = Handshake(self.subscription.target.authority, path)
        self._request(self._handshake.request, Opening(self, self._receive_handshake))

    def _receive_handshake(self, data: bytes, now_ns: int) -> None:
        frames = self._handshake.feed(data)
        if frames is not None and self._connection is not None:
            self._step = "first control frame"
            self._connection.receiver = Opening(self, self._receive_first_frames)
            if frames:
                self._receive_first_frames(frames, now_ns)

    def _receive_first_frames(self, data: bytes, now_ns: int) -> None:
        texts = self._protocol.feed(data)
        if self._protocol.controls and self._connection is not None:
            self._connection.receiver = self
            self._confirm(now_ns)
        if self._deliver(texts, now_ns):
            self._answer()

    def _answer(self) -> None:
        if self._connection is not None and self._protocol.outgoing:
            self._connection.write(self._protocol.take_outgoing())
        if self._protocol.end_reason:
            self.lost(self._protocol.end_reason)

    def _close_gracefully(self) -> None:
        if self._connection is not None:
            if self._connection.connected:
                self._connection.write(encode(CLOSE, NORMAL_CLOSURE.to_bytes(2, "big")))
            self._connection.close_gracefully()
            self._connection = None
