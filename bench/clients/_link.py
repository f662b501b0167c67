"""One TCP connection of the reactor: non-blocking, without Nagle's delay, read by readiness callbacks."""

from __future__ import annotations

import _socket
import contextlib
import errno
import struct
from time import monotonic_ns
from typing import TYPE_CHECKING, Protocol

from bench.clients._errors import CLOSED_BY_SERVER, OutgoingFull, describe
from bench.clients._traffic import Segments, kernel_counters

if TYPE_CHECKING:
    from bench.clients._reactor import Reactor

# larger reads cost nothing for small messages (measured: 4, 16 and 64 KiB within noise) and spare calls for large ones
_READ_BYTES = 65_536
MAX_OUTGOING_BYTES = 4 * 1_048_576
PARTING_NS = 1_000_000_000
_ABORT = struct.pack("ii", 1, 0)  # linger for no time at all (socket(7), SO_LINGER)
_IP_BIND_ADDRESS_NO_PORT = 24  # Linux: choose the port at connect, where it need only differ per destination


class Receiver(Protocol):
    """Who is told what happens on a link. All is called in the hub."""

    def connected(self, now_ns: int) -> object:
        """The connection stands. What was sent meanwhile goes out next."""

    def receive(self, data: bytes, now_ns: int) -> object:
        """`data`, never empty, was read at `now_ns`. What this raises ends the link and reaches `lost`, described."""

    def lost(self, reason: str) -> object:
        """The connection is gone and was closed here: the last call."""


class Link(_socket.socket):
    """A connection and its receiver, which may be replaced at any time.

    It is its own socket: one object fewer to fetch from cold memory for every message.
    """

    __slots__ = ("_outgoing", "_reactor", "_saw_end", "connected", "fd", "is_open", "receiver")

    def __init__(self, reactor: Reactor, host: str, port: int, receiver: Receiver, source: str = "") -> None:
        super().__init__(_socket.AF_INET6 if ":" in host else _socket.AF_INET, _socket.SOCK_STREAM)
        self._reactor = reactor
        self._outgoing = bytearray()
        self._saw_end = False
        self.fd = self.fileno()
        self.receiver = receiver
        self.connected = False
        self.is_open = True
        try:
            self._start_connecting(host, port, source)
        except BaseException:
            super().close()
            raise
        reactor.readiness.watch(self.fd, self)
        reactor.readiness.watch_writable(self.fd, True)

    def write(self, data: bytes) -> None:
        """Send now what the socket takes and the rest as it becomes writable. Raises OutgoingFull, taking nothing.

        Before the connection stands everything waits. On a closed link nothing happens.
        """
        if not self.is_open:
            return
        if self._outgoing or not self.connected:
            self._hold(data)
            return
        try:
            sent = self.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._lose_soon(error)
            return
        if sent < len(data):
            self._outgoing += memoryview(data)[sent:]
            self._reactor.readiness.watch_writable(self.fd, True)

    def close(self, *, reset: bool = False) -> None:
        """Close at once; no callback comes after it. Idempotent.

        The server is told that nothing more comes (FIN) or, with `reset`, that the connection was aborted (RST).
        """
        if self.is_open:
            if reset:
                with contextlib.suppress(OSError):  # not where the peer was first (macOS)
                    self.setsockopt(_socket.SOL_SOCKET, _socket.SO_LINGER, _ABORT)
            self.is_open = False
            self._reactor.readiness.unwatch(self.fd)
            self._reactor.forget(self)
            super().close()

    def part(self) -> None:
        """Let what was sent reach the server and the server close first; at the latest close in a second.

        Closing with bytes unread would reset the connection and might destroy a farewell that is still on its way.
        """
        if self.is_open:
            self.receiver = _NOBODY
            self._reactor.call_at(monotonic_ns() + PARTING_NS, self.close)

    def counters(self) -> Segments | None:
        """What the kernel has counted for this connection, or None where it does not tell."""
        return kernel_counters(self, saw_end=self._saw_end)

    def lose(self, reason: str) -> None:
        """Close, and say why to the receiver."""
        if self.is_open:
            self.close()
            self.receiver.lost(reason)

    def on_readable(self) -> None:
        try:
            data = self.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self.lose(describe(error))
            return
        if data:
            now_ns = monotonic_ns()
            try:
                self.receiver.receive(data, now_ns)
            except Exception as error:
                if not self.is_open:  # nobody is left to be told but the hub
                    raise
                self.lose(describe(error))
        else:
            self._saw_end = True
            self.lose(CLOSED_BY_SERVER)

    def on_writable(self) -> None:
        if not self.connected:
            self._finish_connecting()
        if self._outgoing and self.is_open:
            try:
                sent = self.send(self._outgoing)
            except BlockingIOError:
                return
            except OSError as error:
                self.lose(describe(error))
                return
            del self._outgoing[:sent]
        if not self._outgoing and self.is_open:
            self._reactor.readiness.watch_writable(self.fd, False)

    def _start_connecting(self, host: str, port: int, source: str) -> None:
        self.setblocking(False)
        self.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        if source:
            with contextlib.suppress(OSError):  # not Linux: the port is chosen now, which matters near 28,000 of them
                self.setsockopt(_socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            self.bind((source, 0))
        failed = self.connect_ex((host, port))
        if failed not in (0, errno.EINPROGRESS):
            raise OSError(failed, "")

    def _finish_connecting(self) -> None:
        failed = self.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
        if failed:
            self.lose(describe(OSError(failed, "")))
            return
        self.connected = True
        try:
            self.receiver.connected(monotonic_ns())
        except Exception as error:
            self.lose(describe(error))

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


class _Nobody:
    """The receiver of a link that was parted from: what still comes is nobody's."""

    def connected(self, now_ns: int) -> None:
        pass

    def receive(self, data: bytes, now_ns: int) -> None:
        pass

    def lost(self, reason: str) -> None:
        pass


_NOBODY = _Nobody()
