"""One connection over a path: two sockets, and what is on its way between them."""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from bench.paths import Lane, Path, Unrest, handshake_ns, reset_ns
from bench.proxy._loop import Loop

HOST = "127.0.0.1"
READ_BYTES = 65_536
MOST_WAITING_BYTES = 65_536  # in one direction; read on when half of it has gone
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing resets the connection


@dataclass(slots=True)
class Counts:
    """What a proxy has done so far. `stalls` are those of connections that are closed."""

    connections: int = 0
    resets: int = 0
    stalls: int = 0
    pieces: int = 0


class Flow:
    """One direction of a connection: what has been read at one end and is yet to be written at the other."""

    __slots__ = ("_alarm_ns", "_connection", "_ring", "_waiting", "_waiting_bytes", "blocked", "ended", "full", "lane",
                 "sink", "source")  # fmt: skip

    def __init__(self, connection: Connection, source: socket.socket, sink: socket.socket, lane: Lane) -> None:
        self._connection = connection
        self.source, self.sink, self.lane = source, sink, lane
        self._waiting: deque[tuple[int, bytes]] = deque()  # nothing to write, the last one: the end of the stream
        self._waiting_bytes = 0
        self._alarm_ns = 0
        self._ring = connection.guarded(self.write)
        self.ended = False  # the source says no more
        self.full = False  # too much waits to read on
        self.blocked = False  # the sink takes no more for now

    @property
    def over(self) -> bool:
        """Whether all has been handed on, the end included."""
        return self.ended and not self._waiting

    def read(self) -> None:
        """Take what the source says."""
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
        """Hand on what is due, piece by piece, as far as the sink takes it."""
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
            self._connection.loop.call_at(self._alarm_ns, self._ring)


class Connection:
    """A subscriber's connection and the one to the server that belongs to it."""

    def __init__(self, loop: Loop, near: socket.socket, port: int, path: Path, seed: str, counts: Counts,
                 closed: Callable[[Connection], None]) -> None:  # fmt: skip
        """Raises OSError where there can be no connection to the server."""
        self.loop, self.counts = loop, counts
        self._path, self._seed, self._closed = path, seed, closed
        self._opened_ns = loop.now_ns
        self._near, self._far = near, socket.socket()
        self._connected = self._over = False
        for one in (near, self._far):
            one.setblocking(False)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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
        """From now on the connection may stall and be reset."""
        for flow in (self.up, self.down):
            flow.lane.disturb(unrest, self.loop.now_ns)
        at_ns = reset_ns(self._path, f"{self._seed}/life", self._opened_ns, unrest)
        if at_ns is not None:
            self.loop.call_at(at_ns, self._be_reset)

    def guarded(self, action: Callable[[], None]) -> Callable[..., None]:
        """The action, if there still is a connection; where a socket fails in it, both are reset."""

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
            if abruptly:
                reset(end)
            else:
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

    def _serving(self, reading: Flow, writing: Flow) -> Callable[[int], None]:
        """What is to be done with a socket from which one flow reads and to which the other writes."""

        def serve(events: int) -> None:
            if events & selectors.EVENT_WRITE:
                write(events)
            if events & selectors.EVENT_READ:
                read(events)

        read, write = self.guarded(reading.read), self.guarded(writing.write)
        return serve

    def _settle(self) -> None:
        """Watch for what can be gone on with; close when both directions have come to their end."""
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
    """What is done about a socket that is watched no more."""


def reset(end: socket.socket) -> None:
    """Close a socket so that the other end is reset."""
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    end.close()
