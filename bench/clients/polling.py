"""Short polling: a GET at every slot of a fixed schedule.

The slots of a subscriber lie at (k + phase) x poll interval on the monotonic clock, for whole k, whenever it was
opened: phases that were drawn evenly stay even, and a slow start or a stalled process shifts nobody's schedule.

The schedule is open loop in that no slot depends on an answer. But HTTP/1.1 answers one request at a time, so a slot at
which the last poll is still unanswered sends nothing: it is counted in `skipped`, and the next slot is the next one of
the schedule, not the moment of the answer. (A poll sent late would bunch the polls of a slow server and hide that it
is slow; a second connection would measure another client.) Nothing is hidden by skipping: the latency of a delivery
counts from its publish, so what waits for a skipped slot is seen to wait.
"""

from __future__ import annotations

from time import monotonic_ns

from bench.clients._polls import PollingSubscription

PARAMETERS = ("poll_interval_s",)


def first_slot_ns(now_ns: int, interval_ns: int, phase: float) -> int:
    """The first slot after `now_ns`."""
    offset_ns = int(phase * interval_ns)
    return ((now_ns - offset_ns) // interval_ns + 1) * interval_ns + offset_ns


class Client(PollingSubscription):
    """One keep-alive connection. `skipped` counts the slots at which no poll was sent; see above."""

    __slots__ = ("_interval_ns", "_slot_ns", "skipped")

    def _begin(self) -> None:
        self.skipped = 0
        self._interval_ns = max(1, round(self.target.poll_interval_s * 1e9))
        self._slot_ns = 0
        self._poll()

    def _on_answer(self) -> None:
        if not self._slot_ns:  # the answer that opens the subscription
            self._slot_ns = first_slot_ns(monotonic_ns(), self._interval_ns, self.phase)
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
