"""One TCP connection of the reactor: non-blocking, without Nagle's delay, read by readiness callbacks."""

from __future__ import annotations

import _socket
import contextlib
import errno
import struct
from array import array
from collections.abc import Callable
from time import monotonic_ns
from typing import Protocol

from bench.reactor.counters import ConnectionCounters, kernel_counters
from bench.reactor.errors import CLOSED_BY_SERVER, OutgoingFull, describe, silent
from bench.reactor.readiness import Readiness

# larger reads cost nothing for small messages (measured: 4, 16 and 64 KiB within noise) and save calls for large ones
_READ_BYTES = 65_536
MAX_OUTGOING_BYTES = 4 * 1_048_576
GRACEFUL_CLOSE_NS = 1_000_000_000
_ABORT = struct.pack("ii", 1, 0)  # a linger time of zero: close() resets the connection (socket(7), SO_LINGER)
_FINISH = struct.pack("ii", 0, 0)  # close() sends the end of the stream
_IP_BIND_ADDRESS_NO_PORT = 24  # Linux: choose the port at connect, where it need only differ per destination


class Receiver(Protocol):
    """What a connection calls when something happens on it. All calls come from the hub."""

    def connected(self, now_ns: int) -> object:
        """The connection is established. What was written before that is sent next."""

    def receive(self, data: bytes, now_ns: int) -> object:
        """`data`, never empty, was read at `now_ns`. An exception from here closes the connection; `lost` gets its
        description."""

    def lost(self, reason: str) -> object:
        """The connection has ended and was closed here. This is the last call."""


class Owner(Protocol):
    """What a connection needs of the reactor that opened it."""

    readiness: Readiness
    unread_ns: array[int]

    def call_at(self, when_ns: int, callback: Callable[[], None]) -> None:
        """Call `callback` in the hub at `when_ns` of the monotonic clock."""

    def forget(self, connection: Connection) -> None:
        """The connection is about to close its socket."""

    def watch_silence(self) -> None:
        """Call `check_silence` of every connection about once a second from now on."""


class Connection(_socket.socket):
    """A connection and its receiver, which may be replaced at any time.

    The connection is itself the socket: one object fewer to fetch from cold memory for every message.
    """

    __slots__ = (
        "_end_received",
        "_heard_ns",
        "_outgoing",
        "_owner",
        "_silence_ns",
        "connected",
        "fd",
        "is_open",
        "receiver",
    )

    def __init__(self, owner: Owner, host: str, port: int, receiver: Receiver, source: str = "") -> None:
        super().__init__(_socket.AF_INET6 if ":" in host else _socket.AF_INET, _socket.SOCK_STREAM)
        self._owner = owner
        self._outgoing = bytearray()
        self._end_received = False
        self._heard_ns = 0  # when bytes were last read, or a limit was set
        self._silence_ns = 0  # how long nothing may be read; 0: for ever
        self.fd = self.fileno()
        self.receiver = receiver
        self.connected = False
        self.is_open = True
        try:
            self._start_connecting(host, port, source)
        except BaseException:
            super().close()
            raise
        owner.readiness.watch(self.fd, self)
        owner.readiness.watch_writable(self.fd, True)

    def write(self, data: bytes) -> None:
        """Send now what the socket takes, and the rest as it becomes writable. Raises OutgoingFull and sends nothing.

        Until the connection is established all data waits. On a closed connection this does nothing.
        """
        if not self.is_open:
            return
        if self._outgoing or not self.connected:
            self._buffer(data)
            return
        try:
            sent = self.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._fail_soon(error)
            return
        if sent < len(data):
            self._outgoing += memoryview(data)[sent:]
            self._owner.readiness.watch_writable(self.fd, True)

    def close(self, *, reset: bool = False) -> None:
        """Close at once; no callback comes after it. Idempotent.

        The server receives the end of the stream (FIN) or, with `reset`, an abort of the connection (RST).
        """
        if self.is_open:
            if not reset:
                self._linger(_FINISH)
            self.is_open = False
            self._owner.readiness.unwatch(self.fd)
            self._owner.forget(self)
            super().close()

    def close_gracefully(self) -> None:
        """Send what was written and wait for the server to close; after one second close here. No callback follows.

        Closing with bytes unread would reset the connection, and might destroy a close message on its way.
        """
        if self.is_open:
            self.receiver = _IGNORE
            self._owner.call_at(monotonic_ns() + GRACEFUL_CLOSE_NS, self.close)

    def limit_silence(self, limit_ns: int) -> None:
        """From now on the connection fails once nothing was read for `limit_ns`, or a second later; 0: never."""
        self._silence_ns = limit_ns
        if limit_ns:
            self._heard_ns = monotonic_ns()
            self._owner.watch_silence()

    def check_silence(self, now_ns: int, excused_ns: int) -> None:
        """Fail if nothing was read for too long. `excused_ns`: for this time until `now_ns` nothing could be read."""
        if self._silence_ns:
            self._heard_ns = min(self._heard_ns + excused_ns, now_ns)
            if now_ns - self._heard_ns > self._silence_ns:
                self.fail(silent(self._silence_ns))

    def counters(self) -> ConnectionCounters | None:
        """What the kernel has counted for this connection, or None where it does not report it."""
        return kernel_counters(self, end_received=self._end_received)

    def fail(self, reason: str) -> None:
        """Close, and report the reason to the receiver."""
        if self.is_open:
            self.close()
            self.receiver.lost(reason)

    def on_readable(self) -> None:
        try:
            data = self.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self.fail(describe(error))
            return
        if data:
            self._heard_ns = now_ns = monotonic_ns()
            try:
                self.receiver.receive(data, now_ns)
            except Exception as error:
                if not self.is_open:  # the receiver gets no further call, so the hub prints it
                    raise
                self.fail(describe(error))
        else:
            self._end_received = True
            self.fail(CLOSED_BY_SERVER)

    def on_writable(self) -> None:
        if not self.connected:
            self._finish_connecting()
        if self._outgoing and self.is_open:
            try:
                sent = self.send(self._outgoing)
            except BlockingIOError:
                return
            except OSError as error:
                self.fail(describe(error))
                return
            del self._outgoing[:sent]
        if not self._outgoing and self.is_open:
            self._owner.readiness.watch_writable(self.fd, False)

    def _start_connecting(self, host: str, port: int, source: str) -> None:
        self.setblocking(False)
        self.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        self._linger(_ABORT)  # at the end of this process no port waits for a minute (TIME_WAIT) and fails later trials
        if source:
            with contextlib.suppress(OSError):  # not Linux: bind chooses the port, which fails near 28,000 connections
                self.setsockopt(_socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            self.bind((source, 0))
        error_number = self.connect_ex((host, port))
        if error_number not in (0, errno.EINPROGRESS):
            raise OSError(error_number, "")

    def _linger(self, how: bytes) -> None:
        with contextlib.suppress(OSError):  # macOS raises where the peer has closed first
            self.setsockopt(_socket.SOL_SOCKET, _socket.SO_LINGER, how)

    def _finish_connecting(self) -> None:
        error_number = self.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
        if error_number:
            self.fail(describe(OSError(error_number, "")))
            return
        self.connected = True
        try:
            self.receiver.connected(monotonic_ns())
        except Exception as error:
            self.fail(describe(error))

    def _fail_soon(self, error: OSError) -> None:
        # Not at once, because the caller has not finished. After EPIPE and ECONNRESET nothing is reported here: what
        # the server sent before it closed may still be unread, and reading meets the same end.
        if error.errno not in (errno.EPIPE, errno.ECONNRESET):
            reason = describe(error)
            self._owner.call_at(monotonic_ns(), lambda: self.fail(reason))

    def _buffer(self, data: bytes) -> None:
        if len(self._outgoing) + len(data) > MAX_OUTGOING_BYTES:
            raise OutgoingFull("outgoing buffer full")
        self._outgoing += data


class _Ignore:
    """The receiver of a connection that is being closed gracefully: it ignores everything."""

    def connected(self, now_ns: int) -> None:
        pass

    def receive(self, data: bytes, now_ns: int) -> None:
        pass

    def lost(self, reason: str) -> None:
        pass


_IGNORE = _Ignore()
