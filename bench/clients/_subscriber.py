"""The life of a subscription, the same for every wire protocol: open, deliver, fail or close, each at most once."""

from __future__ import annotations

import abc
from collections.abc import Callable
from time import monotonic_ns
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

import gevent
from gevent.event import AsyncResult

from bench.clients import ConnectError, Subscriber, Subscription
from bench.clients._upstream import Upstream
from bench.reactor.connection import Connection, Receiver
from bench.reactor.errors import OutgoingFull, describe

if TYPE_CHECKING:
    from bench.reactor.reactor import Reactor

HEARTBEATS = 2  # the intervals without a byte after which a stream counts as silent


class Cursored(Protocol):
    """A protocol that knows its subscriber's position in the topic."""

    @property
    def cursor(self) -> str | None: ...

    @property
    def gaps(self) -> int: ...


class ReactorSubscriber(Subscriber):
    """A subscriber whose sockets belong to the reactor. It is the receiver of its main connection.

    An error ends the subscription: its connections are closed, then `on_error` is called once, or `open` raises if the
    subscription was not yet confirmed. Only an error of `publish` does not end it.
    `closed` is true from the first `close` or error on.
    """

    # Slots here and below, and as few objects as possible: every message meets cold memory (see `EpollReadiness`).
    __slots__ = ("_confirmation", "_connection", "_cursored", "_own_counters", "_step", "closed")

    def __init__(self, reactor: Reactor, subscription: Subscription) -> None:
        super().__init__(reactor, subscription)
        self.closed = False
        self._step = "connect"  # what `open` is waiting for, named by its ConnectError
        self._confirmation: AsyncResult | None = None  # from `open` on
        self._cursored: Cursored | None = None
        self._connection: Connection | None = None
        self._own_counters = reactor.own_counters

    @property
    def cursor(self) -> str | None:
        return self.subscription.after if self._cursored is None else self._cursored.cursor

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
                self._end()
        return None if confirmed_ns is None else confirmed_ns - started_ns

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._close_gracefully()

    def abort(self) -> None:
        if not self.closed:
            self._end(reset=True)

    def connected(self, now_ns: int) -> None:
        """The main connection is established."""
        self._step = "handshake"

    @abc.abstractmethod
    def receive(self, data: bytes, now_ns: int) -> None:
        """Bytes from the main connection."""

    def lost(self, reason: str) -> None:
        """End the subscription because of an error: the main connection has ended, or it cannot be used any more."""
        if self.closed:
            return
        self._end()
        if self._confirmation is not None and not self._confirmation.ready():
            self._confirmation.set_exception(ConnectError(f"{self._step}: {reason}"))
        else:
            self.on_error(reason)

    @abc.abstractmethod
    def _begin(self) -> None:
        """Connect and send what subscribes, without blocking."""

    def _silence_ns(self) -> int:
        """How long the server may send nothing on the main connection, from its start on; 0: for ever.

        A variant whose streams have heartbeats names their interval. One may be missing.
        """
        return round(HEARTBEATS * float(self.subscription.target.wire.get("heartbeat_s", 0)) * 1e9)

    def _close_gracefully(self) -> None:
        """Close as the protocol prescribes, without blocking; `closed` is set already. Most protocols just close."""
        self._drop()

    def _drop(self, *, reset: bool = False) -> None:
        """Close all connections at once."""
        if self._connection is not None:
            self._connection.close(reset=reset)
            self._connection = None

    def _end(self, *, reset: bool = False) -> None:
        self.closed = True
        self._drop(reset=reset)

    def _deliver(self, texts: list[bytes], now_ns: int) -> bool:
        """Hand over texts that were read at `now_ns`; whether the subscription is still open."""
        for text in texts:
            self._own_counters.payload_received_bytes += len(text)
            self.on_text(text, now_ns)
            if self.closed:
                return False
        return True

    def _send_upstream(self, framed: bytes, text: bytes) -> None:
        """Publish a text on the main connection; `framed` is the text in the protocol's framing."""
        if self._connection is None:
            self.on_error("publish: not connected")
            return
        try:
            self._connection.write(framed)
        except OutgoingFull as error:
            self.on_error(f"publish: {describe(error)}")
        else:
            self._own_counters.payload_sent_bytes += len(text)

    def _confirm(self, now_ns: int | None) -> None:
        """The server has confirmed the subscription at `now_ns`, or nothing will confirm it (None)."""
        if self._confirmation is not None and not self._confirmation.ready():
            self._confirmation.set(now_ns)

    def _request(self, request: bytes, receiver: Receiver | None = None) -> None:
        """Send an HTTP request on the main connection. Where there is none, it is opened, for `receiver`."""
        if self._connection is None:
            target = self.subscription.target
            try:
                self._connection = self.reactor.connect(target.host, target.port, receiver or self, target.source)
            except OSError as error:
                self.lost(describe(error))
                return
            self._connection.limit_silence(self._silence_ns())
        self._connection.write(request)
        self._own_counters.requests += 1

    def _path(self, route: str, query: dict[str, str]) -> str:
        """The path template of `wire` called `route` for this topic, followed by the query's other fields."""
        path = self.subscription.target.wire[route].format(topic=quote(self.subscription.topic))
        return path + "".join(f"&{name}={quote(value)}" for name, value in query.items())


class HttpSubscriber(ReactorSubscriber):
    """A subscriber that publishes by HTTP requests on a connection of their own."""

    __slots__ = ("_upstream",)

    def __init__(self, reactor: Reactor, subscription: Subscription) -> None:
        super().__init__(reactor, subscription)
        self._upstream: Upstream | None = None

    def publish(self, topic: str, text: bytes) -> None:
        if self.closed:
            self.on_error("publish: not connected")
            return
        if self._upstream is None:
            self._upstream = Upstream(self.reactor, self.subscription.target, self.on_error)
        self._upstream.publish(topic, text)

    def _drop(self, *, reset: bool = False) -> None:
        super()._drop(reset=reset)
        if self._upstream is not None:
            self._upstream.close(reset=reset)


class Opening:
    """The receiver of a subscriber's main connection until the subscription is confirmed.

    Bytes go to `receive`; the other calls go to the subscriber.
    """

    __slots__ = ("_subscriber", "receive")

    def __init__(self, subscriber: ReactorSubscriber, receive: Callable[[bytes, int], object]) -> None:
        self._subscriber = subscriber
        self.receive = receive

    def connected(self, now_ns: int) -> None:
        self._subscriber.connected(now_ns)

    def lost(self, reason: str) -> None:
        self._subscriber.lost(reason)
