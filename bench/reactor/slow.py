"""Subscribers that read slowly: a reactor of their own, whose connections read at the speed that `read_at` sets.

What the kernel has received for such a connection waits in its receive buffer. The buffer is small, so the server soon
has to wait as well. Everything else runs as usual: requests are sent, timers expire, connections are opened. A poll
whose answer is read slowly is a slow poll.
"""

from __future__ import annotations

import _socket
from functools import partial
from time import monotonic_ns

from bench.reactor.connection import Connection, Receiver
from bench.reactor.reactor import Reactor

PORTION_NS = 100_000_000  # one read fetches the bytes of this time


class SlowConnection(Connection):
    """A connection that reads at most `portion_bytes` of its reactor at once. It learns of its end by reading."""

    __slots__ = ("_slow_reactor",)

    def __init__(self, reactor: SlowReactor, host: str, port: int, receiver: Receiver, source: str = "") -> None:
        self._slow_reactor = reactor
        super().__init__(reactor, host, port, receiver, source)

    def recv(self, size: int, flags: int = 0) -> bytes:
        portion_bytes = self._slow_reactor.portion_bytes
        if portion_bytes == 0:
            raise BlockingIOError
        return super().recv(size if portion_bytes is None else min(size, portion_bytes), flags)

    def _start_connecting(self, host: str, port: int, source: str) -> None:
        # before connecting: the window scale that the connection announces depends on it
        self.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVBUF, self._slow_reactor.receive_bytes)
        super()._start_connecting(host, port, source)


class SlowReactor(Reactor):
    """A reactor whose connections read at full speed until `read_at` sets a speed.

    receive_bytes: the size of their receive buffers.
    portion_bytes: the most that one read may fetch now; None: no limit.
    """

    def __init__(self, receive_bytes: int, *, use_epoll: bool | None = None) -> None:
        super().__init__(use_epoll=use_epoll)
        self.receive_bytes = receive_bytes
        self.portion_bytes: int | None = None
        self._speed_number = 0  # counts the calls of `read_at`

    def read_at(self, bytes_per_s: float | None) -> None:
        """From now on every connection, future ones too, reads this much per second; 0: nothing, None: full speed."""
        self._speed_number += 1
        self.portion_bytes = None
        if bytes_per_s is not None:
            self.portion_bytes = max(1, round(bytes_per_s * PORTION_NS / 1e9)) if bytes_per_s else 0
        for connection in self._connections.values():
            self.readiness.watch_readable(connection.fd, bytes_per_s is None)
        if self.portion_bytes:
            self._schedule_portion(self._speed_number, monotonic_ns() + PORTION_NS)

    def _make(self, host: str, port: int, receiver: Receiver, source: str) -> Connection:
        connection = SlowConnection(self, host, port, receiver, source)
        if self.portion_bytes is not None:
            self.readiness.watch_readable(connection.fd, False)
        return connection

    def _reads_everything(self) -> bool:
        return self.portion_bytes is None

    def _schedule_portion(self, speed_number: int, due_ns: int) -> None:
        self.call_at(due_ns, partial(self._read_portion, speed_number, due_ns))

    def _read_portion(self, speed_number: int, due_ns: int) -> None:
        """Read once on every connection, and again in a tenth of a second, until `read_at` is called again."""
        if speed_number != self._speed_number:
            return
        for connection in list(self._connections.values()):
            if connection.connected and connection.is_open:
                connection.on_readable()
        self._schedule_portion(speed_number, due_ns + PORTION_NS)
