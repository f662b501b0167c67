"""Durations as `Distribution`s: folded from raw values, merged, and read back as quantiles and curves.

The histogram is an HdrHistogram of three significant digits over all of int64, so no duration is too long for it. Its
layout is arithmetic: values below 2048 ns have a slot each; above, every doubling of the value has 1024 slots. That
makes the slot of a value a shift and an addition, which numpy does for millions of values at once; the library then
only records each distinct slot once, encodes and decodes.

Everything here counts the recorded values only. A duration below zero is a fault of a clock: it is counted in
`negative` and enters neither count, minimum, maximum, sum nor histogram.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from hdrh.histogram import HdrHistogram

from bench.results import Distribution

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LOWEST_NS = 1
HIGHEST_NS = 2**63 - 1
SIGNIFICANT_DIGITS = 3
_LINEAR_BITS = 11  # 2 * 10**3 rounded up to a power of two: below it, one slot per nanosecond
_HALF = 1 << (_LINEAR_BITS - 1)


@dataclass(frozen=True, slots=True)
class Slots:
    """The occupied slots of a histogram in ascending order: bounds (both inclusive) and how many values each holds."""

    lowest_ns: Ints
    highest_ns: Ints
    counts: Ints


def fold(values_ns: npt.ArrayLike) -> Distribution:
    """The distribution of integer durations. Raises TypeError for anything but integers."""
    values = np.asarray(values_ns)
    if values.size == 0:
        return _distribution(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), 0, 0, 0, 0)
    if values.dtype.kind not in "iu":
        raise TypeError(f"durations are integer nanoseconds, not {values.dtype}")
    values = values.astype(np.int64, copy=False).ravel()
    recorded = values[values >= 0]
    negative = int(values.size - recorded.size)
    if recorded.size == 0:
        return _distribution(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), 0, 0, 0, negative)
    per_slot = np.bincount(_slot(recorded))
    slots = np.flatnonzero(per_slot)
    return _distribution(
        slots, per_slot[slots], int(np.min(recorded)), int(np.max(recorded)), _exact_sum(recorded), negative
    )


def merge(distributions: Iterable[Distribution]) -> Distribution:
    """The distribution of all values of all `distributions`; equals the fold of their union."""
    every = list(distributions)
    held = [distribution for distribution in every if distribution.count]
    negative = sum(distribution.negative for distribution in every)
    if not held:
        return _distribution(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), 0, 0, 0, negative)
    parts = [slots_of(distribution) for distribution in held]
    lowest, place = np.unique(np.concatenate([part.lowest_ns for part in parts]), return_inverse=True)
    counts = np.zeros(lowest.size, dtype=np.int64)
    np.add.at(counts, place, np.concatenate([part.counts for part in parts]))
    return _distribution(
        _slot(lowest),
        counts,
        min(distribution.min_ns for distribution in held),
        max(distribution.max_ns for distribution in held),
        sum(distribution.sum_ns for distribution in held),
        negative,
    )


def quantile(distribution: Distribution, q: float) -> int | None:
    """The smallest recorded duration that at least the share `q` does not exceed; None where nothing was recorded.

    Read from the slot's upper bound, as HdrHistogram does: never below the truth, and above it by 0.1 % at most.
    Exact at q = 0 and q = 1.
    """
    if not 0.0 <= q <= 1.0:
        raise ValueError(f"a quantile lies between 0 and 1, not at {q}")
    if distribution.count == 0:
        return None
    if q == 0.0:
        return distribution.min_ns
    slots = slots_of(distribution)
    reached = np.cumsum(slots.counts)
    place = int(np.searchsorted(reached, q * distribution.count * (1 - 1e-12), side="left"))
    return min(max(int(slots.highest_ns[place]), distribution.min_ns), distribution.max_ns)


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
    return _decoded(distribution.histogram)


@functools.lru_cache(maxsize=1024)
def _decoded(histogram: str) -> Slots:
    """Decoded once: a report reads the same few hundred blobs for many figures."""
    decoded = HdrHistogram.decode(histogram)
    if (decoded.lowest_trackable_value, decoded.significant_figures) != (LOWEST_NS, SIGNIFICANT_DIGITS):
        raise ValueError("not a histogram of nanoseconds with three significant digits")
    per_slot = np.frombuffer(decoded.counts, dtype=np.uint64)
    slots = np.flatnonzero(per_slot)
    lowest = _lowest(slots)
    held = Slots(lowest, lowest + (_width(slots) - 1), per_slot[slots].astype(np.int64))
    for array in (held.lowest_ns, held.highest_ns, held.counts):
        array.setflags(write=False)  # shared by all who ask
    return held


def _distribution(slots: Ints, counts: Ints, least: int, most: int, total: int, negative: int) -> Distribution:
    histogram = HdrHistogram(LOWEST_NS, HIGHEST_NS, SIGNIFICANT_DIGITS)
    for value, count in zip(_lowest(slots).tolist(), counts.tolist(), strict=True):
        histogram.record_value(value, count)
    return Distribution(
        count=int(counts.sum()),
        min_ns=least,
        max_ns=most,
        sum_ns=total,
        negative=negative,
        histogram=histogram.encode().decode("ascii"),
    )


def _slot(values: Ints) -> Ints:
    """Where each value is counted. Above 2**53 a float's exponent may be one too high: slots join, so it is one."""
    exponent = np.frexp(values.astype(np.float64))[1].astype(np.int64)
    octave = np.maximum(exponent - _LINEAR_BITS, np.int64(0))
    slots: Ints = octave * _HALF + (values >> octave)
    return slots


def _octave(slots: Ints) -> Ints:
    return np.maximum(slots // _HALF - 1, 0)


def _lowest(slots: Ints) -> Ints:
    octave = _octave(slots)
    return (slots - octave * _HALF) << octave


def _width(slots: Ints) -> Ints:
    return np.int64(1) << _octave(slots)


def _exact_sum(values: Ints) -> int:
    """The sum as a Python integer: the halves of each value are summed apart, so nothing wraps around."""
    return (int(np.sum(values >> 32)) << 32) + int(np.sum(values & 0xFFFF_FFFF))
