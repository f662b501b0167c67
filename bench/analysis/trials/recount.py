"""Lost, signalled, duplicated, reordered, counted a second time: from raw arrivals and by the definitions alone.

The ledger counts while messages arrive and forgets what it need not know; the recount counts afterwards and forgets
nothing. It shares no line with the ledger: where the two differ, one of them is wrong and the trial worth nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.results import Ledger, Recount


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What one subscriber received from one sender: every number in the order in which it came, repeats and probes
    included; and how many had come when it came back from an absence after which the server told it of a gap.
    """

    numbers: Sequence[int]
    gaps_after: Sequence[int] = ()


def recount(streams: Iterable[Arrivals], first: int, last: int) -> Recount:
    """All counts of the messages `first` <= n < `last`. Numbers from `last` on are not theirs, probes among them.

    Lost: never came. Duplicated: came, and had come before. Reordered: came for the first time, after a later one.
    Signalled: lost, and between what had come before a gap and the first new message after it.
    """
    totals = [0, 0, 0, 0]
    for stream in streams:
        for place, count in enumerate(_of_stream(stream, first, last)):
            totals[place] += count
    lost, signalled, duplicated, reordered = totals
    return Recount(lost=lost, signalled=signalled, duplicated=duplicated, reordered=reordered)


def _of_stream(stream: Arrivals, first: int, last: int) -> tuple[int, int, int, int]:
    numbers = np.asarray(stream.numbers, dtype=np.int64)
    places = np.flatnonzero(numbers < last)
    numbers = numbers[places]
    known, came_first = np.unique(numbers, return_index=True)
    is_new = np.zeros(numbers.size, dtype=bool)
    is_new[came_first] = True
    highest_before = np.concatenate([[-1], np.maximum.accumulate(numbers)[:-1]]) if numbers.size else numbers
    counted = numbers >= first
    lost = np.setdiff1d(np.arange(first, last), known, assume_unique=True)
    covered = np.zeros(lost.size, dtype=bool)
    for gap in stream.gaps_after:
        start = max(numbers[places < gap].tolist(), default=-1)
        later = numbers[is_new & (places >= gap) & (numbers > start)]
        covered |= (lost > start) & (lost < (later[0] if later.size else last))
    return (
        lost.size,
        int(covered.sum()),
        int((counted & ~is_new).sum()),
        int((counted & is_new & (numbers < highest_before)).sum()),
    )


def agree(ledger: Ledger, recount: Recount) -> bool:
    """Whether both count the same."""
    return (ledger.lost, ledger.signalled, ledger.duplicated, ledger.reordered) == (
        recount.lost, recount.signalled, recount.duplicated, recount.reordered,
    )  # fmt: skip
