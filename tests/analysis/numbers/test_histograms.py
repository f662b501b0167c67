"""Histograms, with the HdrHistogram library as the oracle."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.numbers import histograms
from bench.analysis.numbers.histograms import decoded, encoded, slot_of

durations = st.one_of(st.integers(0, 5_000), st.integers(0, 10**10), st.integers(0, 2**63 - 1))
COUNTS = st.one_of(st.integers(1, 300), st.integers(1, 2**40), st.integers(2**54, 2**62))


@given(st.dictionaries(durations, COUNTS, max_size=60))
def test_a_histogram_is_decoded_as_by_the_library(counts: dict[int, int]) -> None:
    oracle = HdrHistogram(histograms.LOWEST_NS, histograms.HIGHEST_NS, histograms.SIGNIFICANT_DIGITS)
    for value, count in counts.items():
        oracle.record_value(value, count)
    blob = oracle.encode().decode("ascii")
    by_library = HdrHistogram.decode(blob)
    per_slot = np.frombuffer(by_library.counts, dtype=np.uint64)
    slots = decoded(blob)
    occupied = np.flatnonzero(per_slot)
    assert slots.counts.tolist() == per_slot[occupied].tolist()
    assert slots.lowest_ns.tolist() == [by_library.get_value_from_index(int(slot)) for slot in occupied]


@given(st.dictionaries(durations, st.one_of(st.integers(1, 300), st.integers(1, 2**56)), max_size=60))
def test_slots_are_encoded_as_the_library_does(counts: dict[int, int]) -> None:
    oracle = HdrHistogram(histograms.LOWEST_NS, histograms.HIGHEST_NS, histograms.SIGNIFICANT_DIGITS)
    for value, count in counts.items():
        oracle.record_value(value, count)
    blob = oracle.encode().decode("ascii")
    slots = decoded(blob)
    assert encoded(slot_of(slots.lowest_ns), slots.counts) == blob


def _packed(outer: int, inner: int, counts: bytes, length: int = 0) -> str:
    plain = histograms._INNER.pack(inner, len(counts) + length, 0, 3, 1, 2**63 - 1, 1.0) + counts
    whole = zlib.compress(plain)
    return base64.b64encode(histograms._OUTER.pack(outer, len(whole)) + whole).decode()


GOOD = (0x1C849314, 0x1C849313)
TOO_FAR = bytes([0xFF, 0xFF, 0x7F, 0x02])  # a million empty slots, then one with a single value


@pytest.mark.parametrize(
    "blob",
    ["", "!", "AAAA", _packed(1, GOOD[1], b""), _packed(GOOD[0], 1, b""), _packed(*GOOD, b"\x02", 1),
     _packed(*GOOD, TOO_FAR), _packed(*GOOD, bytes(1 << 21)), "A" + _packed(*GOOD, b"\x02")],
)  # fmt: skip
def test_other_text_is_refused_as_a_histogram(blob: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        decoded(blob)


def test_the_smallest_histogram_is_one_value_in_one_slot() -> None:
    blob = _packed(*GOOD, bytes([0x05, 0x02]))  # three empty slots, then a count of one
    slots = decoded(blob)
    assert (slots.lowest_ns.tolist(), slots.counts.tolist()) == ([3], [1])


def test_a_histogram_of_another_layout_is_refused() -> None:
    coarse = HdrHistogram(1, 10**9, 2)
    coarse.record_value(7)
    blob = coarse.encode().decode("ascii")
    with pytest.raises(ValueError, match="three significant digits"):
        decoded(blob)
