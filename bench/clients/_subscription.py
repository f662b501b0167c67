"""The life of a subscription, the same for every wire protocol: open, deliver, fail or close, once each."""

from __future__ import annotations

import abc
from collections.abc import Callable
from time import monotonic_ns
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

import gevent
from gevent.event import AsyncResult

from bench.clients import ConnectError, OnError, OnText, Subscriber, Target
from bench.clients._errors import OutgoingFull, describe
from bench.clients._link import Link, Receiver
from bench.clients._upstream import Upstream

if TYPE_CHECKING:
    from bench.clients._reactor import Reactor


class Cursored(Protocol):
    """A protocol that knows where its subscriber stands."""

    @property
    def cursor(self) -> str | None: ...

    @property
    def gaps(self) -> int: ...


class Subscription(Subscriber):
    """A subscriber whose sockets belong to the reactor; the receiver of its main link.

    An error ends the subscription: its links are closed, then `on_error` is called once, or `open` raises if nothing
    had confirmed the subscription yet. Only failures of `publish` are errors that leave it standing.
    `closed` is true from the first `close` or error on.
    """

    # Slots here and below, as few objects as can be: the hot path meets cold memory (see `EpollReadiness`).
    __slots__ = ("_confirmation", "_cursored", "_link", "_step", "_tally", "closed")

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
        self.closed = False
        self._step = "connect"  # what `open` is waiting for, named by its ConnectError
        self._confirmation: AsyncResult | None = None  # from `open` on
        self._cursored: Cursored | None = None
        self._link: Link | None = None
        self._tally = reactor.tally

    @property
    def cursor(self) -> str | None:
        return self.after if self._cursored is None else self._cursored.cursor

    @property
    def gaps(self) -> int:
        return 0 if self._cursored is None else self._cursored.gaps

    def open(self, timeout_s: float = 10.0) -> int | None:
        if self.closed or self._confirmation is not None:
            raise ConnectError("a subscription is opened once")
        self._confirmation = confirmation = AsyncResult()
        started_ns = monotonic_ns()
        try:
            self._begin()
            confirmed_ns: int | None = confirmation.get(timeout=timeout_s)
        except gevent.Timeout:
            raise ConnectError(f"{self._step}: nothing within {timeout_s:g} s") from None
        finally:
            if not confirmation.successful():
                self._leave()
        return None if confirmed_ns is None else confirmed_ns - started_ns

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._part()

    def cut(self) -> None:
        if not self.closed:
            self._leave(reset=True)

    def connected(self, now_ns: int) -> None:
        """The main link stands."""
        self._step = "handshake"

    @abc.abstractmethod
    def receive(self, data: bytes, now_ns: int) -> None:
        """Bytes from the main link."""

    def lost(self, reason: str) -> None:
        """End the subscription because of an error: the main link is gone, or something else that cannot be mended."""
        if self.closed:
            return
        self._leave()
        if self._confirmation is not None and not self._confirmation.ready():
            self._confirmation.set_exception(ConnectError(f"{self._step}: {reason}"))
        else:
            self.on_error(reason)

    @abc.abstractmethod
    def _begin(self) -> None:
        """Connect and send what subscribes, without blocking."""

    def _part(self) -> None:
        """Leave in the protocol's way, without blocking; `closed` is set already. Where there is no farewell: drop."""
        self._drop()

    def _drop(self, *, reset: bool = False) -> None:
        """Close all links at once."""
        if self._link is not None:
            self._link.close(reset=reset)
            self._link = None

    def _leave(self, *, reset: bool = False) -> None:
        self.closed = True
        self._drop(reset=reset)

    def _deliver(self, texts: list[bytes], now_ns: int) -> bool:
        """Hand over texts that were read at `now_ns`; whether the subscription still stands."""
        for text in texts:
            self._tally.payload_received_bytes += len(text)
            self.on_text(text, now_ns)
            if self.closed:
                return False
        return True

    def _send_upstream(self, framed: bytes, text: bytes) -> None:
        """Publish a text on the main link, `framed` as the protocol has it there."""
        if self._link is None:
            self.on_error("publish: not connected")
            return
        try:
            self._link.write(framed)
        except OutgoingFull as error:
            self.on_error(f"publish: {describe(error)}")
        else:
            self._tally.payload_sent_bytes += len(text)

    def _confirm(self, now_ns: int | None) -> None:
        """The server has shown that the subscription stands (None: it does not show it)."""
        if self._confirmation is not None and not self._confirmation.ready():
            self._confirmation.set(now_ns)

    def _request(self, request: bytes, receiver: Receiver | None = None) -> None:
        """Send an HTTP request on the main link, which is connected first, to `receiver`, where there is none."""
        if self._link is None:
            target = self.target
            try:
                self._link = self.reactor.connect(target.host, target.port, receiver or self, target.source)
            except OSError as error:
                self.lost(describe(error))
                return
        self._link.write(request)
        self._tally.requests += 1

    def _path(self, route: str, query: dict[str, str]) -> str:
        """The path template of `wire` called `route` for this topic, with what else the query says."""
        path = self.target.wire[route].format(topic=quote(self.topic))
        return path + "".join(f"&{name}={quote(value)}" for name, value in query.items())


class HttpSubscription(Subscription):
    """A subscription whose way upstream is an HTTP request."""

    __slots__ = ("_upstream",)

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
        self._upstream: Upstream | None = None

    def publish(self, topic: str, text: bytes) -> None:
        if self.closed:
            self.on_error("publish: not connected")
            return
        if self._upstream is None:
            self._upstream = Upstream(self.reactor, self.target, self.on_error)
        self._upstream.publish(topic, text)

    def _drop(self, *, reset: bool = False) -> None:
        super()._drop(reset=reset)
        if self._upstream is not None:
            self._upstream.close(reset=reset)


class Opening:
    """The receiver of a subscription's main link until it stands: the rest of its calls go to the subscription."""

    __slots__ = ("_subscription", "receive")

    def __init__(self, subscription: Subscription, receive: Callable[[bytes, int], object]) -> None:
        self._subscription = subscription
        self.receive = receive

    def connected(self, now_ns: int) -> None:
        self._subscription.connected(now_ns)

    def lost(self, reason: str) -> None:
        self._subscription.lost(reason)
