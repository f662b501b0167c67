"""The reactor: every socket of the load generator on gevent's loop, with plain callbacks and no greenlet switches.

A greenlet per connection costs a switch per message, twice what the parsing costs. Here readiness calls the client
half, which calls `on_text`: ordinary calls in the hub, so nothing called from here may block.
Sockets come from `_socket`, which gevent never patches, so it makes no difference whether the process is patched.
A reactor belongs to the thread (the hub) that made it.
"""

from __future__ import annotations

import heapq
import itertools
import sys
from array import array
from collections.abc import Callable
from time import monotonic_ns

import gevent

from bench.reactor.connection import Connection, Receiver
from bench.reactor.counters import ConnectionCounters, Counters, OwnCounters
from bench.reactor.headroom import TIMESTAMPED_EVERY, TIMESTAMPS_AVAILABLE, TimestampedConnection
from bench.reactor.readiness import EpollReadiness, Readiness, WatcherReadiness, has_epoll
from bench.reactor.timer import LoopTimer, Timer, TimerfdTimer

_NEVER = 1 << 63
SILENCE_CHECK_NS = 1_000_000_000


class Reactor:
    """Connections, timers and the counters of one load process.

    readiness, own_counters: for connections and client halves. use_epoll=False uses one gevent watcher per socket.
    unread_ns: how long received bytes waited unread, of every 13th connection, where the kernel reports it.
    """

    def __init__(self, *, use_epoll: bool | None = None) -> None:
        self._hub = gevent.get_hub()
        loop = self._hub.loop
        epoll = has_epoll() if use_epoll is None else use_epoll
        self.readiness: Readiness = EpollReadiness(loop) if epoll else WatcherReadiness(loop)
        self.own_counters = OwnCounters()
        self.unread_ns = array("q")
        self._connections: dict[int, Connection] = {}
        self._closed_counters = ConnectionCounters(0, 0, 0, 0)
        self._kernel_counts = True
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._armed_ns = _NEVER
        self._silence_check_ns = 0  # when the next one is due; 0: none is
        self._timer: Timer
        if sys.platform == "linux":
            self._timer = TimerfdTimer(self.readiness, self._call_due)
        else:
            self._timer = LoopTimer(loop, self._call_due)

    def connect(self, host: str, port: int, receiver: Receiver, source: str = "") -> Connection:
        """Begin to connect to host:port, without blocking. What is written before it is established is buffered.

        Raises OSError for what fails at once; what fails later reaches `receiver.lost`.
        """
        connection = self._make(host, port, receiver, source)
        self.own_counters.connections_opened += 1
        self._connections[connection.fd] = connection
        return connection

    def call_at(self, when_ns: int, callback: Callable[[], None]) -> None:
        """Call `callback` in the hub at `when_ns` of the monotonic clock, soon if that is past.

        Callbacks of equal times run in the order of the calls. The hub prints what a callback raises, with traceback.
        """
        heapq.heappush(self._due, (when_ns, next(self._order), callback))
        if when_ns < self._armed_ns:
            self._arm(when_ns)

    def counters(self) -> Counters:
        """All counters since the start. Costs about half a microsecond per open connection."""
        total = self._closed_counters
        for connection in self._connections.values():
            total = self._add(total, connection.counters())
        complete = self._kernel_counts
        return Counters(
            received_bytes=total.received_bytes if complete else None,
            sent_bytes=total.sent_bytes if complete else None,
            segments_in=total.segments_in if complete else None,
            segments_out=total.segments_out if complete else None,
            connections_opened=self.own_counters.connections_opened,
            requests=self.own_counters.requests,
            payload_received_bytes=self.own_counters.payload_received_bytes,
            payload_sent_bytes=self.own_counters.payload_sent_bytes,
        )

    def forget(self, connection: Connection) -> None:
        """A connection is about to close its socket: add what the kernel counted for it to the total."""
        del self._connections[connection.fd]
        self._closed_counters = self._add(self._closed_counters, connection.counters())

    def watch_silence(self) -> None:
        """Check about once a second whether a connection has a limit of silence and has passed it: one timer for all.

        Time in which this process did not run, was paused, or read slowly is not counted.
        """
        if not self._silence_check_ns:
            self._schedule_silence_check()

    def _schedule_silence_check(self) -> None:
        self._silence_check_ns = monotonic_ns() + SILENCE_CHECK_NS
        self.call_at(self._silence_check_ns, self._check_silence)

    def _check_silence(self) -> None:
        now_ns = monotonic_ns()
        excused_ns = now_ns - self._silence_check_ns if self._reads_everything() else _NEVER
        for connection in list(self._connections.values()):
            connection.check_silence(now_ns, excused_ns)
        self._schedule_silence_check()

    def _reads_everything(self) -> bool:
        """Whether connections read what arrives as soon as this process runs."""
        return True

    def bypass_hub_until(self, when_ns: int) -> None:
        """Until `when_ns` of the monotonic clock, serve sockets and timers before anything else on the hub.

        It costs less per message. Use it only while nothing else on the hub is urgent, and no other reactor there does
        the same (see `Readiness.bypasses_hub`).
        """
        self.readiness.bypasses_hub = True
        self.call_at(when_ns, self._stop_bypassing)

    def _stop_bypassing(self) -> None:
        self.readiness.bypasses_hub = False

    def pause(self) -> None:
        """Read and write nothing until `resume`: during this time all subscribers of this reactor are slow readers."""
        self.readiness.pause()

    def resume(self) -> None:
        """End a `pause`."""
        self.readiness.resume()

    def close(self) -> None:
        """Close every connection without calling its receiver, and never call back again."""
        for connection in list(self._connections.values()):
            connection.close()
        self._due.clear()
        self._timer.close()
        self.readiness.close()

    def _make(self, host: str, port: int, receiver: Receiver, source: str) -> Connection:
        timestamped = TIMESTAMPS_AVAILABLE and self.own_counters.connections_opened % TIMESTAMPED_EVERY == 0
        return (TimestampedConnection if timestamped else Connection)(self, host, port, receiver, source)

    def _add(self, total: ConnectionCounters, counted: ConnectionCounters | None) -> ConnectionCounters:
        if counted is None:
            self._kernel_counts = False
            return total
        return ConnectionCounters(*(a + b for a, b in zip(total, counted, strict=True)))

    def _arm(self, when_ns: int) -> None:
        self._armed_ns = when_ns
        self._timer.set(when_ns)

    def _call_due(self) -> None:
        now_ns = monotonic_ns()
        due = self._due
        self._armed_ns = 0  # the timer for what callbacks add is set below
        # Only what is due now: a callback that always schedules itself in the past must not keep the hub.
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
