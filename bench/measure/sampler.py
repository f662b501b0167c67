"""Reads what processes use and cores do at both ends of a window, and every quarter second between CPU clocks, and what
is held of memory by those who are to be weighed."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence

from bench.measure import usage
from bench.measure.conditions import Watch
from bench.measure.receipts import SERIES_INTERVAL_NS
from bench.results import ProcessUsage

CLOCKS_NS = 50_000_000  # before the window, for reading the cores' clocks


class Sampler(threading.Thread):
    """Samples the processes in `pids` (name -> pid) and `cores` from `start_ns` to `end_ns` of the monotonic clock.

    After `join`, `usage` holds what each used within the window (nothing for one that was gone before its end) and
    `cpu_ns[name]` its CPU time per quarter second; `watch` holds what the cores did, whoever made them. `memory` holds
    (moment, bytes) for the processes in `weighed` together, at the start and every quarter second.
    """

    def __init__(
        self, pids: Mapping[str, int], cores: Sequence[int], start_ns: int, end_ns: int, weighed: Sequence[int] = ()
    ) -> None:
        super().__init__(name="sampler", daemon=True)
        self._pids = dict(pids)
        self._cores = cores
        self._weighed = weighed
        self._start_ns, self._end_ns = start_ns, end_ns
        self._stopped = threading.Event()
        self.usage: dict[str, ProcessUsage] = {}
        self.cpu_ns: dict[str, list[int]] = {name: [] for name in pids}
        self.memory: list[tuple[int, int]] = []
        self.window_ns = 0
        self.watch: Watch | None = None

    def run(self) -> None:
        try:
            self._sample()
        except ProcessLookupError:  # whoever watches the process tells how it ended
            return

    def _sample(self) -> None:
        if not self._wait_until(self._start_ns - CLOCKS_NS):
            return
        self.watch = Watch(self._cores)
        if not self._wait_until(self._start_ns):
            return
        self.watch.begin()
        began_ns = time.monotonic_ns()
        first = {name: usage.read(pid) for name, pid in self._pids.items()}
        clocks = {name: reading.cpu_ns for name, reading in first.items()}
        self._weigh()
        moment = self._start_ns
        while moment < self._end_ns:
            moment = min(moment + SERIES_INTERVAL_NS, self._end_ns)
            if not self._wait_until(moment):
                return
            for name, pid in self._pids.items():
                now = usage.cpu_clock_ns(pid)
                self.cpu_ns[name].append(now - clocks[name])
                clocks[name] = now
            self._weigh()
        last = {name: usage.read(pid) for name, pid in self._pids.items()}
        self.window_ns = time.monotonic_ns() - began_ns
        self.watch.end()
        self.usage = {name: last[name].spent_since(first[name], pid) for name, pid in self._pids.items()}

    def _weigh(self) -> None:
        known = [held for held in map(usage.held_bytes, self._weighed) if held is not None]
        if known:
            self.memory.append((time.monotonic_ns(), sum(known)))

    def _wait_until(self, moment_ns: int) -> bool:
        """Whether the moment has come without `stop` having been called."""
        return not self._stopped.wait(max(0.0, (moment_ns - time.monotonic_ns()) / 1e9))

    def stop(self) -> None:
        """Give up early."""
        self._stopped.set()
        self.join()
