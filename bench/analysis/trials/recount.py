"""The recount: lost, signalled, duplicated and reordered messages, from all arrivals, by the definitions alone.

The ledger counts while messages arrive, and keeps only what it needs. The recount counts afterwards, and has every
arrival. The two have no code in common: where they differ, one of them is wrong and the trial is invalid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.results import Ledger, Recount


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What one subscriber received from one sender. numbers: every sequence number in the order of arrival, with
    repeats and probes. gaps_after: the number of arrivals before each reconnect at which the server signalled a gap.
    """

    numbers: Sequence[int]
    gaps_after: Sequence[int] = ()


def recount(streams: Iterable[Arrivals], first: int, last: int) -> Recount:
    """All counts of the messages `first` <= n < `last`. Numbers from `last` on are not counted; probes are among them.

    Lost: never arrived. Duplicated: arrived again. Reordered: arrived for the first time, after a later message.
    Signalled: lost, and between the last message before a gap and the first new message after it.
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
    distinct, first_places = np.unique(numbers, return_index=True)
    is_new = np.zeros(numbers.size, dtype=bool)
    is_new[first_places] = True
    highest_before = np.concatenate([[-1], np.maximum.accumulate(numbers)[:-1]]) if numbers.size else numbers
    counted = numbers >= first
    lost = np.setdiff1d(np.arange(first, last), distinct, assume_unique=True)
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
    """Whether ledger and recount are equal."""
    return (ledger.lost, ledger.signalled, ledger.duplicated, ledger.reordered) == (
        recount.lost, recount.signalled, recount.duplicated, recount.reordered,
    )  # fmt: skip
