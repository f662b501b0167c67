"""Short polling: a GET at every slot of a fixed schedule.

The slots of a subscriber are at (k + phase) x poll interval on the monotonic clock, for whole k, whenever it was
opened: phases that were drawn evenly stay even, and neither a slow start nor a stalled process shifts a schedule.

The schedule is open loop: no slot depends on an answer. But HTTP/1.1 answers one request at a time, so at a slot where
the last poll is still unanswered no poll is sent. The slot is counted in `skipped`, and the next poll is sent at the
next slot of the schedule, not when the answer comes. (A poll sent late would bunch the polls of a slow server and hide
that it is slow; a second connection would measure another kind of subscriber.) Skipping hides nothing: the latency of a
delivery counts from its publish, so it includes the wait for a skipped slot.
"""

from __future__ import annotations

from time import monotonic_ns

from bench.clients._polls import PollingSubscriber

PARAMETERS = ("poll_interval_s",)


def first_slot_ns(now_ns: int, interval_ns: int, phase: float) -> int:
    """The first slot after `now_ns`."""
    offset_ns = int(phase * interval_ns)
    return ((now_ns - offset_ns) // interval_ns + 1) * interval_ns + offset_ns


class Client(PollingSubscriber):
    """One keep-alive connection. `skipped` counts the slots at which no poll was sent; see above."""

    __slots__ = ("_interval_ns", "_slot_ns", "skipped")

    def _begin(self) -> None:
        self.skipped = 0
        self._interval_ns = max(1, round(self.subscription.target.poll_interval_s * 1e9))
        self._slot_ns = 0
        self._poll()

    def _held_s(self) -> float:
        return self.subscription.target.poll_interval_s

    def _on_answer(self) -> None:
        if not self._slot_ns:  # the answer that opens the subscription
            self._slot_ns = first_slot_ns(monotonic_ns(), self._interval_ns, self.subscription.phase)
            self.reactor.call_at(self._slot_ns, self._on_slot)

    def _on_slot(self) -> None:
        if self.closed:
            return
        self._slot_ns += self._interval_ns
        self.reactor.call_at(self._slot_ns, self._on_slot)
        if self._protocol.waiting:
            self.skipped += 1
        else:
            self._poll()
