"""The recount against the definitions, and against the ledger, which counts in another way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.trials.recount import Arrivals, agree, recount
from bench.measure.recorder import Recorder, Window
from bench.messages import PROBE_FROM, Composer

COMPOSER = Composer(1, 80)
LAST = 14

events = st.lists(
    st.one_of(st.integers(0, LAST - 1), st.sampled_from(["told of a gap", "told of none", "probe"])), max_size=50
)


def definitions(happened: list[int | str], first: int, last: int) -> tuple[int, int, int, int]:
    """Lost, signalled, duplicated, reordered: every definition on its own, message by message."""
    numbers = [event for event in happened if isinstance(event, int)]
    lost = [n for n in range(first, last) if n not in numbers]
    duplicated = sum(max(0, numbers.count(n) - 1) for n in range(first, last))
    reordered = sum(
        n >= first and n not in numbers[:place] and n < max(numbers[:place], default=-1)
        for place, n in enumerate(numbers)
    )
    signalled = set()
    for place, event in enumerate(happened):
        if event == "told of a gap":
            before = [n for n in happened[:place] if isinstance(n, int)]
            reached = max(before, default=-1)
            new = [n for n in happened[place:] if isinstance(n, int) and n > reached]
            signalled |= {n for n in lost if reached < n < (new[0] if new else last)}
    return len(lost), len(signalled), duplicated, reordered


def arrivals(happened: list[int | str]) -> Arrivals:
    numbers: list[int] = []
    gaps = []
    for event in happened:
        if event == "told of a gap":
            gaps.append(len(numbers))
        elif event != "told of none":
            numbers.append(PROBE_FROM if event == "probe" else int(event))
    return Arrivals(numbers, gaps)


@given(events, st.integers(0, 6))
def test_the_oracle_counts_by_the_definitions(happened: list[int | str], first: int) -> None:
    found = recount([arrivals(happened)], first, LAST)
    assert (found.lost, found.signalled, found.duplicated, found.reordered) == definitions(happened, first, LAST)


@given(st.lists(events, min_size=1, max_size=3), st.integers(0, 6))
def test_the_ledger_counts_what_the_oracle_counts(subscribers: list[list[int | str]], first: int) -> None:
    recorder = Recorder(COMPOSER)
    for happened in subscribers:
        tally = recorder.tally()
        for moment, event in enumerate(happened):
            if isinstance(event, int) or event == "probe":
                number = PROBE_FROM if event == "probe" else int(event)
                tally.on_text(COMPOSER.compose(number, number), moment)
            else:
                tally.reconnected().signalled = event == "told of a gap"
    window = Window(first, LAST, first, LAST)
    assert agree(recorder.ledger(window, 0), recorder.recount(window))
    assert recorder.recount(window) == recount(map(arrivals, subscribers), first, LAST)


def test_a_count_that_differs_is_no_agreement() -> None:
    recorder = Recorder(COMPOSER)
    recorder.tally()
    window = Window(0, 3, 0, 3)
    assert not agree(recorder.ledger(window, 0), recount([Arrivals([0])], 0, 3))
