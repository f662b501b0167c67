"""One connection over a path: two sockets, and the bytes on their way between them."""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from bench.paths import Lane, Path, Unrest, handshake_ns, reset_ns
from bench.proxy._loop import Loop

HOST = "127.0.0.1"
READ_BYTES = 65_536
MOST_WAITING_BYTES = 65_536  # in one direction; reading goes on when half of them are written
_IP_BIND_ADDRESS_NO_PORT = 24  # Linux: choose the port at connect, where it need only differ per destination
_RESET, _FINISH = struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)  # SO_LINGER: what closing sends


@dataclass(slots=True)
class Counts:
    """What a proxy has done so far. `stalls` counts those of closed connections only."""

    connections: int = 0
    resets: int = 0
    stalls: int = 0
    pieces: int = 0


class Flow:
    """One direction of a connection: the bytes that were read at one end and are still to be written at the other."""

    __slots__ = ("_alarm_ns", "_connection", "_on_alarm", "_waiting", "_waiting_bytes", "blocked", "ended", "full",
                 "lane", "sink", "source")  # fmt: skip

    def __init__(self, connection: Connection, source: socket.socket, sink: socket.socket, lane: Lane) -> None:
        self._connection = connection
        self.source, self.sink, self.lane = source, sink, lane
        self._waiting: deque[tuple[int, bytes]] = deque()  # the last piece is empty: the end of the stream
        self._waiting_bytes = 0
        self._alarm_ns = 0
        self._on_alarm = connection.guarded(self.write)
        self.ended = False  # the source has sent its last byte
        self.full = False  # too many bytes wait to be written
        self.blocked = False  # the sink accepts no bytes for now

    @property
    def over(self) -> bool:
        """Whether all bytes and the end of the stream have been written."""
        return self.ended and not self._waiting

    def read(self) -> None:
        """Read from the source."""
        try:
            data = self.source.recv(READ_BYTES)
        except BlockingIOError:
            return
        now_ns = self._connection.loop.now_ns
        if data:
            pieces = list(self.lane.feed(data, now_ns))
            self._connection.counts.pieces += len(pieces)
            self._waiting.extend(pieces)
            self._waiting_bytes += len(data)
            self.full = self._waiting_bytes > MOST_WAITING_BYTES
        else:
            self._waiting.append((self.lane.end(now_ns), b""))
            self.ended = True
        self.write()

    def write(self) -> None:
        """Write the pieces that are due, as far as the sink accepts them."""
        now_ns = self._connection.loop.now_ns
        waiting = self._waiting
        self.blocked = False
        while waiting and waiting[0][0] <= now_ns:
            due_ns, piece = waiting.popleft()
            if not piece:
                self.sink.shutdown(socket.SHUT_WR)
                break
            try:
                sent = self.sink.send(piece)
            except BlockingIOError:
                sent = 0
            self._waiting_bytes -= sent
            if sent < len(piece):
                waiting.appendleft((due_ns, piece[sent:]))
                self.blocked = True
                break
        if self._waiting_bytes <= MOST_WAITING_BYTES // 2:
            self.full = False
        if waiting and not self.blocked and waiting[0][0] != self._alarm_ns:
            self._alarm_ns = waiting[0][0]
            self._connection.loop.call_at(self._alarm_ns, self._on_alarm)


class Connection:
    """The connection of a subscriber, and the connection to the server that belongs to it."""

    def __init__(self, loop: Loop, near: socket.socket, address: str, port: int, path: Path, seed: str, counts: Counts,
                 closed: Callable[[Connection], None]) -> None:  # fmt: skip
        """Connect to the server from the address of the subscriber: one address has not enough ports for all. Raises
        OSError if that cannot be done."""
        self.loop, self.counts = loop, counts
        self._path, self._seed, self._closed = path, seed, closed
        self._opened_ns = loop.now_ns
        self._near, self._far = near, socket.socket()
        self._connected = self._over = False
        for one in (near, self._far):
            one.setblocking(False)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _linger(one, _RESET)  # at the end of the process no port waits for a minute (TIME_WAIT)
        if address != HOST:
            self._bind(address)
        failed = self._far.connect_ex((HOST, port))
        if failed not in (0, errno.EINPROGRESS):
            self._far.close()
            raise OSError(failed, "connect")
        self.up = Flow(self, near, self._far, Lane(path, f"{seed}/up"))
        self.down = Flow(self, self._far, near, Lane(path, f"{seed}/down"))
        self.up.lane.handshake_until_ns = loop.now_ns + handshake_ns(path)
        self._watched: dict[int, int] = {}
        self._by_near, self._by_far = self._serving(self.up, self.down), self._serving(self.down, self.up)
        self._watch(self._far, selectors.EVENT_WRITE, self.guarded(self._connect))

    def disturb(self, unrest: Unrest) -> None:
        """Let the connection stall and be reset from now on."""
        for flow in (self.up, self.down):
            flow.lane.disturb(unrest, self.loop.now_ns)
        at_ns = reset_ns(self._path, f"{self._seed}/life", self._opened_ns, unrest)
        if at_ns is not None:
            self.loop.call_at(at_ns, self._be_reset)

    def guarded(self, action: Callable[[], None]) -> Callable[..., None]:
        """A callback that does the action while the connection is open, and resets both sockets if one fails in it."""

        def act(_events: int = 0) -> None:
            if self._over:
                return
            try:
                action()
            except OSError:
                self.close(abruptly=True)
                return
            self._settle()

        return act

    def close(self, *, abruptly: bool) -> None:
        """Close both ends, or reset them. Idempotent."""
        if self._over:
            return
        self._over = True
        for end in (self._near, self._far):
            self._watch(end, 0, _nothing)
            if not abruptly:
                _linger(end, _FINISH)
            end.close()
        self.counts.stalls += self.up.lane.stalls + self.down.lane.stalls
        self._closed(self)

    def _be_reset(self) -> None:
        if not self._over:
            self.counts.resets += 1
            self.close(abruptly=True)

    def _connect(self) -> None:
        failed = self._far.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failed:
            raise OSError(failed, "connect")
        self._connected = True

    def _bind(self, address: str) -> None:
        try:
            if sys.platform == "linux":
                self._far.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            self._far.bind((address, 0))
        except OSError:
            self._far.close()
            raise

    def _serving(self, reading: Flow, writing: Flow) -> Callable[[int], None]:
        """The callback of a socket from which one flow reads and to which the other writes."""

        def serve(events: int) -> None:
            if events & selectors.EVENT_WRITE:
                write(events)
            if events & selectors.EVENT_READ:
                read(events)

        read, write = self.guarded(reading.read), self.guarded(writing.write)
        return serve

    def _settle(self) -> None:
        """Watch for what is to be read or written next; close when both directions have ended."""
        if not self._connected or self._over:
            return
        if self.up.over and self.down.over:
            self.close(abruptly=False)
            return
        for end, reading, writing, serve in (
            (self._near, self.up, self.down, self._by_near), (self._far, self.down, self.up, self._by_far),
        ):  # fmt: skip
            events = 0 if reading.ended or reading.full else selectors.EVENT_READ
            self._watch(end, events | (selectors.EVENT_WRITE if writing.blocked else 0), serve)

    def _watch(self, end: socket.socket, events: int, callback: Callable[[int], None]) -> None:
        descriptor = end.fileno()
        if self._watched.get(descriptor) != events or not self._connected:
            self._watched[descriptor] = events
            self.loop.watch(descriptor, events, callback)


def _nothing(_events: int) -> None:
    """The callback of a socket that is not watched any more."""


def reset(end: socket.socket) -> None:
    """Close a socket so that the other end is reset."""
    _linger(end, _RESET)
    end.close()


def _linger(end: socket.socket, how: bytes) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, how)
