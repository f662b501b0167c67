"""Socket.IO: a text is an event with one string; over WebSocket or Engine.IO long polling from the first request on.

A subscriber connects to the namespace and emits "subscribe" with the topic; the acknowledgement confirms it. Upstream
it emits "publish" with topic and text. The protocols are in `_socketio`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.clients import OnError, OnText, Target
from bench.clients._errors import OutgoingFull, describe
from bench.clients._http import Response
from bench.clients._socketio import TRANSPORTS, OverPolling, Session
from bench.clients._subscription import Subscription
from bench.clients._upstream import RequestQueue

if TYPE_CHECKING:
    from bench.clients._reactor import Reactor


class Client(Subscription):
    """One session over the transport `wire["transport"]`: one connection, or two where packets are sent by POST."""

    __slots__ = ("_posts", "_protocol", "_stands")

    def __init__(
        self,
        reactor: Reactor,
        target: Target,
        topic: str,
        on_text: OnText,
        on_error: OnError,
        *,
        after: str | None = None,
        phase: float = 0.0,
    ) -> None:
        super().__init__(reactor, target, topic, on_text, on_error, after=after, phase=phase)
        wire = target.wire
        session = Session(wire["namespace"], wire["event"], topic)
        self._protocol = TRANSPORTS[wire["transport"]](session, target.authority, wire["path"])
        self._stands = False  # the server has acknowledged
        self._posts: RequestQueue | None = None
        if isinstance(self._protocol, OverPolling):
            self._posts = RequestQueue(reactor, target, self._on_posted, self._on_post_failed)

    @property
    def cursor(self) -> str | None:
        return None

    def publish(self, topic: str, text: bytes) -> None:
        if not self._stands or self.closed:
            self.on_error("publish: not connected")
            return
        self._protocol.session.emit("publish", topic, text.decode("ascii"))
        try:
            self._send()
        except OutgoingFull as error:
            self.on_error(f"publish: {describe(error)}")
        else:
            self._tally.payload_sent_bytes += len(text)

    def receive(self, data: bytes, now_ns: int) -> None:
        protocol = self._protocol
        texts = protocol.feed(data)
        if not self._stands and protocol.session.subscribed:
            self._stands = True
            self._confirm(now_ns)
        if not self._deliver(texts, now_ns):
            return
        self._send()
        if protocol.over:
            self.lost(protocol.over)
            return
        if not protocol.keep_alive:
            super()._drop()
        self._ask()

    def _begin(self) -> None:
        self._ask()

    def _ask(self) -> None:
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
        elif outgoing and self._link is not None:
            self._link.write(outgoing)

    def _on_posted(self, response: Response, _now_ns: int) -> None:
        if response.status != 200:
            self._on_post_failed(f"status {response.status}")

    def _on_post_failed(self, reason: str) -> None:
        self.lost(f"post: {reason}")

    def _part(self) -> None:
        if self._link is None:
            return
        if self._link.connected:
            self._write(self._protocol.leave())
        self._link.part()
        self._link = None
        if self._posts is not None:
            self._posts.part()

    def _drop(self, *, reset: bool = False) -> None:
        super()._drop(reset=reset)
        if self._posts is not None:
            self._posts.close(reset=reset)
