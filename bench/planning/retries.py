"""Retries: a trial that the machine disturbed runs again at the end of its block, and all its records stay.

The only reason for a retry is time that a hypervisor, other processes or a run queue took. Latency and cost are no
reason, and a loss or an error rules a retry out, so that no trial is repeated to improve its result. A noisy hour makes
a run longer and its intervals no wider. A disturbed retry is retried after the others that are due. A trial has at most
MOST_PER_TRIAL retries. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from bench.analysis.trials.findings import OF_THE_MACHINE, SLOWING
from bench.results import Planned, Trial

# The share of a block's trials that may be retried, in the order of the plan. It suffices for all where one trial in
# ten and every second retry are disturbed. Where more are disturbed, more retries would not help.
MOST_SHARE = 0.2
# The number of retries that a block of any size may have.
FEWEST_PER_BLOCK = 2
# The number of retries of one trial. A disturbance lasts for seconds and recurs. Where one trial in ten is disturbed,
# few are disturbed four times.
MOST_PER_TRIAL = 3


def disturbed(trial: Trial) -> bool:
    """Whether a trial is invalid because of the machine alone: its disqualifying findings are about the machine, or
    follow from those (a late load generator or publisher). The machine never excuses a lost message."""
    names = {finding.name for finding in trial.findings if finding.disqualifying}
    return trial.failure is None and bool(names & OF_THE_MACHINE) and names <= SLOWING


def retry(planned: Planned, number: int = 1) -> Planned:
    """The `number`-th retry of a planned trial: same seed, same block, same place."""
    return msgspec.structs.replace(planned, id=f"{planned.place}-retry-{number}", retry_of=planned.place)


def due(trials: Iterable[Trial], block: int) -> list[Planned]:
    """The retries that a block still needs after these records, in the order of the plan. Call again after they ran."""
    by_place: dict[str, list[Trial]] = {}
    for trial in trials:
        if trial.planned.block == block:
            by_place.setdefault(trial.planned.place, []).append(trial)
    left = max(FEWEST_PER_BLOCK, int(MOST_SHARE * len(by_place))) - sum(
        len(records) - 1 for records in by_place.values()
    )
    needed = [
        retry(records[0].planned, len(records))
        for records in by_place.values()
        if all(map(disturbed, records)) and len(records) <= MOST_PER_TRIAL
    ]
    return needed[: max(0, left)]
