"""The life of a subscription, the same for every wire protocol: open, deliver, fail or close, once each."""

from __future__ import annotations

import abc
from time import monotonic_ns
from typing import Any, Protocol
from urllib.parse import quote

import gevent
from gevent.event import AsyncResult

from bench.clients import ConnectError, Subscriber
from bench.clients._errors import describe
from bench.clients._link import Link, OnData, OnLost


class _Cursored(Protocol):
    @property
    def cursor(self) -> str | None: ...

    @property
    def gaps(self) -> int: ...


class Subscription(Subscriber):
    """A subscriber whose sockets belong to the reactor.

    An error ends the subscription: its links are closed, then `on_error` is called once, or `open` raises if it still
    waits. Only failures of `publish` are errors that leave it standing.
    `closed` is true from the first `close` or error on.
    """

    closed = False
    _step = "connect"  # what `open` is waiting for, named by its ConnectError
    _confirmation: Any = None  # an AsyncResult while `open` waits

    _cursored: _Cursored | None = None  # the protocol, where it has cursors

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
        except OSError as error:
            raise ConnectError(f"{self._step}: {describe(error)}") from error
        finally:
            if not confirmation.successful():
                self._leave()
        return None if confirmed_ns is None else confirmed_ns - started_ns

    @property
    def _authority(self) -> str:
        host = self.target.host
        return f"[{host}]:{self.target.port}" if ":" in host else f"{host}:{self.target.port}"

    def _path(self, route: str, **query: str) -> str:
        """The path template of `wire` called `route` for this topic, with what else the query says."""
        path = self.target.wire[route].format(topic=quote(self.topic))
        return path + "".join(f"&{name}={quote(value)}" for name, value in query.items())

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._part()

    @abc.abstractmethod
    def _begin(self) -> None:
        """Connect and send what subscribes, without blocking."""

    @abc.abstractmethod
    def _part(self) -> None:
        """Say farewell in the protocol's way and part from the links; `closed` is set already."""

    @abc.abstractmethod
    def _drop(self) -> None:
        """Close all links at once."""

    def _connect(self, on_data: OnData, on_lost: OnLost | None = None) -> Link:
        target = self.target
        return self.reactor.connect(
            target.host, target.port, on_data, on_lost or self._fail, self._on_connected, target.source
        )

    def _on_connected(self, _now_ns: int) -> None:
        if self._step == "connect":
            self._step = "handshake"

    def _confirm(self, now_ns: int | None) -> None:
        """The server has shown that the subscription stands (None: it does not show it)."""
        if not self._confirmation.ready():
            self._confirmation.set(now_ns)

    def _fail(self, reason: str) -> None:
        """End the subscription because of an error."""
        if self.closed:
            return
        self._leave()
        if self._confirmation.ready():
            self.on_error(reason)
        else:
            self._confirmation.set_exception(ConnectError(f"{self._step}: {reason}"))

    def _leave(self) -> None:
        self.closed = True
        self._drop()
