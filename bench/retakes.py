"""Retakes: a trial that the machine disturbed is taken once more at the end of its block, and both records stay.

What is taken again is decided by what the machine did, before anybody looks at what was measured: only by time that a
hypervisor, other processes or a run queue took, never by a latency, a cost or a loss. So a noisy hour costs time and no
intervals, and chooses no results. A second disturbance stands. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from bench.analysis.findings import OF_THE_MACHINE, SLOWING
from bench.results import Planned, Trial

MOST_SHARE = 0.1
"""Of a block: where more is disturbed, the machine is no place to measure on, and more of the same would not help."""
FEWEST = 2
"""So many may be taken again in a block of any size."""


def disturbed(trial: Trial) -> bool:
    """Whether a trial was struck out for what the machine did, and for nothing else but what that leads to: a load
    generator or a publisher that is late. A lost message excuses nothing, whatever the machine did."""
    seen = {finding.name for finding in trial.findings if finding.disqualifying}
    return trial.failure is None and bool(seen & OF_THE_MACHINE) and seen <= SLOWING


def again(planned: Planned) -> Planned:
    """The same trial once more: same seed, same block, same place."""
    return msgspec.structs.replace(planned, id=f"{planned.id}-again", retakes=planned.id)


def due(trials: Iterable[Trial], block: int) -> list[Planned]:
    """What is to be taken again in a block, of which these are the records so far, in their order."""
    held = [trial for trial in trials if trial.planned.block == block]
    first = [trial for trial in held if not trial.planned.retakes]
    taken = {trial.planned.retakes for trial in held if trial.planned.retakes}
    most = max(FEWEST, int(MOST_SHARE * len(first))) - len(taken)
    wanted = [again(trial.planned) for trial in first if disturbed(trial) and trial.planned.id not in taken]
    return wanted[: max(0, most)]
