"""Sockets and alarms of one thread, with plain callbacks."""

from __future__ import annotations

import heapq
import itertools
import selectors
from collections.abc import Callable
from time import monotonic_ns

_NEVER_S = 3600.0


class Loop:
    """Sockets and alarms of one thread. Callbacks must not block. `now_ns` is when the current turn began."""

    def __init__(self) -> None:
        self.now_ns = monotonic_ns()
        self._selector = selectors.DefaultSelector()
        self._alarms: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def watch(self, descriptor: int, events: int, callback: Callable[[int], None]) -> None:
        """Call `callback(events)` whenever one of the events occurs; with events 0, stop doing so."""
        watched = descriptor in self._selector.get_map()
        if not events:
            if watched:
                self._selector.unregister(descriptor)
        elif watched:
            self._selector.modify(descriptor, events, callback)
        else:
            self._selector.register(descriptor, events, callback)

    def call_at(self, when_ns: int, callback: Callable[[], None]) -> None:
        """Call once at that moment; equal moments keep the order of these calls."""
        heapq.heappush(self._alarms, (when_ns, next(self._order), callback))

    def turn(self) -> None:
        """Wait for the next event or alarm, then call all callbacks that are due."""
        left_s = (self._alarms[0][0] - monotonic_ns()) / 1e9 if self._alarms else _NEVER_S
        happened = self._selector.select(max(0.0, left_s))
        self.now_ns = monotonic_ns()
        for key, events in happened:
            key.data(events)
        while self._alarms and self._alarms[0][0] <= self.now_ns:
            heapq.heappop(self._alarms)[2]()
