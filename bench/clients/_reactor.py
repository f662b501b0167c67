"""The reactor: every socket of the load generator on gevent's loop, with plain callbacks and no greenlet switches.

A greenlet per connection costs a switch per message, twice what the parsing costs. Here bytes go from readiness to
the client half to `on_text` as ordinary calls made in the hub, so nothing called from here may block.
Sockets come from `_socket`, which gevent never patches: all works alike with and without monkey patching.
One reactor belongs to the thread (the hub) that made it.
"""

from __future__ import annotations

import heapq
import itertools
import sys
from array import array
from collections.abc import Callable
from time import monotonic_ns

import gevent

from bench.clients._alarm import Alarm, LoopAlarm, TimerfdAlarm
from bench.clients._link import Link, Receiver
from bench.clients._probes import AVAILABLE, STAMPED_EVERY, StampedLink
from bench.clients._readiness import EpollReadiness, Readiness, WatcherReadiness, has_epoll
from bench.clients._traffic import Segments, Tally, Traffic

_NEVER = 1 << 63


class Reactor:
    """Connections, alarms and the traffic counters of one load process.

    readiness, tally: for links and client halves. use_epoll=False takes one gevent watcher per socket.
    unread_ns: how long received bytes lay unread, of every 13th connection, where the kernel tells.
    """

    def __init__(self, *, use_epoll: bool | None = None) -> None:
        self._hub = gevent.get_hub()
        loop = self._hub.loop
        epoll = has_epoll() if use_epoll is None else use_epoll
        self.readiness: Readiness = EpollReadiness(loop) if epoll else WatcherReadiness(loop)
        self.tally = Tally()
        self.unread_ns = array("q")
        self._links: dict[int, Link] = {}
        self._closed_traffic = Segments(0, 0, 0, 0)
        self._kernel_counts = True
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._armed_ns = _NEVER
        self._alarm: Alarm
        if sys.platform == "linux":
            self._alarm = TimerfdAlarm(self.readiness, self._ring)
        else:
            self._alarm = LoopAlarm(loop, self._ring)

    def connect(self, host: str, port: int, receiver: Receiver, source: str = "") -> Link:
        """A link on its way to host:port, without blocking. What is sent before it stands waits in its buffer.

        Raises OSError for what fails at once; what fails later reaches `receiver.lost`.
        """
        link = self._make(host, port, receiver, source)
        self.tally.connections_opened += 1
        self._links[link.fd] = link
        return link

    def call_at(self, when_ns: int, callback: Callable[[], None]) -> None:
        """Call `callback` in the hub at `when_ns` of the monotonic clock, soon if that is past.

        Equal times keep the order of asking. What a callback raises is printed by the hub with its traceback.
        """
        heapq.heappush(self._due, (when_ns, next(self._order), callback))
        if when_ns < self._armed_ns:
            self._arm(when_ns)

    def traffic(self) -> Traffic:
        """All counters since the start. About half a microsecond per open connection."""
        total = self._closed_traffic
        for link in self._links.values():
            total = self._add(total, link.counters())
        known = self._kernel_counts
        return Traffic(
            received_bytes=total.received_bytes if known else None,
            sent_bytes=total.sent_bytes if known else None,
            segments_in=total.segments_in if known else None,
            segments_out=total.segments_out if known else None,
            connections_opened=self.tally.connections_opened,
            requests=self.tally.requests,
            payload_received_bytes=self.tally.payload_received_bytes,
            payload_sent_bytes=self.tally.payload_sent_bytes,
        )

    def forget(self, link: Link) -> None:
        """A link is about to close its socket: keep what the kernel counted for it."""
        del self._links[link.fd]
        self._closed_traffic = self._add(self._closed_traffic, link.counters())

    def linger_until(self, when_ns: int) -> None:
        """Until then of the monotonic clock, stay with the sockets and alarms before the hub gets its turn, which costs
        less: for when nothing else on the hub is urgent, and no other reactor there (see `Readiness.lingers`)."""
        self.readiness.lingers = True
        self.call_at(when_ns, self._linger_no_more)

    def _linger_no_more(self) -> None:
        self.readiness.lingers = False

    def pause(self) -> None:
        """Read and write nothing until `resume`: all subscribers of this reactor are slow readers meanwhile."""
        self.readiness.pause()

    def resume(self) -> None:
        """Go on where `pause` left off."""
        self.readiness.resume()

    def close(self) -> None:
        """Close every link without a word to its owner, and never call back again."""
        for link in list(self._links.values()):
            link.close()
        self._due.clear()
        self._alarm.close()
        self.readiness.close()

    def _make(self, host: str, port: int, receiver: Receiver, source: str) -> Link:
        stamped = AVAILABLE and self.tally.connections_opened % STAMPED_EVERY == 0
        return (StampedLink if stamped else Link)(self, host, port, receiver, source)

    def _add(self, total: Segments, counted: Segments | None) -> Segments:
        if counted is None:
            self._kernel_counts = False
            return total
        return Segments(*(a + b for a, b in zip(total, counted, strict=True)))

    def _arm(self, when_ns: int) -> None:
        self._armed_ns = when_ns
        self._alarm.set(when_ns)

    def _ring(self) -> None:
        now_ns = monotonic_ns()
        due = self._due
        self._armed_ns = 0  # what is added meanwhile is armed below
        # Only what is due now: a callback that always asks for the past must not keep the hub.
        for _ in range(len(due)):
            if not due or due[0][0] > now_ns:
                break
            callback = heapq.heappop(due)[2]
            try:
                callback()
            except Exception:
                self._hub.handle_error(callback, *sys.exc_info())
        self._armed_ns = _NEVER
        if due:
            self._arm(due[0][0])
