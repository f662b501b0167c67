"""Distributions, with numpy on the raw values as the oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.numbers.distributions import cdf, fold, mean, merge, quantile, slots_of
from bench.analysis.numbers.histograms import HIGHEST_NS, LOWEST_NS, SIGNIFICANT_DIGITS

durations = st.one_of(st.integers(0, 5_000), st.integers(0, 10**10), st.integers(0, 2**63 - 1))
samples = st.lists(durations, min_size=1, max_size=200)
shares = st.floats(0.0, 1.0)


def rank(values: list[int], q: float) -> int:
    """The oracle of a quantile: the value at the rank of q."""
    return int(np.quantile(np.array(values, dtype=object), q, method="inverted_cdf"))


@given(samples)
def test_a_fold_keeps_count_minimum_maximum_and_sum_exactly(values: list[int]) -> None:
    folded = fold(np.array(values, dtype=np.int64))
    assert (folded.count, folded.min_ns, folded.max_ns, folded.sum_ns) == (
        len(values),
        min(values),
        max(values),
        sum(values),
    )
    assert folded.negative == 0


@given(samples)
def test_a_fold_has_the_histogram_of_the_library(values: list[int]) -> None:
    oracle = HdrHistogram(LOWEST_NS, HIGHEST_NS, SIGNIFICANT_DIGITS)
    for value in values:
        assert oracle.record_value(value)
    assert fold(np.array(values, dtype=np.int64)).histogram == oracle.encode().decode("ascii")


@given(samples, st.lists(st.integers(-(2**62), -1), max_size=20))
def test_durations_below_zero_are_counted_and_never_recorded(values: list[int], below: list[int]) -> None:
    mixed = fold(np.array(below + values, dtype=np.int64))
    clean = fold(np.array(values, dtype=np.int64))
    assert mixed.negative == len(below)
    assert (mixed.count, mixed.min_ns, mixed.sum_ns, mixed.histogram) == (
        clean.count,
        clean.min_ns,
        clean.sum_ns,
        clean.histogram,
    )


@given(samples, shares)
def test_a_quantile_is_never_below_the_true_value_nor_a_thousandth_above_it(values: list[int], q: float) -> None:
    truth, read = rank(values, q), quantile(fold(np.array(values, dtype=np.int64)), q)
    assert read is not None
    assert truth <= read <= truth * 1.001 + 1


@given(samples)
def test_the_outermost_quantiles_are_exact(values: list[int]) -> None:
    folded = fold(np.array(values, dtype=np.int64))
    assert (quantile(folded, 0.0), quantile(folded, 1.0)) == (min(values), max(values))


@given(st.lists(samples, min_size=1, max_size=5))
def test_a_merge_equals_the_fold_of_the_union(parts: list[list[int]]) -> None:
    merged = merge(fold(np.array(part, dtype=np.int64)) for part in parts)
    assert merged == fold(np.array([value for part in parts for value in part], dtype=np.int64))


@given(samples)
def test_a_curve_rises_from_0_to_1(values: list[int]) -> None:
    at, share = cdf(fold(np.array(values, dtype=np.int64)))
    assert (share[0], share[-1]) == (0.0, 1.0)
    assert np.all(np.diff(at) >= 0)
    assert np.all(np.diff(share) > 0)
    assert (at[0], at[-1]) == (min(values), max(values))


@given(samples)
def test_a_curve_has_the_share_of_values_up_to_each_point(values: list[int]) -> None:
    folded = fold(np.array(values, dtype=np.int64))
    for at, share in zip(*cdf(folded), strict=True):
        if share > 0:
            assert share == pytest.approx(np.mean(np.array(values, dtype=np.int64) <= at))


@given(samples)
def test_every_value_lies_within_its_slot(values: list[int]) -> None:
    slots = slots_of(fold(np.array(values, dtype=np.int64)))
    assert int(slots.counts.sum()) == len(values)
    for value in values:
        assert np.any((slots.lowest_ns <= value) & (value <= slots.highest_ns))


def test_an_empty_distribution_has_no_quantile_no_mean_and_no_curve() -> None:
    empty = fold(np.zeros(0, dtype=np.int64))
    assert empty.count == 0
    assert quantile(empty, 0.5) is None
    assert mean(empty) is None
    assert [part.size for part in cdf(empty)] == [0, 0]
    assert merge([]) == merge([empty, empty]) == fold([]) == empty


def test_a_fold_of_negatives_has_their_number_only() -> None:
    folded = fold(np.array([-1, -2]))
    assert (folded.count, folded.negative) == (0, 2)
    assert merge([folded, fold(np.array([5]))]).negative == 2


def test_the_mean_is_exact() -> None:
    assert mean(fold(np.array([1_000_001, 2_000_000]))) == 1_500_000.5


def test_fractions_of_a_nanosecond_are_refused() -> None:
    with pytest.raises(TypeError, match="integer nanoseconds"):
        fold(np.array([1.5]))


@pytest.mark.parametrize("q", [-0.1, 1.1])
def test_a_quantile_outside_zero_to_one_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantile(fold(np.array([1])), q)


def test_a_million_values_fold_in_the_time_of_a_few_passes_over_them() -> None:
    values = np.random.default_rng(1).integers(0, 10**9, 1_000_000)
    folded = fold(values)
    assert folded.count == 1_000_000
    assert len(folded.histogram) < 100_000
