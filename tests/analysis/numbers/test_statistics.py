"""Medians, ratios and their intervals, with scipy and simulation as oracles."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.analysis.numbers.statistics import (
    COMPARED_CONFIDENCE,
    Verdict,
    coverage,
    estimate,
    paired_difference,
    paired_ratio,
    verdict,
    verdict_of_difference,
)

numbers = st.floats(1e-3, 1e9)
samples = st.lists(numbers, min_size=3, max_size=12)


def bounds(values: list[float]) -> tuple[float, float]:
    estimated = estimate(values)
    assert estimated is not None
    assert estimated.low is not None
    assert estimated.high is not None
    return estimated.low, estimated.high


def coverage_of(size: int, repeats: int) -> float:
    """The share of intervals over `size` skewed trials that contain the true median."""
    rng = np.random.default_rng(7)
    intervals = [bounds(list(rng.lognormal(0.0, 0.5, size))) for _ in range(repeats)]
    return float(np.mean([low <= 1.0 <= high for low, high in intervals]))


def test_without_trials_there_is_no_estimate() -> None:
    assert estimate([]) is None


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0]])
def test_one_or_two_trials_give_a_median_and_no_interval(values: list[float]) -> None:
    estimated = estimate(values)
    assert estimated is not None
    assert estimated.median == np.median(values)
    assert estimated.too_few
    assert (estimated.low, estimated.high, estimated.coverage) == (None, None, 0.0)


@settings(max_examples=30)
@given(samples)
def test_an_interval_contains_its_median_and_is_within_the_range_of_the_trials(values: list[float]) -> None:
    estimated = estimate(values)
    assert estimated is not None
    assert estimated.median == np.median(values)
    low, high = bounds(values)
    assert min(values) <= low <= estimated.median <= high <= max(values)


def test_the_interval_over_three_trials_is_their_range() -> None:
    assert bounds([3.0, 1.0, 2.0]) == (1.0, 3.0)


def test_the_interval_agrees_with_the_percentile_bootstrap_of_scipy() -> None:
    values = list(np.random.default_rng(3).lognormal(0.0, 0.4, 25))
    oracle = stats.bootstrap(
        (values,), np.median, method="percentile", n_resamples=20_000, rng=np.random.default_rng(5)
    ).confidence_interval
    assert bounds(values) == pytest.approx((oracle.low, oracle.high), rel=0.02)


def test_the_same_trials_give_the_same_interval() -> None:
    values = [1.0, 4.0, 2.0, 8.0, 5.0, 7.0]
    assert estimate(values) == estimate(values)


def test_the_coverage_of_three_trials_is_the_bound() -> None:
    assert coverage_of(3, 400) == pytest.approx(coverage(3), abs=0.07)


def test_the_coverage_of_ten_trials_is_about_95_percent() -> None:
    assert coverage(10) == 0.95
    assert 0.88 <= coverage_of(10, 200) <= 1.0


@pytest.mark.parametrize(("trials", "bound"), [(0, 0), (2, 0), (3, 0.75), (5, 0.9375), (6, 0.95), (100, 0.95)])
def test_coverage_is_bounded_by_the_order_statistics(trials: int, bound: float) -> None:
    assert coverage(trials) == bound


@settings(max_examples=50)
@given(st.lists(st.tuples(numbers, numbers), min_size=3, max_size=8))
def test_the_interval_of_a_ratio_is_that_of_the_mean_logarithm(pairs: list[tuple[float, float]]) -> None:
    ratio = paired_ratio(*({block: pair[side] for block, pair in enumerate(pairs)} for side in (0, 1)))
    assert ratio is not None
    assert ratio.low is not None
    assert ratio.high is not None
    logs = np.log([ours / theirs for ours, theirs in pairs])
    if np.ptp(logs) < 1e-6:
        assert ratio.low == pytest.approx(ratio.high, rel=1e-5)
        return
    oracle = stats.ttest_1samp(logs, 0.0).confidence_interval(COMPARED_CONFIDENCE)
    middle = float(np.median(logs))
    assert math.log(ratio.low) == pytest.approx(min(oracle.low, middle), rel=1e-6, abs=1e-9)
    assert math.log(ratio.high) == pytest.approx(max(oracle.high, middle), rel=1e-6, abs=1e-9)
    assert ratio.low <= ratio.median * (1 + 1e-12)
    assert ratio.median <= ratio.high * (1 + 1e-12)


@pytest.mark.parametrize("size", [3, 5])
def test_the_coverage_of_the_interval_of_a_ratio_is_its_confidence(size: int) -> None:
    rng = np.random.default_rng(8)
    ones, covering = dict.fromkeys(range(size), 1.0), 0
    for _ in range(2_000):
        ratio = paired_ratio(dict(enumerate(map(float, rng.lognormal(0.0, 0.3, size)))), ones)
        assert ratio is not None
        assert ratio.low is not None
        assert ratio.high is not None
        assert ratio.coverage == COMPARED_CONFIDENCE
        covering += ratio.low <= 1.0 <= ratio.high
    assert covering / 2_000 == pytest.approx(COMPARED_CONFIDENCE, abs=0.02)


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8))
def test_the_ratio_of_exchanged_sides_is_the_inverse(pairs: list[tuple[float, float]]) -> None:
    ours, theirs = ({block: pair[side] for block, pair in enumerate(pairs)} for side in (0, 1))
    one, other = paired_ratio(ours, theirs), paired_ratio(theirs, ours)
    assert one is not None
    assert other is not None
    assert one.median == pytest.approx(1 / other.median)
    if one.low is not None and other.high is not None:
        assert one.low == pytest.approx(1 / other.high, rel=1e-6)


def test_pairing_by_block_cancels_what_all_variants_of_a_block_have_in_common() -> None:
    drift = [1.0, 3.0, 9.0, 27.0]
    ratio = paired_ratio({n: 2 * load for n, load in enumerate(drift)}, dict(enumerate(drift)))
    assert ratio is not None
    assert (ratio.median, ratio.low, ratio.high) == pytest.approx((2.0, 2.0, 2.0))


def test_only_blocks_that_both_have_are_paired() -> None:
    ratio = paired_ratio({0: 2.0, 1: 4.0, 3: 100.0}, {0: 1.0, 1: 2.0, 2: 100.0})
    assert ratio is not None
    assert ratio.values == pytest.approx((2.0, 2.0))
    assert paired_ratio({0: 1.0}, {1: 1.0}) is None


def test_a_zero_has_no_ratio_but_a_difference() -> None:
    zeros, ones = dict.fromkeys(range(3), 0.0), dict.fromkeys(range(3), 1.0)
    assert paired_ratio(ones, zeros) is None
    assert paired_ratio({0: 1.0, 1: 1.0, 2: 1.0}, {0: 1.0, 1: 1.0, 2: 0.0}) is None
    assert verdict_of_difference(paired_difference(ones, zeros), 0.5) is Verdict.HIGHER
    assert verdict_of_difference(paired_difference(zeros, ones), 0.5) is Verdict.LOWER
    assert verdict_of_difference(paired_difference(zeros, zeros), 0.0) is Verdict.NONE_SHOWN
    assert verdict_of_difference(paired_difference({0: 1.0}, {0: 0.0}), 0.0) is Verdict.TOO_FEW
    assert verdict_of_difference(None, 0.0) is Verdict.TOO_FEW


def test_a_difference_within_the_noise_floor_is_none() -> None:
    zeros, ones = dict.fromkeys(range(3), 0.0), dict.fromkeys(range(3), 1.0)
    assert verdict_of_difference(paired_difference(ones, zeros), 1.0) is Verdict.NONE_SHOWN
    assert verdict_of_difference(paired_difference(zeros, ones), 1.0) is Verdict.NONE_SHOWN


@pytest.mark.parametrize(
    ("ratios", "shown"),
    [
        ([1.4, 1.5, 1.6], Verdict.HIGHER),
        ([0.4, 0.5, 0.6], Verdict.LOWER),
        ([0.9, 1.5, 1.6], Verdict.NONE_SHOWN),  # one block disagrees
        ([1.02, 1.03, 1.04], Verdict.NONE_SHOWN),  # within the noise floor
        ([0.96, 0.97, 0.98], Verdict.NONE_SHOWN),
        ([1.04, 1.5, 1.6], Verdict.NONE_SHOWN),  # all agree, but three ratios with this scatter show no difference
        ([1.04, 1.06, 1.07], Verdict.HIGHER),  # a block within the noise floor does not outvote the median
        ([9.0, 9.0], Verdict.TOO_FEW),
    ],
)
def test_a_difference_needs_an_interval_without_1_and_a_median_outside_of_the_noise_floor(
    ratios: list[float], shown: Verdict
) -> None:
    ones = dict.fromkeys(range(len(ratios)), 1.0)
    assert verdict(paired_ratio(dict(enumerate(ratios)), ones), floor=1.05) is shown
    assert verdict(None, floor=1.05) is Verdict.TOO_FEW


def test_equal_variants_are_rarely_called_different() -> None:
    rng = np.random.default_rng(11)
    different = 0
    for _ in range(200):
        ours, theirs = (dict(enumerate(rng.lognormal(0.0, 0.1, 8))) for _ in range(2))
        different += verdict(paired_ratio(ours, theirs), 1.05) is not Verdict.NONE_SHOWN
    assert different / 200 < 0.12


def test_a_true_difference_is_detected() -> None:
    rng = np.random.default_rng(12)
    ours = {block: 1.5 * float(rng.lognormal(0.0, 0.05)) for block in range(8)}
    theirs = {block: float(rng.lognormal(0.0, 0.05)) for block in range(8)}
    ratio = paired_ratio(ours, theirs)
    assert verdict(ratio, 1.05) is Verdict.HIGHER
    assert ratio is not None
    assert math.isclose(ratio.median, 1.5, rel_tol=0.1)
