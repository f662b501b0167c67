"""HTTP requests on a connection of their own, opened on first use, one at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import monotonic_ns
from typing import TYPE_CHECKING
from urllib.parse import quote

from bench.clients import OnError, Target
from bench.clients._http import Headers, Response, ResponseParser, build_request
from bench.reactor.connection import GRACEFUL_CLOSE_NS, MAX_OUTGOING_BYTES, Connection
from bench.reactor.errors import ENDED_BY_PEER, OutgoingFull, ProtocolError, describe

if TYPE_CHECKING:
    from bench.reactor.reactor import Reactor

ANSWER_S = 15.0
BYTE_NS = 1_000_000  # for each byte of a request: an eighth of the speed of the slowest path


class RequestQueue:
    """A keep-alive connection on which each request waits for the answer to the one before.

    A lost connection fails the request that is unanswered, and so does an answer that takes longer than ANSWER_S; the
    next request opens another connection. Failures
    reach `on_error`; every answer, of whatever status, reaches `on_response`.
    """

    def __init__(
        self, reactor: Reactor, target: Target, on_response: Callable[[Response, int], object], on_error: OnError
    ) -> None:
        self._reactor = reactor
        self._target = target
        self._on_response = on_response
        self._on_error = on_error
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._connection: Connection | None = None
        self._parser = ResponseParser()
        self._is_busy = False
        self._is_closed = False
        self._is_closing = False

    def send(self, request: bytes) -> None:
        """Send it once the requests before it are answered. Raises OutgoingFull if too much is waiting already."""
        if self._is_closed or self._is_closing:
            return
        if self._waiting_bytes + len(request) > MAX_OUTGOING_BYTES:
            raise OutgoingFull("outgoing buffer full")
        self._waiting.append(request)
        self._waiting_bytes += len(request)
        if not self._is_busy:
            self._send_next()

    def close(self, *, reset: bool = False) -> None:
        """Close the connection. Waiting requests are dropped, and no callback comes after it."""
        self._is_closed = True
        self._waiting.clear()
        if self._connection is not None:
            self._connection.close(reset=reset)
            self._connection = None

    def close_gracefully(self) -> None:
        """Close when all waiting requests are answered, after one second at the latest. No callback comes after it."""
        self._on_response, self._on_error = _ignore, _ignore
        self._is_closing = True
        if self._is_busy:
            self._reactor.call_at(monotonic_ns() + GRACEFUL_CLOSE_NS, self.close)
        else:
            self.close()

    def _send_next(self) -> None:
        while self._waiting and not self._is_busy:
            request = self._waiting.popleft()
            self._waiting_bytes -= len(request)
            try:
                if self._connection is None:
                    target = self._target
                    self._parser = ResponseParser()
                    self._connection = self._reactor.connect(target.host, target.port, self, target.source)
                self._connection.limit_silence(round(ANSWER_S * 1e9) + BYTE_NS * len(request))
                self._connection.write(request)
            except OSError as error:
                self._on_error(f"connect: {describe(error)}")
                continue
            self._reactor.own_counters.requests += 1
            self._is_busy = True

    def connected(self, now_ns: int) -> None:
        """The connection is established. It sends the buffered request by itself."""

    def receive(self, data: bytes, now_ns: int) -> None:
        for response in self._parser.feed(data):
            if not self._is_busy:
                raise ProtocolError("answer without a request")
            self._is_busy = False
            if self._connection is not None:
                self._connection.limit_silence(0)
            if not response.keep_alive and self._connection is not None:
                self._connection.close()
                self._connection = None
            self._on_response(response, now_ns)
        self._continue()

    def lost(self, reason: str) -> None:
        self._connection = None
        # A server may close a keep-alive connection while no request is unanswered: the next request opens another.
        if self._is_busy or reason not in ENDED_BY_PEER:
            self._is_busy = False
            self._on_error(reason)
        self._continue()

    def _continue(self) -> None:
        self._send_next()
        if self._is_closing and not self._is_busy:
            self.close()


def _ignore(*_: object) -> None:
    """What the server answers after `close_gracefully` is ignored."""


class Upstream:
    """Publishes by `POST {wire["upstream"]}`; every failure reaches `on_error`, as "publish: ..."."""

    def __init__(self, reactor: Reactor, target: Target, on_error: OnError) -> None:
        self._own_counters = reactor.own_counters
        self._path = target.wire["upstream"]
        self._host = target.authority
        self._report = on_error
        self._queue = RequestQueue(reactor, target, self._on_response, self._on_error)
        self.close = self._queue.close

    def publish(self, topic: str, text: bytes) -> None:
        """Send one text, after those that were published before it."""
        headers: Headers = (("Content-Type", "text/plain"),)
        path = self._path.format(topic=quote(topic))
        try:
            self._queue.send(build_request("POST", path, self._host, headers, text))
        except OutgoingFull as error:
            self._on_error(describe(error))
        else:
            self._own_counters.payload_sent_bytes += len(text)

    def _on_response(self, response: Response, _now_ns: int) -> None:
        if not 200 <= response.status < 300:
            self._on_error(f"status {response.status}")

    def _on_error(self, reason: str) -> None:
        self._report(f"publish: {reason}")
