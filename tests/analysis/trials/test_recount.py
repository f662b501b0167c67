"""The recount, with the definitions and the ledger as oracles."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.trials.recount import Arrivals, agree, recount
from bench.measure.recorder import Recorder, Window
from bench.messages import PROBE_FROM, Composer

COMPOSER = Composer(1, 80)
LAST = 14

events = st.lists(
    st.one_of(st.integers(0, LAST - 1), st.sampled_from(["reconnect with a gap", "reconnect", "probe"])), max_size=50
)


def definitions(history: list[int | str], first: int, last: int) -> tuple[int, int, int, int]:
    """Lost, signalled, duplicated, reordered: each definition by itself, message by message."""
    numbers = [event for event in history if isinstance(event, int)]
    lost = [n for n in range(first, last) if n not in numbers]
    duplicated = sum(max(0, numbers.count(n) - 1) for n in range(first, last))
    reordered = sum(
        n >= first and n not in numbers[:place] and n < max(numbers[:place], default=-1)
        for place, n in enumerate(numbers)
    )
    signalled = set()
    for place, event in enumerate(history):
        if event == "reconnect with a gap":
            before = [n for n in history[:place] if isinstance(n, int)]
            reached = max(before, default=-1)
            new = [n for n in history[place:] if isinstance(n, int) and n > reached]
            signalled |= {n for n in lost if reached < n < (new[0] if new else last)}
    return len(lost), len(signalled), duplicated, reordered


def arrivals(history: list[int | str]) -> Arrivals:
    numbers: list[int] = []
    gaps = []
    for event in history:
        if event == "reconnect with a gap":
            gaps.append(len(numbers))
        elif event != "reconnect":
            numbers.append(PROBE_FROM if event == "probe" else int(event))
    return Arrivals(numbers, gaps)


@given(events, st.integers(0, 6))
def test_the_recount_follows_the_definitions(history: list[int | str], first: int) -> None:
    counts = recount([arrivals(history)], first, LAST)
    assert (counts.lost, counts.signalled, counts.duplicated, counts.reordered) == definitions(history, first, LAST)


@given(st.lists(events, min_size=1, max_size=3), st.integers(0, 6))
def test_ledger_and_recount_are_equal(subscribers: list[list[int | str]], first: int) -> None:
    recorder = Recorder(COMPOSER)
    for history in subscribers:
        tally = recorder.tally()
        for moment, event in enumerate(history):
            if isinstance(event, int) or event == "probe":
                number = PROBE_FROM if event == "probe" else int(event)
                tally.on_text(COMPOSER.compose(number, number), moment)
            else:
                tally.reconnected().signalled = event == "reconnect with a gap"
    window = Window(first, LAST, first, LAST)
    assert agree(recorder.ledger(window, 0), recorder.recount(window))
    assert recorder.recount(window) == recount(map(arrivals, subscribers), first, LAST)


def test_a_ledger_with_another_count_does_not_agree() -> None:
    recorder = Recorder(COMPOSER)
    recorder.tally()
    window = Window(0, 3, 0, 3)
    assert not agree(recorder.ledger(window, 0), recount([Arrivals([0])], 0, 3))
