"""Server-Sent Events: texts are the data of events without a type, the cursor is the last event's id."""

from __future__ import annotations

from typing import NamedTuple

from bench.clients._errors import CLOSED_BY_SERVER, ProtocolError
from bench.clients._http import Head, StreamParser, build_request
from bench.clients._link import Link
from bench.clients._subscription import Subscription
from bench.clients._upstream import Upstream

MAX_EVENT_BYTES = 16 * 1_048_576
_BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """A dispatched event. An empty type stands for "message"."""

    type: bytes
    data: bytes
    last_id: bytes


class EventStreamParser:
    """The event stream interpretation of the WHATWG's HTML standard (section 9.2.6), for every way of cutting bytes.

    All values are UTF-8; bytes that are not have been replaced by U+FFFD as the standard's decoder does: the bytes
    that end lines and fields are ASCII, at which that decoder starts anew, so values can be decoded one by one.
    last_id: the last event ID string. retry_ms: the reconnection time, if the server set one.
    """

    __slots__ = (
        "_between_events",
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
        self._between_events = False  # started, and nothing of an event is held
        self._line: list[bytes] = []  # pieces of a line that is not whole yet
        self._bytes = 0  # received since the last event ended
        self._id = b""
        self._type = b""
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> list[Event]:
        """The events dispatched by `data`, in order."""
        # the common case: one whole event of an id and a line of data
        if data.startswith(b"id: ") and data.endswith(b"\n\n") and self._between_events:
            lines = data.split(b"\n")
            if len(lines) == 4 and lines[1].startswith(b"data: ") and _is_plain(data):
                self._id = self.last_id = lines[0][4:]
                return [Event(b"", lines[1][6:], self.last_id)]
        return self._feed_any(data)

    def _feed_any(self, data: bytes) -> list[Event]:
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
        self._between_events = self._started and not (self._line or self._data or self._type or self._skip_lf)
        return events

    def _skip_byte_order_mark(self, data: bytes) -> bytes:
        data = b"".join((*self._line, data))
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._line = [data]  # too short to tell
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


def _is_plain(data: bytes) -> bool:
    return data.isascii() and b"\r" not in data and b"\0" not in data


class SseProtocol:
    """The texts of one event stream out of the bytes of its HTTP response.

    head: the response's head once it is there and in order. ended: the server has ended the response.
    """

    __slots__ = ("_after", "_events", "_stream", "gaps", "head")

    def __init__(self, after: str | None = None) -> None:
        self._after = after
        self._stream = StreamParser()
        self._events = EventStreamParser()
        self.head: Head | None = None
        self.gaps = 0

    @property
    def cursor(self) -> str | None:
        """The id of the last event; before the first one where this stream resumed; None where there are no ids."""
        return self._events.last_id.decode() or self._after

    @property
    def ended(self) -> bool:
        return self._stream.ended

    def feed(self, data: bytes) -> list[bytes]:
        """The texts completed by `data`, in order. Raises ProtocolError."""
        body = self._stream.feed(data)
        if self.head is None:
            self._check_head()
        texts = []
        for event_type, text, _ in self._events.feed(body):
            if not event_type or event_type == b"message":
                texts.append(text)
            elif event_type == b"gap":
                self.gaps += 1
        return texts

    def _check_head(self) -> None:
        head = self._stream.head
        if head is None:
            return
        if head.status != 200:
            raise ProtocolError(f"stream answered with status {head.status}")
        if head.headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"text/event-stream":
            raise ProtocolError("stream is not text/event-stream")
        self.head = head


class Client(Subscription):
    """One streaming response, confirmed by its head; where the head is late, by nothing. Upstream is HTTP."""

    _link: Link | None = None
    _upstream: Upstream | None = None

    def publish(self, topic: str, text: bytes) -> None:
        if self._upstream is None:
            self._upstream = Upstream(self.reactor, self.target, self.on_error)
        self._upstream.publish(topic, text)

    def _begin(self) -> None:
        self._tally = self.reactor.tally
        self._cursored = self._protocol = SseProtocol(self.after)
        self._feed = self._protocol.feed
        headers = [("Accept", "text/event-stream")]
        if self.after:
            headers.append(("Last-Event-ID", self.after))
        self._link = self._connect(self._on_head)
        self._link.send(build_request("GET", self._path("subscribe"), self._authority, headers))
        self._tally.requests += 1

    def _on_connected(self, now_ns: int) -> None:
        super()._on_connected(now_ns)
        if self.target.wire.get("head") == "late":
            self._confirm(None)

    def _on_head(self, data: bytes, now_ns: int) -> None:
        self._on_data(data, now_ns)
        if self._protocol.head is not None and self._link is not None:
            self._link.on_data = self._on_data
            self._confirm(now_ns)

    def _on_data(self, data: bytes, now_ns: int) -> None:
        for text in self._feed(data):
            self._tally.payload_received_bytes += len(text)
            self.on_text(text, now_ns)
            if self.closed:
                return
        if self._protocol.ended:
            self._fail(CLOSED_BY_SERVER)

    def _part(self) -> None:
        # there is no farewell in SSE: leaving is closing the connection
        self._drop()

    def _drop(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None
        if self._upstream is not None:
            self._upstream.close()
