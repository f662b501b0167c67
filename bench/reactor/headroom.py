"""How much spare capacity the load generator has: how late its loop runs, and how long bytes wait in a socket unread.

Both are samples that cost next to nothing: a timer every few milliseconds, and every 13th connection asks the kernel
for the receive time of what it reads.
"""

from __future__ import annotations

import _socket
import struct
import sys
import time
from array import array
from time import monotonic_ns

from bench.reactor.connection import Connection, Owner

SAMPLE_EVERY_NS = 7_000_000  # divides no usual publish interval: samples spread evenly between two messages
TIMESTAMPED_EVERY = 13  # odd: where subscriptions and upstream alternate, connections of both kinds are sampled

_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@qq")
_SPACE = 64  # for one control message with a timespec
TIMESTAMPS_AVAILABLE = sys.platform == "linux" and struct.calcsize("@l") == 8 and hasattr(_socket.socket, "recvmsg")


class TimestampedConnection(Connection):
    """A connection that also records how long what it reads waited in the socket, in ns since its last byte arrived.

    The kernel stamps with CLOCK_REALTIME when a segment enters the network stack (socket(7), SO_TIMESTAMPNS).
    """

    __slots__ = ()

    def recv(self, size: int, flags: int = 0) -> bytes:
        data, control, _, _ = self.recvmsg(size, _SPACE, flags)
        if control and data:
            seconds, nanoseconds = _TIMESPEC.unpack_from(control[0][2])
            self._owner.unread_ns.append(time.time_ns() - seconds * 1_000_000_000 - nanoseconds)
        return data

    def _start_connecting(self, host: str, port: int, source: str) -> None:
        self.setsockopt(_socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        super()._start_connecting(host, port, source)


class LoopDelay:
    """A timer of the reactor every 7 ms from `start_ns` to `end_ns`; `late_ns` holds how late each call came.

    The schedule is fixed: every call that was due during a stall counts with its own delay.
    """

    def __init__(self, reactor: Owner, start_ns: int, end_ns: int) -> None:
        self.late_ns = array("q")
        self._reactor = reactor
        self._due_ns, self._end_ns = start_ns, end_ns
        self._reactor.call_at(start_ns, self._sample)

    def _sample(self) -> None:
        self.late_ns.append(monotonic_ns() - self._due_ns)
        self._due_ns += SAMPLE_EVERY_NS
        if self._due_ns < self._end_ns:
            self._reactor.call_at(self._due_ns, self._sample)
