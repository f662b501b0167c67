"""Durations as `Distribution`s: folded from raw values, merged, and read back as quantiles and curves.

All counts are those of the recorded values. A duration below zero is a fault of a clock: it is counted in `negative`
and is not part of count, minimum, maximum, sum or histogram (`histograms`).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from bench.analysis.numbers.histograms import NO_SLOTS, Ints, Slots, decoded, encoded, slot_of
from bench.results import Distribution

Floats = npt.NDArray[np.float64]

_ROUNDING = 1e-9  # of a sum of products in floats


def fold(values_ns: npt.ArrayLike) -> Distribution:
    """The distribution of integer durations. Raises TypeError for anything but integers."""
    values = np.asarray(values_ns)
    if values.size == 0:
        return _distribution(NO_SLOTS, NO_SLOTS, 0, 0, 0, 0)
    if values.dtype.kind not in "iu":
        raise TypeError(f"durations are integer nanoseconds, not {values.dtype}")
    values = values.astype(np.int64, copy=False).ravel()
    recorded = values[values >= 0]
    negative = int(values.size - recorded.size)
    if recorded.size == 0:
        return _distribution(NO_SLOTS, NO_SLOTS, 0, 0, 0, negative)
    per_slot = np.bincount(slot_of(recorded))
    slots = np.flatnonzero(per_slot)
    return _distribution(
        slots, per_slot[slots], int(np.min(recorded)), int(np.max(recorded)), _exact_sum(recorded), negative
    )


def merge(distributions: Iterable[Distribution]) -> Distribution:
    """The distribution of all values of all `distributions`; equals the fold of their union."""
    distributions = list(distributions)
    filled = [distribution for distribution in distributions if distribution.count]
    negative = sum(distribution.negative for distribution in distributions)
    if not filled:
        return _distribution(NO_SLOTS, NO_SLOTS, 0, 0, 0, negative)
    parts = [slots_of(distribution) for distribution in filled]
    lowest, place = np.unique(np.concatenate([part.lowest_ns for part in parts]), return_inverse=True)
    counts = np.zeros(lowest.size, dtype=np.int64)
    np.add.at(counts, place, np.concatenate([part.counts for part in parts]))
    return _distribution(
        slot_of(lowest),
        counts,
        min(distribution.min_ns for distribution in filled),
        max(distribution.max_ns for distribution in filled),
        sum(distribution.sum_ns for distribution in filled),
        negative,
    )


def quantile(distribution: Distribution, q: float) -> int | None:
    """The smallest recorded duration that at least the share `q` does not exceed; None where nothing was recorded.

    It is the slot's upper bound, as in HdrHistogram: never below the true value, and above it by 0.1 % at most. Exact
    at q = 0 and q = 1.
    """
    if not 0.0 <= q <= 1.0:
        raise ValueError(f"a quantile lies between 0 and 1, not at {q}")
    if distribution.count == 0:
        return None
    if q == 0.0:
        return distribution.min_ns
    highest_ns = _highest_at(distribution.histogram, q * distribution.count * (1 - 1e-12))
    return min(max(highest_ns, distribution.min_ns), distribution.max_ns)


@functools.lru_cache(maxsize=1 << 16)
def _highest_at(histogram: str, rank: float) -> int:
    """The upper bound of the slot with the value of this rank; cached, because tables and figures need the same few
    quantiles of every distribution."""
    slots = decoded(histogram)
    place = int(np.searchsorted(np.cumsum(slots.counts), rank, side="left"))
    return int(slots.highest_ns[place])


def cdf(distribution: Distribution) -> tuple[Ints, Floats]:
    """Durations in ascending order and, for each, the share of values that do not exceed it. Empty when empty.

    Starts with the minimum at the share of values in its slot below it (0) so that a step curve begins on the axis.
    """
    if distribution.count == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    slots = slots_of(distribution)
    values = np.clip(slots.highest_ns, distribution.min_ns, distribution.max_ns)
    shares = np.cumsum(slots.counts) / distribution.count
    return np.concatenate([[distribution.min_ns], values]), np.concatenate([[0.0], shares])


def mean(distribution: Distribution) -> float | None:
    """The exact mean; None where nothing was recorded."""
    return distribution.sum_ns / distribution.count if distribution.count else None


def slots_of(distribution: Distribution) -> Slots:
    """The occupied slots of a distribution's histogram. Raises ValueError for a histogram of another layout."""
    return decoded(distribution.histogram)


def contradiction(distribution: Distribution) -> str:
    """How a distribution and its histogram differ, in words; empty where they agree. Raises ValueError for a damaged
    histogram."""
    slots = slots_of(distribution)
    total = int(slots.counts.sum())
    if total != distribution.count:
        return f"the histogram holds {total:,} values, count is {distribution.count:,}"
    if total == 0:
        return ""
    if not slots.lowest_ns[0] <= distribution.min_ns <= slots.highest_ns[0]:
        return f"min_ns {distribution.min_ns:,} is not in the first slot of the histogram"
    if not slots.lowest_ns[-1] <= distribution.max_ns <= slots.highest_ns[-1]:
        return f"max_ns {distribution.max_ns:,} is not in the last slot of the histogram"
    lowest, highest = (
        float(bounds @ slots.counts.astype(np.float64)) for bounds in (slots.lowest_ns, slots.highest_ns)
    )
    if not lowest * (1 - _ROUNDING) <= distribution.sum_ns <= highest * (1 + _ROUNDING):
        return f"sum_ns {distribution.sum_ns:,} is not that of the histogram"
    return ""


def _distribution(slots: Ints, counts: Ints, least: int, most: int, total: int, negative: int) -> Distribution:
    return Distribution(
        count=int(counts.sum()),
        min_ns=least,
        max_ns=most,
        sum_ns=total,
        negative=negative,
        histogram=encoded(slots, counts),
    )


def _exact_sum(values: Ints) -> int:
    """The sum as a Python integer: the two halves of each value are summed separately, so nothing overflows."""
    return (int(np.sum(values >> 32)) << 32) + int(np.sum(values & 0xFFFF_FFFF))
