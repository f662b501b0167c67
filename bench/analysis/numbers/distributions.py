"""Durations as `Distribution`s: folded from raw values, merged, and read back as quantiles and curves.

The histogram is an HdrHistogram of three significant digits over all of int64, so no duration is too long for it. Its
layout is arithmetic: each value below 2048 ns has a slot of its own; above, every doubling of the value has 1024 slots.
So the slot of a value is a shift and an addition, which numpy computes for millions of values at once. The occupied
slots are encoded and decoded here, byte for byte as the HdrHistogram library does it: the library would allocate all
55,296 slots of int64 for each of the thousands of histograms that a report reads, and record slot by slot in Python.

All counts are those of the recorded values. A duration below zero is a fault of a clock: it is counted in `negative`
and is not part of count, minimum, maximum, sum or histogram.
"""

from __future__ import annotations

import base64
import binascii
import functools
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.results import Distribution

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LOWEST_NS = 1
HIGHEST_NS = 2**63 - 1
SIGNIFICANT_DIGITS = 3
_LINEAR_BITS = 11  # 2 * 10**3 rounded up to a power of two: below it, one slot per nanosecond
_HALF = 1 << (_LINEAR_BITS - 1)
_SLOTS = (63 - _LINEAR_BITS + 2) * _HALF
_NONE: Ints = np.zeros(0, dtype=np.int64)

_OUTER = struct.Struct(">II")  # cookie, length of the compressed rest
_INNER = struct.Struct(">IIIIQQd")  # cookie, length of the counts, offset, digits, lowest, highest, ratio
_COOKIE_BITS = 0xFFFF_FF0F  # a cookie without the width of its words
_NO_WIDTH = 0x10  # in a cookie: the words have no common width
_OUTER_COOKIE, _INNER_COOKIE = 0x1C84_9304, 0x1C84_9303
_LARGEST_BYTES = 1 << 20  # twice the size of nine bytes for every slot
_LEB128_BYTES = 8  # of a count: only counts above 2**55 have a ninth byte, which has eight bits
_LEB128_SHIFTS = np.arange(0, 7 * (_LEB128_BYTES + 1), 7, dtype=np.uint64)
_LEB128_BITS = np.uint64(0x7F)


@dataclass(frozen=True, slots=True)
class Slots:
    """The occupied slots of a histogram in ascending order: inclusive bounds and the number of values in each."""

    lowest_ns: Ints
    highest_ns: Ints
    counts: Ints


def fold(values_ns: npt.ArrayLike) -> Distribution:
    """The distribution of integer durations. Raises TypeError for anything but integers."""
    values = np.asarray(values_ns)
    if values.size == 0:
        return _distribution(_NONE, _NONE, 0, 0, 0, 0)
    if values.dtype.kind not in "iu":
        raise TypeError(f"durations are integer nanoseconds, not {values.dtype}")
    values = values.astype(np.int64, copy=False).ravel()
    recorded = values[values >= 0]
    negative = int(values.size - recorded.size)
    if recorded.size == 0:
        return _distribution(_NONE, _NONE, 0, 0, 0, negative)
    per_slot = np.bincount(_slot(recorded))
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
        return _distribution(_NONE, _NONE, 0, 0, 0, negative)
    parts = [slots_of(distribution) for distribution in filled]
    lowest, place = np.unique(np.concatenate([part.lowest_ns for part in parts]), return_inverse=True)
    counts = np.zeros(lowest.size, dtype=np.int64)
    np.add.at(counts, place, np.concatenate([part.counts for part in parts]))
    return _distribution(
        _slot(lowest),
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
    slots = _decoded(histogram)
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
    return _decoded(distribution.histogram)


@functools.lru_cache(maxsize=2048)
def _decoded(histogram: str) -> Slots:
    """Cached: a report reads the same few hundred blobs for many figures."""
    slots, counts = _counted(_inflated(histogram), histogram)
    lowest = _lowest(slots)
    decoded = Slots(lowest, lowest + (_width(slots) - 1), counts)
    for array in (decoded.lowest_ns, decoded.highest_ns, decoded.counts):
        array.setflags(write=False)  # all callers share it
    return decoded


def _inflated(histogram: str) -> bytes:
    """The counts of an HdrHistogram V2 blob, still as variable-length numbers. Raises ValueError for any other."""
    try:
        raw = base64.b64decode(histogram)
        outer, length = _OUTER.unpack_from(raw)
        inflater = zlib.decompressobj()
        plain = inflater.decompress(raw[_OUTER.size :], _LARGEST_BYTES)
        inner, counts, _, digits, lowest, _, _ = _INNER.unpack_from(plain)
    except (binascii.Error, struct.error, zlib.error) as error:
        raise ValueError(f"not a histogram: {error}") from None
    if (outer & _COOKIE_BITS, inner & _COOKIE_BITS) != (_OUTER_COOKIE, _INNER_COOKIE):
        raise ValueError("not a histogram of the V2 encoding")
    if not inflater.eof or length != len(raw) - _OUTER.size or counts != len(plain) - _INNER.size:
        raise ValueError("not a whole histogram")
    if (lowest, digits) != (LOWEST_NS, SIGNIFICANT_DIGITS):
        raise ValueError("not a histogram of nanoseconds with three significant digits")
    return plain[_INNER.size :]


def _counted(packed: bytes, histogram: str) -> tuple[Ints, Ints]:
    """The occupied slots and their counts, from numbers in LEB128 with the sign in the lowest bit. A number above zero
    is the count of one slot, one below zero a number of empty slots (HdrHistogram, V2 encoding)."""
    data = np.frombuffer(packed, dtype=np.uint8)
    ends = np.flatnonzero(data < 0x80)
    starts = np.concatenate([[0], ends[:-1] + 1]) if ends.size else ends
    if data.size and (data[-1] >= 0x80 or np.max(ends - starts) >= _LEB128_BYTES):
        return _counted_by_the_library(histogram)
    if not data.size:
        return _NONE, _NONE
    place = np.arange(data.size) - np.repeat(starts, ends - starts + 1)
    bits = (data & 0x7F).astype(np.uint64) << (7 * place).astype(np.uint64)
    packed_counts = np.add.reduceat(bits, starts)
    counts = (packed_counts >> np.uint64(1)).astype(np.int64) ^ -(packed_counts & np.uint64(1)).astype(np.int64)
    steps = np.where(counts < 0, -counts, 1)
    slots = np.cumsum(steps) - steps
    if int(slots[-1] + steps[-1]) > _SLOTS:
        raise ValueError("not a histogram of 64 bits")
    occupied = counts > 0
    return slots[occupied], counts[occupied]


def _counted_by_the_library(histogram: str) -> tuple[Ints, Ints]:
    """The same for counts that are larger than those of any benchmark."""
    from hdrh.histogram import HdrHistogram

    per_slot = np.frombuffer(HdrHistogram.decode(histogram).counts, dtype=np.uint64)
    slots = np.flatnonzero(per_slot)
    return slots, per_slot[slots].astype(np.int64)


def _distribution(slots: Ints, counts: Ints, least: int, most: int, total: int, negative: int) -> Distribution:
    return Distribution(
        count=int(counts.sum()),
        min_ns=least,
        max_ns=most,
        sum_ns=total,
        negative=negative,
        histogram=_encoded(slots, counts),
    )


def _encoded(slots: Ints, counts: Ints) -> str:
    """The blob of occupied slots in ascending order, in the V2 encoding that `_inflated` and `_counted` read."""
    packed = _packed(slots, counts)
    plain = _INNER.pack(_INNER_COOKIE | _NO_WIDTH, len(packed), 0, SIGNIFICANT_DIGITS, LOWEST_NS, HIGHEST_NS, 1.0)
    compressed = zlib.compress(plain + packed)
    return base64.b64encode(_OUTER.pack(_OUTER_COOKIE | _NO_WIDTH, len(compressed)) + compressed).decode("ascii")


def _packed(slots: Ints, counts: Ints) -> bytes:
    """Counts as variable-length numbers; empty slots before one as a negative number of them."""
    empty = np.diff(slots, prepend=-1) - 1
    numbers = np.stack([-empty, counts], axis=1).ravel()
    return _leb128(numbers[numbers != 0])


def _leb128(numbers: Ints) -> bytes:
    """Integers with the sign in the lowest bit, seven bits a byte from the lowest, the highest bit for "more follows";
    a ninth byte is the last and holds eight bits."""
    bits = ((numbers << 1) ^ (numbers >> 63)).astype(np.uint64)
    groups = bits[:, None] >> _LEB128_SHIFTS
    follows = groups[:, 1:] > 0
    written = (groups & _LEB128_BITS).astype(np.uint8)
    written[:, :-1] |= follows.astype(np.uint8) << 7
    written[:, -1] = groups[:, -1]
    needed = np.concatenate([np.ones((bits.size, 1), dtype=bool), follows], axis=1)
    return bytes(written[needed])


def _slot(values: Ints) -> Ints:
    """The slot of each value. Above 2**53 a float's exponent may be one too high, which gives the same slot."""
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
    """The sum as a Python integer: the two halves of each value are summed separately, so nothing overflows."""
    return (int(np.sum(values >> 32)) << 32) + int(np.sum(values & 0xFFFF_FFFF))
