"""How much room the load generator has: how late its loop comes, and how long bytes lie in a socket before it reads.

Both are samples that cost next to nothing: an alarm every few milliseconds, and every 13th connection asks the kernel
for the receive time of what it reads.
"""

from __future__ import annotations

import _socket
import struct
import sys
import time
from array import array
from time import monotonic_ns
from typing import TYPE_CHECKING

from bench.clients._link import Link

if TYPE_CHECKING:
    from bench.clients._reactor import Reactor

LOOK_EVERY_NS = 7_000_000  # divides no usual publish interval: the looks fall everywhere between two messages
STAMPED_EVERY = 13  # odd: where subscriptions and upstream alternate, both are stamped

_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@qq")
_SPACE = 64  # for one control message with a timespec
AVAILABLE = sys.platform == "linux" and struct.calcsize("@l") == 8 and hasattr(_socket.socket, "recvmsg")


class StampedLink(Link):
    """A link that also notes how long what it reads has lain in the socket, in ns since its last byte arrived.

    The kernel stamps with CLOCK_REALTIME when a segment enters the network stack (socket(7), SO_TIMESTAMPNS).
    """

    __slots__ = ()

    def recv(self, size: int, flags: int = 0) -> bytes:
        data, control, _, _ = self.recvmsg(size, _SPACE, flags)
        if control and data:
            seconds, nanoseconds = _TIMESPEC.unpack_from(control[0][2])
            self._reactor.unread_ns.append(time.time_ns() - seconds * 1_000_000_000 - nanoseconds)
        return data

    def _start_connecting(self, host: str, port: int, source: str) -> None:
        self.setsockopt(_socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        super()._start_connecting(host, port, source)


class LoopLag:
    """Every 7 ms an alarm of the reactor; how late each came is kept in `late_ns`.

    The schedule is fixed: an alarm that was due during a stall counts with its own lateness, however many there were.
    """

    def __init__(self, reactor: Reactor, start_ns: int, end_ns: int) -> None:
        self.late_ns = array("q")
        self._reactor = reactor
        self._due_ns, self._end_ns = start_ns, end_ns
        self._reactor.call_at(start_ns, self._look)

    def _look(self) -> None:
        self.late_ns.append(monotonic_ns() - self._due_ns)
        self._due_ns += LOOK_EVERY_NS
        if self._due_ns < self._end_ns:
            self._reactor.call_at(self._due_ns, self._look)
