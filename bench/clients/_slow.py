"""Subscribers that read slowly: a reactor of their own, whose links read no faster than they are told to.

What the kernel has received for such a link waits in its receive buffer, which is small, so that the server is soon
held up by it. Everything else goes on as ever: requests are sent, alarms ring, connections are made. A poll whose
answer is read slowly is a slow poll.
"""

from __future__ import annotations

import _socket
from functools import partial
from time import monotonic_ns

from bench.clients._link import Link, Receiver
from bench.clients._reactor import Reactor

PORTION_NS = 100_000_000  # a tenth of a second's bytes are read at once


class SlowLink(Link):
    """A link that reads as much at once as its reactor grants. Its end is learnt by reading, like all else."""

    __slots__ = ("_slowly",)

    def __init__(self, reactor: SlowReactor, host: str, port: int, receiver: Receiver, source: str = "") -> None:
        self._slowly = reactor
        super().__init__(reactor, host, port, receiver, source)

    def recv(self, size: int, flags: int = 0) -> bytes:
        portion_bytes = self._slowly.portion_bytes
        if portion_bytes == 0:
            raise BlockingIOError
        return super().recv(size if portion_bytes is None else min(size, portion_bytes), flags)

    def _start_connecting(self, host: str, port: int, source: str) -> None:
        # before the connection is there: the window that it announces is scaled by this
        self.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVBUF, self._slowly.receive_bytes)
        super()._start_connecting(host, port, source)


class SlowReactor(Reactor):
    """A reactor whose links read at full speed until `read_at` says otherwise, with a receive buffer of such a size.

    portion_bytes: what one read may fetch now; None: all there is.
    """

    def __init__(self, receive_bytes: int, *, use_epoll: bool | None = None) -> None:
        super().__init__(use_epoll=use_epoll)
        self.receive_bytes = receive_bytes
        self.portion_bytes: int | None = None
        self._speeds = 0  # how many there have been

    def read_at(self, bytes_per_s: float | None) -> None:
        """From now on every link, those to come as well, reads so much per second; 0: nothing, None: at full speed."""
        self._speeds += 1
        self.portion_bytes = None
        if bytes_per_s is not None:
            self.portion_bytes = max(1, round(bytes_per_s * PORTION_NS / 1e9)) if bytes_per_s else 0
        for link in self._links.values():
            self.readiness.watch_readable(link.fd, bytes_per_s is None)
        if self.portion_bytes:
            self._portion_due(self._speeds, monotonic_ns() + PORTION_NS)

    def _make(self, host: str, port: int, receiver: Receiver, source: str) -> Link:
        link = SlowLink(self, host, port, receiver, source)
        if self.portion_bytes is not None:
            self.readiness.watch_readable(link.fd, False)
        return link

    def _portion_due(self, speed: int, due_ns: int) -> None:
        self.call_at(due_ns, partial(self._read_portion, speed, due_ns))

    def _read_portion(self, speed: int, due_ns: int) -> None:
        """Read once on every link, and again in a tenth of a second, until the speed is another."""
        if speed != self._speeds:
            return
        for link in list(self._links.values()):
            if link.connected and link.is_open:
                link.on_readable()
        self._portion_due(speed, due_ns + PORTION_NS)
