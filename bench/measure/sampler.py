"""Reads what processes and cores did: counters at both ends of a window, CPU clocks and memory every quarter second."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence

from bench.measure import usage
from bench.measure.conditions import CoreWindow
from bench.measure.receipts import SERIES_INTERVAL_NS
from bench.results import ProcessUsage

FREQUENCIES_NS = 50_000_000  # before the window, for reading the clock frequencies of the cores


class Sampler(threading.Thread):
    """Samples the processes in `pids` (name -> pid) and `cores` from `start_ns` to `end_ns` of the monotonic clock.

    After `join`, `usage` holds what each process used within the window (without one that ended before) and
    `cpu_ns[name]` its CPU time per quarter second; `core_window` holds what the cores did for all processes. `memory`
    holds (moment, bytes) of the processes in `memory_pids` together, at the start and every quarter second.
    """

    def __init__(
        self, pids: Mapping[str, int], cores: Sequence[int], start_ns: int, end_ns: int, memory_pids: Sequence[int] = ()
    ) -> None:
        super().__init__(name="sampler", daemon=True)
        self._pids = dict(pids)
        self._cores = cores
        self._memory_pids = memory_pids
        self._start_ns, self._end_ns = start_ns, end_ns
        self._stopped = threading.Event()
        self.usage: dict[str, ProcessUsage] = {}
        self.cpu_ns: dict[str, list[int]] = {name: [] for name in pids}
        self.memory: list[tuple[int, int]] = []
        self.window_ns = 0
        self.core_window: CoreWindow | None = None

    def run(self) -> None:
        try:
            self._sample()
        except ProcessLookupError:  # the code that watches the process reports how it ended
            return

    def _sample(self) -> None:
        if not self._wait_until(self._start_ns - FREQUENCIES_NS):
            return
        self.core_window = CoreWindow(self._cores, self._pids.values())
        if not self._wait_until(self._start_ns):
            return
        self.core_window.begin()
        began_ns = time.monotonic_ns()
        first = {name: usage.read_counters(pid) for name, pid in self._pids.items()}
        clocks = {name: counters.cpu_ns for name, counters in first.items()}
        self._sample_memory()
        moment = self._start_ns
        while moment < self._end_ns:
            moment = min(moment + SERIES_INTERVAL_NS, self._end_ns)
            if not self._wait_until(moment):
                return
            for name, pid in self._pids.items():
                now = usage.cpu_clock_ns(pid)
                self.cpu_ns[name].append(now - clocks[name])
                clocks[name] = now
            self._sample_memory()
        last = {name: usage.read_counters(pid) for name, pid in self._pids.items()}
        self.window_ns = time.monotonic_ns() - began_ns
        self.core_window.end()
        self.usage = {name: last[name].used_since(first[name], pid) for name, pid in self._pids.items()}

    def _sample_memory(self) -> None:
        sizes = [size for size in map(usage.memory_bytes, self._memory_pids) if size is not None]
        if sizes:
            self.memory.append((time.monotonic_ns(), sum(sizes)))

    def _wait_until(self, moment_ns: int) -> bool:
        """Whether the moment came before `stop` was called."""
        return not self._stopped.wait(max(0.0, (moment_ns - time.monotonic_ns()) / 1e9))

    def stop(self) -> None:
        """Stop before the end of the window."""
        self._stopped.set()
        self.join()
