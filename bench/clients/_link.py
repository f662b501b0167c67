"""One TCP connection of the reactor: non-blocking, without Nagle's delay, read by readiness callbacks."""

from __future__ import annotations

import _socket
import contextlib
import errno
from collections.abc import Callable
from time import monotonic_ns
from typing import TYPE_CHECKING

from bench.clients._errors import CLOSED_BY_SERVER, OutgoingFull, describe
from bench.clients._traffic import Segments, kernel_counters

if TYPE_CHECKING:
    from bench.clients._reactor import Reactor

OnData = Callable[[bytes, int], object]
OnLost = Callable[[str], object]
OnConnected = Callable[[int], object]

# larger reads cost nothing for small messages (measured: 4, 16 and 64 KiB within noise) and spare calls for large ones
_READ_BYTES = 65_536
MAX_OUTGOING_BYTES = 4 * 1_048_576
_PARTING_NS = 1_000_000_000
_IP_BIND_ADDRESS_NO_PORT = 24  # Linux: choose the port at connect, where it need only differ per destination


class Link:
    """A connection and its three callbacks, all called in the hub.

    on_data(data, now_ns): bytes were read at `now_ns`. May be replaced at any time.
    on_lost(reason): the connection is gone and was closed here; the last callback. Whatever `on_data` raises ends
    the connection and arrives here, described.
    on_connected(now_ns): the connection stands and what was sent meanwhile is on its way.
    """

    __slots__ = (
        "_outgoing",
        "_reactor",
        "_recv",
        "_saw_end",
        "_send",
        "_socket",
        "connected",
        "fd",
        "is_open",
        "on_connected",
        "on_data",
        "on_lost",
    )

    def __init__(
        self, reactor: Reactor, sock: _socket.socket, on_data: OnData, on_lost: OnLost, on_connected: OnConnected | None
    ) -> None:
        self._reactor = reactor
        self._socket = sock
        self._recv = sock.recv
        self._send = sock.send
        self._outgoing = bytearray()
        self._saw_end = False
        self.fd = sock.fileno()
        self.connected = False
        self.is_open = True
        self.on_data = on_data
        self.on_lost = on_lost
        self.on_connected = on_connected
        reactor.readiness.watch(self.fd, self._on_readable)
        reactor.readiness.watch_writable(self.fd, self._on_writable)

    def send(self, data: bytes) -> None:
        """Send now what the socket takes and the rest as it becomes writable. Raises OutgoingFull, taking nothing.

        Before the connection stands everything waits. On a closed link nothing happens.
        """
        if not self.is_open:
            return
        if self._outgoing or not self.connected:
            self._hold(data)
            return
        try:
            sent = self._send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._lose_soon(error)
            return
        if sent < len(data):
            self._outgoing += memoryview(data)[sent:]
            self._reactor.readiness.watch_writable(self.fd, self._on_writable)

    def close(self) -> None:
        """Close at once; no callback comes after it. Idempotent."""
        if not self.is_open:
            return
        self.is_open = False
        reactor = self._reactor
        reactor.readiness.unwatch(self.fd)
        reactor.forget(self)
        self._socket.close()

    def part(self) -> None:
        """Let what was sent reach the server and the server close first; at the latest close in a second.

        Closing with bytes unread would reset the connection and might destroy a farewell that is still on its way.
        """
        if not self.is_open:
            return
        self.on_data = _discard
        self.on_lost = _forget
        self.on_connected = None
        self._reactor.call_at(monotonic_ns() + _PARTING_NS, self.close)

    def counters(self) -> Segments | None:
        """What the kernel has counted for this connection, or None where it does not tell."""
        return kernel_counters(self._socket, saw_end=self._saw_end)

    def lose(self, reason: str) -> None:
        """Close, and say why to `on_lost`."""
        if self.is_open:
            self.close()
            self.on_lost(reason)

    def _on_readable(self) -> None:
        try:
            data = self._recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self.lose(describe(error))
            return
        if data:
            now_ns = monotonic_ns()
            try:
                self.on_data(data, now_ns)
            except Exception as error:
                self.lose(describe(error))
        else:
            self._saw_end = True
            self.lose(CLOSED_BY_SERVER)

    def _on_writable(self) -> None:
        if not self.connected and not self._finish_connecting():
            return
        if self._outgoing:
            try:
                sent = self._send(self._outgoing)
            except BlockingIOError:
                return
            except OSError as error:
                self.lose(describe(error))
                return
            del self._outgoing[:sent]
        if not self._outgoing:
            self._reactor.readiness.watch_writable(self.fd, None)

    def _finish_connecting(self) -> bool:
        failed = self._socket.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
        if failed:
            self.lose(describe(OSError(failed, "")))
            return False
        self.connected = True
        if self.on_connected is not None:
            try:
                self.on_connected(monotonic_ns())
            except Exception as error:
                self.lose(describe(error))
        return self.is_open

    def _lose_soon(self, error: OSError) -> None:
        # Not at once: the caller is in the middle of something. What the server said before it closed may still be
        # unread, and reading meets the same end.
        if error.errno not in (errno.EPIPE, errno.ECONNRESET):
            reason = describe(error)
            self._reactor.call_at(monotonic_ns(), lambda: self.lose(reason))

    def _hold(self, data: bytes) -> None:
        if len(self._outgoing) + len(data) > MAX_OUTGOING_BYTES:
            raise OutgoingFull("outgoing buffer full")
        self._outgoing += data


def start_connecting(host: str, port: int, source: str) -> _socket.socket:
    """A non-blocking socket on its way to host:port. Raises OSError for what fails at once."""
    family = _socket.AF_INET6 if ":" in host else _socket.AF_INET
    sock = _socket.socket(family, _socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        if source:
            _bind(sock, source)
        failed = sock.connect_ex((host, port))
        if failed not in (0, errno.EINPROGRESS):
            raise OSError(failed, "")
    except BaseException:
        sock.close()
        raise
    return sock


def _bind(sock: _socket.socket, source: str) -> None:
    with contextlib.suppress(OSError):  # not Linux: the port is chosen now, which only matters near 28,000 connections
        sock.setsockopt(_socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
    sock.bind((source, 0))


def _discard(_data: bytes, _now_ns: int) -> None:
    """What comes after parting is nobody's."""


def _forget(_reason: str) -> None:
    """The end of a connection that was parted from."""
