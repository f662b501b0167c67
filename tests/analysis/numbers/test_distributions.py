"""Distributions, with numpy on the raw values as the oracle."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.numbers import distributions
from bench.analysis.numbers.distributions import cdf, fold, mean, merge, quantile, slots_of
from bench.results import Distribution

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
    oracle = HdrHistogram(distributions.LOWEST_NS, distributions.HIGHEST_NS, distributions.SIGNIFICANT_DIGITS)
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


def test_a_histogram_of_another_layout_is_refused() -> None:
    coarse = HdrHistogram(1, 10**9, 2)
    coarse.record_value(7)
    blob = coarse.encode().decode("ascii")
    foreign = Distribution(count=1, min_ns=7, max_ns=7, sum_ns=7, negative=0, histogram=blob)
    with pytest.raises(ValueError, match="three significant digits"):
        quantile(foreign, 0.5)


def test_a_million_values_fold_in_the_time_of_a_few_passes_over_them() -> None:
    values = np.random.default_rng(1).integers(0, 10**9, 1_000_000)
    folded = fold(values)
    assert folded.count == 1_000_000
    assert len(folded.histogram) < 100_000


COUNTS = st.one_of(st.integers(1, 300), st.integers(1, 2**40), st.integers(2**54, 2**62))


@given(st.dictionaries(durations, COUNTS, max_size=60))
def test_a_histogram_is_decoded_as_by_the_library(counts: dict[int, int]) -> None:
    oracle = HdrHistogram(distributions.LOWEST_NS, distributions.HIGHEST_NS, distributions.SIGNIFICANT_DIGITS)
    for value, count in counts.items():
        oracle.record_value(value, count)
    blob = oracle.encode().decode("ascii")
    decoded = HdrHistogram.decode(blob)
    per_slot = np.frombuffer(decoded.counts, dtype=np.uint64)
    slots = slots_of(Distribution(count=1, min_ns=0, max_ns=0, sum_ns=0, negative=0, histogram=blob))
    occupied = np.flatnonzero(per_slot)
    assert slots.counts.tolist() == per_slot[occupied].tolist()
    assert slots.lowest_ns.tolist() == [decoded.get_value_from_index(int(slot)) for slot in occupied]


@given(st.dictionaries(durations, st.one_of(st.integers(1, 300), st.integers(1, 2**56)), max_size=60))
def test_slots_are_encoded_as_the_library_does(held: dict[int, int]) -> None:
    oracle = HdrHistogram(distributions.LOWEST_NS, distributions.HIGHEST_NS, distributions.SIGNIFICANT_DIGITS)
    for value, count in held.items():
        oracle.record_value(value, count)
    blob = oracle.encode().decode("ascii")
    slots = slots_of(Distribution(count=1, min_ns=0, max_ns=0, sum_ns=0, negative=0, histogram=blob))
    assert distributions._encoded(distributions._slot(slots.lowest_ns), slots.counts) == blob


def _packed(outer: int, inner: int, counts: bytes, length: int = 0) -> str:
    plain = distributions._INNER.pack(inner, len(counts) + length, 0, 3, 1, 2**63 - 1, 1.0) + counts
    whole = zlib.compress(plain)
    return base64.b64encode(distributions._OUTER.pack(outer, len(whole)) + whole).decode()


GOOD = (0x1C849314, 0x1C849313)
TOO_FAR = bytes([0xFF, 0xFF, 0x7F, 0x02])  # a million empty slots, then one with a single value


@pytest.mark.parametrize(
    "blob",
    ["", "!", "AAAA", _packed(1, GOOD[1], b""), _packed(GOOD[0], 1, b""), _packed(*GOOD, b"\x02", 1),
     _packed(*GOOD, TOO_FAR), _packed(*GOOD, bytes(1 << 21)), "A" + _packed(*GOOD, b"\x02")],
)  # fmt: skip
def test_other_text_is_refused_as_a_histogram(blob: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        slots_of(Distribution(count=1, min_ns=0, max_ns=0, sum_ns=0, negative=0, histogram=blob))


def test_the_smallest_histogram_is_one_value_in_one_slot() -> None:
    blob = _packed(*GOOD, bytes([0x05, 0x02]))  # three empty slots, then a count of one
    slots = slots_of(Distribution(count=1, min_ns=3, max_ns=3, sum_ns=3, negative=0, histogram=blob))
    assert (slots.lowest_ns.tolist(), slots.counts.tolist()) == ([3], [1])
