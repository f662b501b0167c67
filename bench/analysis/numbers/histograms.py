"""Histograms of durations: HdrHistogram, V2 encoding, three significant digits over all of int64.

The layout is arithmetic: each value below 2048 ns has a slot of its own; above, every doubling of the value has 1024
slots. So the slot of a value is a shift and an addition, which numpy computes for millions of values at once. The
occupied slots are encoded and decoded here, byte for byte as the HdrHistogram library does it: the library would
allocate all 55,296 slots of int64 for each of the thousands of histograms that a report reads, and record slot by slot
in Python.
"""

from __future__ import annotations

import base64
import functools
import struct
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

LOWEST_NS = 1
HIGHEST_NS = 2**63 - 1
SIGNIFICANT_DIGITS = 3
_LINEAR_BITS = 11  # 2 * 10**3 rounded up to a power of two: below it, one slot per nanosecond
_HALF = 1 << (_LINEAR_BITS - 1)
_SLOTS = (63 - _LINEAR_BITS + 2) * _HALF
NO_SLOTS: Ints = np.zeros(0, dtype=np.int64)

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


@functools.lru_cache(maxsize=2048)
def decoded(histogram: str) -> Slots:
    """The occupied slots of a histogram. Raises ValueError for another encoding or layout. Cached: a report reads the
    same few hundred histograms for many figures."""
    slots, counts = _counted(_inflated(histogram), histogram)
    lowest = _lowest_of(slots)
    occupied = Slots(lowest, lowest + (_width_of(slots) - 1), counts)
    for array in (occupied.lowest_ns, occupied.highest_ns, occupied.counts):
        array.setflags(write=False)  # all callers share it
    return occupied


def _inflated(histogram: str) -> bytes:
    """The counts of an HdrHistogram V2 blob, still as variable-length numbers. Raises ValueError for any other."""
    try:
        raw = base64.b64decode(histogram, validate=True)
        outer, length = _OUTER.unpack_from(raw)
        inflater = zlib.decompressobj()
        plain = inflater.decompress(raw[_OUTER.size :], _LARGEST_BYTES)
        inner, counts, _, digits, lowest, _, _ = _INNER.unpack_from(plain)
    except (ValueError, struct.error, zlib.error) as error:  # binascii.Error is a ValueError, as that for non-ASCII is
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
        return NO_SLOTS, NO_SLOTS
    place = np.arange(data.size) - np.repeat(starts, ends - starts + 1)
    bits = (data & 0x7F).astype(np.uint64) << (7 * place).astype(np.uint64)
    packed_counts = np.add.reduceat(bits, starts)
    counts = (packed_counts >> np.uint64(1)).astype(np.int64) ^ -(packed_counts & np.uint64(1)).astype(np.int64)
    steps = np.where(counts < 0, -counts, 1)
    slots = np.cumsum(steps) - steps
    if int(np.max(steps)) > _SLOTS or int(slots[-1] + steps[-1]) > _SLOTS:
        raise ValueError("not a histogram of 64 bits")
    occupied = counts > 0
    return slots[occupied], counts[occupied]


def _counted_by_the_library(histogram: str) -> tuple[Ints, Ints]:
    """The same for counts that are larger than those of any benchmark."""
    from hdrh.histogram import HdrHistogram

    try:
        per_slot = np.frombuffer(HdrHistogram.decode(histogram).counts, dtype=np.uint64)
    except Exception as error:  # the library raises what its decoder in C happens to meet
        raise ValueError(f"not a histogram: {error}") from None
    slots = np.flatnonzero(per_slot)
    return slots, per_slot[slots].astype(np.int64)


def encoded(slots: Ints, counts: Ints) -> str:
    """The histogram of occupied slots in ascending order."""
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


def slot_of(values: Ints) -> Ints:
    """The slot of each value. Above 2**53 a float's exponent may be one too high, which gives the same slot."""
    exponent = np.frexp(values.astype(np.float64))[1].astype(np.int64)
    octave = np.maximum(exponent - _LINEAR_BITS, np.int64(0))
    slots: Ints = octave * _HALF + (values >> octave)
    return slots


def _octave_of(slots: Ints) -> Ints:
    return np.maximum(slots // _HALF - 1, 0)


def _lowest_of(slots: Ints) -> Ints:
    octave = _octave_of(slots)
    return (slots - octave * _HALF) << octave


def _width_of(slots: Ints) -> Ints:
    return np.int64(1) << _octave_of(slots)
