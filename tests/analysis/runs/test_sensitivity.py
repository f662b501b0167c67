"""Error rates of comparisons: detections of injected differences, and false alarms of equal servers."""

import msgspec
import numpy as np

from bench.analysis.numbers.distributions import fold
from bench.analysis.runs.sensitivity import error_rates
from bench.execution.sensitivity import plan
from bench.report.instrument import sensitivity_table
from bench.results import Trial
from tests._natures import process
from tests._trials import MS, calm, changed

BLOCKS, EXPERIMENTS = 5, 4


def trials(late: float = 1.0, busier: float = 1.0, noise: float = 0.02) -> list[Trial]:
    """A synthetic run with injected differences by these factors."""
    rng = np.random.default_rng(1)
    trials = []
    for planned in plan(BLOCKS * EXPERIMENTS, 1):
        label = planned.id.rpartition("-sensitivity-")[2]
        slow, cpu = rng.lognormal(0, noise, 2)
        tail = np.full(20, 8 * MS * (late if label == "late" else 1.0) * slow)
        latency = fold(np.concatenate([np.full(80, 2 * MS * slow), tail]).astype(np.int64))
        server = process(200 * MS * cpu * (busier if label == "busier" else 1.0))
        trial = changed(calm(latency=latency), "usage", server=server)
        trials.append(msgspec.structs.replace(trial, planned=planned))
    return trials


def counts(rates):
    return [(one.injected, one.different, one.wrong_sign, one.comparisons, one.met) for one in rates]


def test_injected_differences_are_detected_and_equal_servers_are_not_called_different():
    rates = error_rates(trials(late=2.0, busier=1.3), BLOCKS)
    equal, injected = [one for one in rates if not one.injected], [one for one in rates if one.injected]
    assert [one.comparisons for one in equal] == [2 * EXPERIMENTS] * 4
    assert sum(one.different for one in equal) <= 2
    assert counts(injected) == [(True, EXPERIMENTS, 0, EXPERIMENTS, True)] * 3
    ratio = np.median([ratio.median for ratio in injected[-1].ratios])
    assert 1.2 < ratio < 1.3  # below 1.3: the cost of the broker is the same


def test_a_difference_that_was_not_injected_is_not_detected():
    *_, late, later, busier = error_rates(trials(), BLOCKS)
    assert not late.met
    assert not later.met
    assert not busier.met


def test_a_difference_with_the_wrong_sign_is_a_miss():
    rate = error_rates(trials(late=2.0, busier=0.7), BLOCKS)[-1]
    assert (rate.different, rate.wrong_sign, rate.met) == (0, EXPERIMENTS, False)


def test_experiments_with_too_few_blocks_have_no_error_rate():
    few = [trial for trial in trials() if trial.planned.block <= 2]
    assert error_rates(few, BLOCKS) == []


def test_the_table_has_a_row_for_every_error_rate():
    rates = error_rates(trials(late=2.0, busier=1.3), BLOCKS)
    lines = sensitivity_table(rates).splitlines()
    assert len(lines) == 2 + len(rates)
    assert ["10 ms more on one delivery in five" in line for line in lines[-3:]] == [True, True, False]
    assert ["90" in line for line in lines[-3:]] == [True, False, False]
