"""Byte streams cut every which way: what a parser makes of them must not depend on the cuts."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

from hypothesis import strategies as st


def pieces(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    """`data` cut at `cuts` (taken modulo its length); no piece is empty, as none is that a socket gives."""
    places = sorted({cut % len(data) for cut in cuts} | {0, len(data)}) if data else []
    return [data[start:end] for start, end in pairwise(places)]


T = TypeVar("T")

cuts = st.lists(st.integers(0, 1 << 20), max_size=12)


def every_single_cut(data: bytes) -> Iterator[list[bytes]]:
    """`data` whole, in single bytes, and in two pieces at every place."""
    yield pieces(data, [])
    yield pieces(data, range(len(data)))
    for cut in range(1, len(data)):
        yield pieces(data, [cut])


def fed(feed: Callable[[bytes], Iterable[T]], parts: Sequence[bytes]) -> list[T]:
    """Everything that `feed` returns for the parts."""
    return [item for part in parts for item in feed(part)]
