"""Retakes: a trial that the machine disturbed is taken again at the end of its block, and all its records stay.

Only time that a hypervisor, other processes or a run queue took asks for a retake. No latency and no cost does, and a
loss or an error forbids it, so that nothing is taken again until it pleases: a noisy hour costs time and no intervals.
What is disturbed again is taken again after the others that are due, TIMES at most. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from bench.analysis.trials.findings import OF_THE_MACHINE, SLOWING
from bench.results import Planned, Trial

MOST_SHARE = 0.2
"""Of a block, those first in the plan. Where one trial in ten is disturbed and every other retake too, that is enough
for all; where more is, more of the same would not help."""
FEWEST = 2
"""So many retakes there may be in a block of any size."""
TIMES = 3
"""A disturbance lasts for seconds, and comes back: where it meets one trial in ten, few meet it four times."""


def disturbed(trial: Trial) -> bool:
    """Whether a trial was struck out for what the machine did, and for nothing else but what that leads to: a load
    generator or a publisher that is late. A lost message excuses nothing, whatever the machine did."""
    seen = {finding.name for finding in trial.findings if finding.disqualifying}
    return trial.failure is None and bool(seen & OF_THE_MACHINE) and seen <= SLOWING


def again(planned: Planned, time: int = 1) -> Planned:
    """The same trial, taken again for the `time`-th time: same seed, same block, same place."""
    return msgspec.structs.replace(planned, id=f"{planned.place}-retry-{time}", retry_of=planned.place)


def due(trials: Iterable[Trial], block: int) -> list[Planned]:
    """What is to be taken again in a block, of which these are the records so far, in their order. To be asked again
    when that is done."""
    held: dict[str, list[Trial]] = {}
    for trial in trials:
        if trial.planned.block == block:
            held.setdefault(trial.planned.place, []).append(trial)
    left = max(FEWEST, int(MOST_SHARE * len(held))) - sum(len(taken) - 1 for taken in held.values())
    wanted = [
        again(taken[0].planned, len(taken))
        for taken in held.values()
        if all(map(disturbed, taken)) and len(taken) <= TIMES
    ]
    return wanted[: max(0, left)]
