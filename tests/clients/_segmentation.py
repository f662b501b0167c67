"""Byte streams in every segmentation: what a parser returns must not depend on where they are split."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

from hypothesis import strategies as st


def pieces(data: bytes, splits: Sequence[int]) -> list[bytes]:
    """`data` split at `splits` (taken modulo its length). No piece is empty, because a socket returns none."""
    places = sorted({split % len(data) for split in splits} | {0, len(data)}) if data else []
    return [data[start:end] for start, end in pairwise(places)]


T = TypeVar("T")

splits = st.lists(st.integers(0, 1 << 20), max_size=12)


def every_single_split(data: bytes) -> Iterator[list[bytes]]:
    """`data` in one piece, in single bytes, and in two pieces split at every place."""
    yield pieces(data, [])
    yield pieces(data, range(len(data)))
    for split in range(1, len(data)):
        yield pieces(data, [split])


def fed(feed: Callable[[bytes], Iterable[T]], parts: Sequence[bytes]) -> list[T]:
    """Everything that `feed` returns for the parts."""
    return [item for part in parts for item in feed(part)]
