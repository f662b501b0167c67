"""Sensitivity as a run of its own: equal servers and injected differences, block after block, and the outcomes."""

from __future__ import annotations

import random
from collections.abc import Sequence

from bench.analysis.runs.sensitivity import EQUAL_PAIRS, INJECTED_DIFFERENCES, ErrorRate, error_rates
from bench.execution.run import Begun, begin_instrument
from bench.planning.plan import calibration_trial, trial_seed
from bench.planning.request import Request
from bench.results import Planned, Run, Trial
from servers import injections

NAME = "sensitivity"
NOTHING = injections.Injection(
    name="delay 0 ms", subscribers=injections.BUSIER.subscribers, rate_hz=injections.BUSIER.rate_hz
)
DIFFERENT = dict.fromkeys(one.label for one in INJECTED_DIFFERENCES)
# What is injected in each trial of a block, by the label of the trial.
INJECTED = {
    **{label: NOTHING for pair in EQUAL_PAIRS for label in pair},
    **dict(zip(DIFFERENT, (injections.LATE_FIFTH, injections.BUSIER), strict=True)),
}
MEASURE_S = 3.0  # as in the profile `standard`


def begin(request: Request, experiments: int, blocks: int) -> Begun:
    """Store the head of a run of this number of experiments and blocks. Raises Refused, ResultsError."""
    return begin_instrument(NAME, plan(experiments * blocks, request.seed), blocks, request)


def plan(blocks: int, seed: int) -> list[Planned]:
    """Blocks of equal trials and trials with a difference, each in a seeded order of its own."""
    planned: list[Planned] = []
    for block in range(1, blocks + 1):
        order = sorted(INJECTED)
        random.Random(trial_seed(seed, f"{NAME} {block}")).shuffle(order)
        for label in order:
            trial_id = f"{block:03d}-{NAME}-{label}"
            planned.append(
                calibration_trial(trial_id, INJECTED[label], block, len(planned) + 1, seed, measure_s=MEASURE_S)
            )
    return planned


def error_rates_of(run: Run, trials: Sequence[Trial]) -> list[ErrorRate]:
    """The error rates of a stored run."""
    return error_rates(trials, run.repetitions)
