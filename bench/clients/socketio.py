"""Socket.IO: a text is an event with one string; over WebSocket or Engine.IO long polling from the first request on.

A subscriber connects to the namespace and emits "subscribe" with the topic; the acknowledgement confirms it. Upstream
it emits "publish" with topic and text; an event "refused" with a reason refuses it. The protocols are in `_socketio`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.clients import Subscription
from bench.clients._http import Response
from bench.clients._socketio import TRANSPORTS, OverPolling, Session
from bench.clients._subscriber import ReactorSubscriber
from bench.clients._upstream import RequestQueue
from bench.reactor.errors import OutgoingFull, describe

if TYPE_CHECKING:
    from bench.reactor.reactor import Reactor


class Client(ReactorSubscriber):
    """One session over the transport `wire["transport"]`: one connection, or two where packets are sent by POST."""

    __slots__ = ("_is_subscribed", "_posts", "_protocol")

    def __init__(self, reactor: Reactor, subscription: Subscription) -> None:
        super().__init__(reactor, subscription)
        target, wire = subscription.target, subscription.target.wire
        session = Session(wire["namespace"], wire["event"], subscription.topic)
        self._protocol = TRANSPORTS[wire["transport"]](session, target.authority, wire["path"])
        self._is_subscribed = False  # the server has acknowledged
        self._posts: RequestQueue | None = None
        if isinstance(self._protocol, OverPolling):
            self._posts = RequestQueue(reactor, target, self._on_posted, self._on_post_failed)

    @property
    def cursor(self) -> str | None:
        return None

    def publish(self, topic: str, text: bytes) -> None:
        if not self._is_subscribed or self.closed:
            self.on_error("publish: not connected")
            return
        self._protocol.session.emit("publish", topic, text.decode("ascii"))
        try:
            self._send()
        except OutgoingFull as error:
            self.on_error(f"publish: {describe(error)}")
        else:
            self._own_counters.payload_sent_bytes += len(text)

    def receive(self, data: bytes, now_ns: int) -> None:
        protocol = self._protocol
        was_open = bool(protocol.session.session_id)
        texts = protocol.feed(data)
        if not was_open and self._connection is not None:
            self._connection.limit_silence(self._silence_ns())
        if not self._is_subscribed and protocol.session.subscribed:
            self._is_subscribed = True
            self._confirm(now_ns)
        if not self._deliver(texts, now_ns):
            return
        for reason in protocol.session.take_refusals():
            self.on_error(f"publish: refused: {reason}")
        self._send()
        if protocol.end_reason:
            self.lost(protocol.end_reason)
            return
        if not protocol.keep_alive:
            super()._drop()
        self._send_request()

    def _begin(self) -> None:
        self._send_request()

    def _silence_ns(self) -> int:
        """As long as the server says: Engine.IO's ping interval and the time that it allows for a ping."""
        return self._protocol.session.silence_ms * 1_000_000

    def _send_request(self) -> None:
        """Send the request that is due, if any."""
        request = self._protocol.next_request()
        if request:
            self._request(request)

    def _send(self) -> None:
        """Send the packets that are due, if any."""
        self._write(self._protocol.take_outgoing())

    def _write(self, outgoing: bytes) -> None:
        if outgoing and self._posts is not None:
            self._posts.send(outgoing)
        elif outgoing and self._connection is not None:
            self._connection.write(outgoing)

    def _on_posted(self, response: Response, _now_ns: int) -> None:
        if response.status != 200:
            self._on_post_failed(f"status {response.status}")

    def _on_post_failed(self, reason: str) -> None:
        self.lost(f"post: {reason}")

    def _close_gracefully(self) -> None:
        if self._connection is None:
            return
        if self._connection.connected:
            self._write(self._protocol.close())
        self._connection.close_gracefully()
        self._connection = None
        if self._posts is not None:
            self._posts.close_gracefully()

    def _drop(self, *, reset: bool = False) -> None:
        super()._drop(reset=reset)
        if self._posts is not None:
            self._posts.close(reset=reset)
