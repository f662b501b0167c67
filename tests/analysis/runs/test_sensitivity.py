"""Sensitivity: planted differences are counted as found, equal things as called different, by the rules of a report."""

import msgspec
import numpy as np

from bench.analysis.numbers.distributions import fold
from bench.analysis.runs.sensitivity import outcomes
from bench.execution.sensitivity import plan
from bench.report.instrument import sensitivity_table
from bench.results import Trial
from tests._natures import process
from tests._trials import MS, calm, changed

BLOCKS, EXPERIMENTS = 5, 4


def trials(late: float = 1.0, busier: float = 1.0, noise: float = 0.02) -> list[Trial]:
    """A made-up run in which the planted trials differ by these factors."""
    rng = np.random.default_rng(1)
    made = []
    for planned in plan(BLOCKS * EXPERIMENTS, 1):
        label = planned.id.rpartition("-sensitivity-")[2]
        slow, cpu = rng.lognormal(0, noise, 2)
        tail = np.full(20, 8 * MS * (late if label == "late" else 1.0) * slow)
        latency = fold(np.concatenate([np.full(80, 2 * MS * slow), tail]).astype(np.int64))
        server = process(200 * MS * cpu * (busier if label == "busier" else 1.0))
        trial = changed(calm(latency=latency), "usage", server=server)
        made.append(msgspec.structs.replace(trial, planned=planned))
    return made


def counts(seen):
    return [(one.planted, one.found, one.wrong, one.asked, one.met) for one in seen]


def test_planted_differences_are_found_and_equal_things_left_alone():
    seen = outcomes(trials(late=2.0, busier=1.3), BLOCKS)
    equal, planted = [one for one in seen if not one.planted], [one for one in seen if one.planted]
    assert [one.asked for one in equal] == [2 * EXPERIMENTS] * 4
    assert sum(one.found for one in equal) <= 2
    assert counts(planted) == [(True, EXPERIMENTS, 0, EXPERIMENTS, True)] * 3
    assert 1.2 < np.median([ratio.median for ratio in planted[-1].ratios]) < 1.3  # the broker's part was not planted


def test_what_was_not_planted_is_not_found():
    *_, late, later, busier = outcomes(trials(), BLOCKS)
    assert not late.met
    assert not later.met
    assert not busier.met


def test_a_difference_with_the_wrong_sign_is_a_miss_however_often_the_right_one_was_seen():
    seen = outcomes(trials(late=2.0, busier=0.7), BLOCKS)
    assert (seen[-1].found, seen[-1].wrong, seen[-1].met) == (0, EXPERIMENTS, False)


def test_an_experiment_with_too_few_blocks_is_not_asked():
    few = [trial for trial in trials() if trial.planned.block <= 2]
    assert outcomes(few, BLOCKS) == []


def test_the_table_has_a_row_for_every_question():
    seen = outcomes(trials(late=2.0, busier=1.3), BLOCKS)
    lines = sensitivity_table(seen).splitlines()
    assert len(lines) == 2 + len(seen)
    assert ["10 ms more on one delivery in five" in line for line in lines[-3:]] == [True, True, False]
    assert ["90" in line for line in lines[-3:]] == [True, False, False]
