"""Sensitivity as a run of its own: equal servers and planted differences, block after block, and what was found."""

from __future__ import annotations

import random
from collections.abc import Sequence

from bench import scenarios
from bench.analysis.sensitivity import NOTHING, QUESTIONS, Outcome, outcomes
from bench.plan import CALIBRATION, trial_seed
from bench.results import Parameter, Planned, Run, Trial
from bench.run import Before, Begun, Request, Settled, instruments, preflight, store_for, store_head
from servers._plants import BUSIER, DIFFERENCES, LATE_FIFTH

NAME = "sensitivity"
PLANTED = dict(zip((question.label for question in QUESTIONS), (LATE_FIFTH.name, BUSIER.name), strict=True))
UNPLANTED = "delay 0 ms"
MEASURE_S = 3.0  # as in the profile `standard`


def begin(request: Request, experiments: int, blocks: int) -> Begun:
    """Store the head of a run of so many experiments. Raises Refused, ResultsError."""
    planned = plan(experiments * blocks, request.seed)
    base = scenarios.load(CALIBRATION).settled(CALIBRATION, {})
    driven = {one.id: {**base, **one.changes} for one in planned}
    preflight(Settled(NAME, {}, {}, driven, blocks, request.seed), request.results)
    settled = Settled(NAME, {}, {}, {}, blocks, request.seed)
    facts = [one for one in instruments() if one.name == CALIBRATION]
    return store_head(store_for(request, NAME), request, settled, Before.look(), facts, planned)


def plan(blocks: int, seed: int) -> list[Planned]:
    """Blocks of equal and planted trials, each in a seeded order of its own."""
    planned: list[Planned] = []
    plants = dict.fromkeys((label for pair in NOTHING for label in pair), UNPLANTED) | PLANTED
    alike = next(iter(DIFFERENCES.values()))
    for block in range(1, blocks + 1):
        order = sorted(plants)
        random.Random(trial_seed(seed, f"{NAME} {block}")).shuffle(order)
        for label in order:
            trial_id = f"{block:03d}-{NAME}-{label}"
            changes: dict[str, Parameter] = {
                "plant": plants[label], "subscribers": alike.subscribers, "rate_hz": alike.rate_hz,
                "measure_s": MEASURE_S,
            }  # fmt: skip
            planned.append(
                Planned(
                    id=trial_id,
                    scenario=CALIBRATION,
                    variant=CALIBRATION,
                    block=block,
                    position=len(planned) + 1,
                    seed=trial_seed(seed, trial_id),
                    changes=changes,
                )
            )
    return planned


def found(run: Run, trials: Sequence[Trial]) -> list[Outcome]:
    """What became of every question in a stored run."""
    return outcomes(trials, run.repetitions)
