"""Server-Sent Events: texts are the data of events without a type, the cursor is the last event's id."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from bench.clients._http import Head, StreamParser, build_request
from bench.clients._subscriber import HttpSubscriber, Opening
from bench.reactor.errors import CLOSED_BY_SERVER, ProtocolError, describe

MAX_EVENT_BYTES = 16 * 1_048_576
_BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """A dispatched event. An empty type stands for "message"."""

    type: bytes
    data: bytes
    last_id: bytes


class EventStreamParser:
    """The event stream interpretation of the WHATWG's HTML standard (section 9.2.6), for bytes in any segmentation.

    All values are UTF-8. Invalid bytes are replaced by U+FFFD as the standard's decoder does. Values can be decoded one
    by one, because the bytes that end lines and fields are ASCII, at which that decoder starts anew.
    last_id: the last event ID string. retry_ms: the reconnection time, if the server set one.
    """

    __slots__ = (
        "_bytes",
        "_data",
        "_id",
        "_line",
        "_skip_lf",
        "_started",
        "_type",
        "last_id",
        "retry_ms",
    )

    def __init__(self) -> None:
        self.last_id = b""
        self.retry_ms: int | None = None
        self._started = False  # past the place where a byte order mark is skipped
        self._skip_lf = False  # the last byte was CR: an LF next belongs to it
        self._line: list[bytes] = []  # pieces of a line that is not complete yet
        self._bytes = 0  # received since the last event ended
        self._id = b""
        self._type = b""
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> list[Event]:
        """The events dispatched by `data`, in order."""
        if not self._started:
            data = self._skip_byte_order_mark(data)
        if self._skip_lf and data:
            self._skip_lf = False
            data = data.removeprefix(b"\n")
        if data.endswith(b"\r"):
            self._skip_lf = True
        self._bytes += len(data)
        lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        events: list[Event] = []
        if len(lines) > 1:
            lines[0] = b"".join((*self._line, lines[0]))
            self._line = []
            for line in lines[:-1]:
                self._on_line(line, events)
        if lines[-1]:
            self._line.append(lines[-1])
        if self._bytes > MAX_EVENT_BYTES:
            raise ProtocolError("event too large")
        return events

    @property
    def between_events(self) -> bool:
        """Whether the next bytes mean the same as if nothing had been received but the last event ID."""
        unfinished = self._line or self._data or self._type or self._skip_lf or self._id != self.last_id
        return self._started and not unfinished

    def resume(self, last_id: bytes) -> None:
        """Continue between two events with this last event ID, as after an event that was parsed elsewhere."""
        self.last_id = self._id = last_id

    def _skip_byte_order_mark(self, data: bytes) -> bytes:
        data = b"".join((*self._line, data))
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._line = [data]  # too short to decide
            return b""
        self._line = []
        self._started = True
        return data.removeprefix(_BOM)

    def _on_line(self, line: bytes, events: list[Event]) -> None:
        if not line:
            self._dispatch(events)
            return
        name, _, value = line.partition(b":")  # a comment has no name
        value = value.removeprefix(b" ")
        if not value.isascii():
            value = value.decode("utf-8", "replace").encode()
        if name == b"data":
            self._data.append(value)
        elif name == b"id":
            if b"\0" not in value:
                self._id = value
        elif name == b"event":
            self._type = value
        elif name == b"retry" and value.isdigit():
            self.retry_ms = int(value[:18])

    def _dispatch(self, events: list[Event]) -> None:
        self.last_id = self._id
        self._bytes = 0
        if self._data:
            events.append(Event(self._type, b"\n".join(self._data), self.last_id))
            self._data = []
        self._type = b""


# The common case, matched at once through both layers: one chunk that is one event of one line of data, perhaps with an
# id. Anything else (another field, another line end, a byte that is not printable ASCII) is left to the layers.
_COMMON_CASE = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n(?:id: ?([ -~]*)\n)?data: ?([ -~]*)\n\n\r\n").fullmatch


class _Latest:
    """The bytes that were last parsed as complete events and nothing else, and the texts and id in them.

    In a broadcast the next subscriber receives the same bytes. last_id: None where they set none.
    """

    __slots__ = ("data", "last_id", "texts")

    def __init__(self) -> None:
        self.data = b""
        self.last_id: bytes | None = None
        self.texts: list[bytes] = []


_LATEST = _Latest()


class SseProtocol:
    """The texts of one event stream from the bytes of its HTTP response.

    head: the response's head, once it was received and is valid.
    end_reason: why no text can come any more (the server closed, or broke the rules); empty before that.
    """

    __slots__ = ("_after", "_at_boundary", "_events", "_last_id", "_stream", "end_reason", "gaps", "head")

    def __init__(self, after: str | None = None) -> None:
        self._after = after
        self._stream = StreamParser()
        self._events = EventStreamParser()
        self._last_id = b""
        self._at_boundary = False  # the next bytes begin a chunk and an event
        self.head: Head | None = None
        self.end_reason = ""
        self.gaps = 0

    @property
    def cursor(self) -> str | None:
        """The id of the last event; before the first one the id resumed after; None where there are no ids."""
        return self._last_id.decode() or self._after

    @property
    def retry_s(self) -> float | None:
        """The reconnection time, if the server set one."""
        retry_ms = self._events.retry_ms
        return None if retry_ms is None else retry_ms / 1000

    def feed(self, data: bytes) -> list[bytes]:
        """The texts completed by `data`, in order, up to the first broken rule. The caller must not change the list."""
        if self._at_boundary:
            latest = _LATEST
            if data == latest.data or _is_common_case(data):
                if latest.last_id is not None:
                    self._last_id = latest.last_id
                return latest.texts
        return self._feed_layers(data)

    def _feed_layers(self, data: bytes) -> list[bytes]:
        began_at_boundary, last_id, gaps = self._at_boundary, self._last_id, self.gaps
        if began_at_boundary:
            self._events.resume(last_id)
        texts: list[bytes] = []
        if self.end_reason:
            return texts
        try:
            for body in self._stream.feed(data):
                texts.extend(self._texts(body))
            self._check_head()
        except ProtocolError as error:
            self.end_reason = describe(error)
        else:
            self.end_reason = CLOSED_BY_SERVER if self._stream.ended else ""
        self._last_id = self._events.last_id
        self._at_boundary = self._stream.between_chunks and self._events.between_events and not self.end_reason
        if began_at_boundary and self._at_boundary and gaps == self.gaps and b"retry" not in data:
            self._remember(data, texts, last_id)
        return texts

    def _remember(self, data: bytes, texts: list[bytes], earlier_id: bytes) -> None:
        """Keep in `_LATEST` what certainly sets an id or certainly sets none: `data` may repeat the earlier id."""
        if self._last_id != earlier_id:
            _LATEST.data, _LATEST.last_id, _LATEST.texts = data, self._last_id, texts
        elif b"id" not in data:
            _LATEST.data, _LATEST.last_id, _LATEST.texts = data, None, texts

    def _texts(self, body: bytes) -> Iterator[bytes]:
        self._check_head()
        for event_type, text, _ in self._events.feed(body):
            if not event_type or event_type == b"message":
                yield text
            elif event_type == b"gap":
                self.gaps += 1

    def _check_head(self) -> None:
        head = self._stream.head
        if head is None or self.head is not None:
            return
        if head.status != 200:
            raise ProtocolError(f"stream answered with status {head.status}")
        if head.headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"text/event-stream":
            raise ProtocolError("stream is not text/event-stream")
        self.head = head


def _is_common_case(data: bytes) -> bool:
    """Whether this is the common case. `_LATEST` then holds it."""
    match = _COMMON_CASE(data)
    if match is None:
        return False
    size, last_id, text = match.groups()
    if len(data) != len(size) + int(size, 16) + 4:
        return False
    _LATEST.data, _LATEST.last_id, _LATEST.texts = data, last_id, [text]
    return True


class Client(HttpSubscriber):
    """One streaming response, confirmed by its head; if the head comes late, by nothing.

    The protocol has no close message.
    """

    __slots__ = ("_protocol",)

    @property
    def retry_s(self) -> float | None:
        protocol = self._cursored
        return protocol.retry_s if isinstance(protocol, SseProtocol) else None

    def connected(self, now_ns: int) -> None:
        super().connected(now_ns)
        if self.subscription.target.wire.get("head") == "late":
            self._confirm(None)

    def receive(self, data: bytes, now_ns: int) -> None:
        protocol = self._protocol
        for text in protocol.feed(data):  # as `_deliver`, without its call: this runs for every message
            self._own_counters.payload_received_bytes += len(text)
            self.on_text(text, now_ns)
            if self.closed:
                return
        if protocol.end_reason:
            self.lost(protocol.end_reason)

    def _begin(self) -> None:
        target, after = self.subscription.target, self.subscription.after
        self._cursored = self._protocol = SseProtocol(after)
        headers = [("Accept", "text/event-stream")]
        if after:
            headers.append(("Last-Event-ID", after))
        request = build_request("GET", self._path("subscribe", {}), target.authority, headers)
        self._request(request, Opening(self, self._receive_head))

    def _receive_head(self, data: bytes, now_ns: int) -> None:
        texts = self._protocol.feed(data)
        if self._protocol.head is not None and self._connection is not None:
            self._connection.receiver = self
            self._confirm(now_ns)
        if self._deliver(texts, now_ns) and self._protocol.end_reason:
            self.lost(self._protocol.end_reason)
