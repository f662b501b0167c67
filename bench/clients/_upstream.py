"""HTTP upstream: requests over a keep-alive connection of their own, opened on first use, one at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import monotonic_ns
from typing import TYPE_CHECKING
from urllib.parse import quote

from bench.clients import OnError, Target
from bench.clients._errors import GONE, OutgoingFull, ProtocolError, describe
from bench.clients._http import Headers, Response, ResponseParser, build_request
from bench.clients._link import MAX_OUTGOING_BYTES, PARTING_NS, Link

if TYPE_CHECKING:
    from bench.clients._reactor import Reactor


class RequestQueue:
    """A keep-alive connection on which requests wait for each other's answers.

    A lost connection fails the request that was on its way, and the next one opens another. What fails reaches
    `on_error`; every answer, of whatever status, reaches `on_response`.
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
        self._link: Link | None = None
        self._parser = ResponseParser()
        self._is_busy = False
        self._is_closed = False
        self._is_parting = False

    def send(self, request: bytes) -> None:
        """Send it when those before it are answered. Raises OutgoingFull if too much is waiting already."""
        if self._is_closed or self._is_parting:
            return
        if self._waiting_bytes + len(request) > MAX_OUTGOING_BYTES:
            raise OutgoingFull("outgoing buffer full")
        self._waiting.append(request)
        self._waiting_bytes += len(request)
        if not self._is_busy:
            self._send_next()

    def close(self, *, reset: bool = False) -> None:
        """Close the connection; what waits is dropped, and no callback comes after it."""
        self._is_closed = True
        self._waiting.clear()
        if self._link is not None:
            self._link.close(reset=reset)
            self._link = None

    def part(self) -> None:
        """Close when all that waits is answered, at the latest in a second. No callback comes after it."""
        self._on_response, self._on_error = _ignore, _ignore
        self._is_parting = True
        if self._is_busy:
            self._reactor.call_at(monotonic_ns() + PARTING_NS, self.close)
        else:
            self.close()

    def _send_next(self) -> None:
        while self._waiting and not self._is_busy:
            request = self._waiting.popleft()
            self._waiting_bytes -= len(request)
            try:
                if self._link is None:
                    target = self._target
                    self._parser = ResponseParser()
                    self._link = self._reactor.connect(target.host, target.port, self, target.source)
                self._link.write(request)
            except OSError as error:
                self._on_error(f"connect: {describe(error)}")
                continue
            self._reactor.tally.requests += 1
            self._is_busy = True

    def connected(self, now_ns: int) -> None:
        """The link stands: nothing to do, what waits is on its way."""

    def receive(self, data: bytes, now_ns: int) -> None:
        for response in self._parser.feed(data):
            if not self._is_busy:
                raise ProtocolError("answer without a request")
            self._is_busy = False
            if not response.keep_alive and self._link is not None:
                self._link.close()
                self._link = None
            self._on_response(response, now_ns)
        self._go_on()

    def lost(self, reason: str) -> None:
        self._link = None
        # a keep-alive connection that ends while no request is on its way harms nobody: the next request opens another
        if self._is_busy or reason not in GONE:
            self._is_busy = False
            self._on_error(reason)
        self._go_on()

    def _go_on(self) -> None:
        self._send_next()
        if self._is_parting and not self._is_busy:
            self.close()


def _ignore(*_: object) -> None:
    """What is still answered after parting is nobody's."""


class Upstream:
    """Publishing by `POST {wire["upstream"]}`; every failure reaches `on_error`, as "publish: ..."."""

    def __init__(self, reactor: Reactor, target: Target, on_error: OnError) -> None:
        self._tally = reactor.tally
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
            self._tally.payload_sent_bytes += len(text)

    def _on_response(self, response: Response, _now_ns: int) -> None:
        if not 200 <= response.status < 300:
            self._on_error(f"status {response.status}")

    def _on_error(self, reason: str) -> None:
        self._report(f"publish: {reason}")
