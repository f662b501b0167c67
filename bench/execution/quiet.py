"""Waits for a quiet machine: before a run, and before a trial that follows a disturbed one."""

from __future__ import annotations

import time
from collections.abc import Sequence

from bench.analysis.trials import core_shares
from bench.analysis.trials.findings.machine import OTHERS
from bench.gate.gate import Say
from bench.measure import neighbours
from bench.measure.neighbours import Neighbours
from bench.results import Trial
from bench.units import percent, quantity

WAIT_S = 60.0  # in all of a run
MOST_PROGRAMS = 3
DISTURBED = {"busy before the start", "competing CPU use", "heavy competing CPU use"}


class Quiet:
    """Waits until others use less of the cores than a finding allows, for `wait_s` in all."""

    def __init__(self, cores: Sequence[int], say: Say, wait_s: float = WAIT_S) -> None:
        self._cores, self._say, self._left_s = list(cores), say, wait_s

    def before_run(self) -> None:
        """Report which programs keep the machine busy, and wait."""
        busy = self._busy()
        if busy is None:
            return
        self._say(f"note  this machine is busy: {_words(busy, len(self._cores))}")
        if self._left_s > 0:
            self._say(f"note  waiting for quiet, for up to {self._left_s:.0f} s (--no-wait does not)")
        if not self._wait():
            self._say(
                "note  it is still busy: trials that others disturb are invalid and retried, and cells may lack trials"
            )

    def before_trial(self, last: Trial | None) -> None:
        """Wait for a quiet moment if others disturbed the trial before."""
        if last is not None and DISTURBED & {finding.name for finding in last.findings}:
            self._wait()

    def _wait(self) -> bool:
        """Whether the machine became quiet in the time that is left."""
        while self._left_s > 0:
            began_ns = time.monotonic_ns()
            if self._busy() is None:
                return True
            self._left_s -= (time.monotonic_ns() - began_ns) / 1e9
        return False

    def _busy(self) -> Neighbours | None:
        """What others use of the cores now, if that is too much."""
        others = neighbours.look(self._cores)
        return others if others is not None and _share(others, len(self._cores)) > OTHERS else None


def _share(others: Neighbours, core_count: int) -> float:
    taken = core_shares.Taken(others.busy_ns, others.first_busy_ns)
    return core_shares.share(taken, others.window_ns, core_count, core_shares.LOAD_PROCESSES, avoidable=True)


def _words(busy: Neighbours, core_count: int) -> str:
    programs = [f"{name} ({percent(share)} of a core)" for name, share in busy.programs[:MOST_PROGRAMS]]
    others = f"other processes use {quantity(_share(busy, core_count), 'share')} of the cores of a trial"
    return f"{others}, most of it {', '.join(programs)}" if programs else others
