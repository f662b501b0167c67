"""What is reported of workloads by their kind: how searches ended, what a storm dropped, a room beside the echo."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from bench.analysis.numbers.statistics import Verdict, compare
from bench.analysis.runs.cells import Cells
from bench.analysis.trials.rate_search import limits_in_words, worst_slip
from bench.report.text import listed
from bench.report.traced import Phrase
from bench.results import CapacityStep, ScenarioFacts, Storm, Trial, VariantFacts
from bench.scenarios import Arrivals, Publishes, Question, Search, of_record, reference
from bench.units import counted, quantity, ratio

_Fact = TypeVar("_Fact")


def details(cells: Cells, scenario: ScenarioFacts) -> Iterator[Phrase]:
    """The sentences that follow from the kind of a scenario; none for most."""
    declared = of_record(scenario.name)
    if isinstance(declared.kind, Search):
        yield from _searches(cells, scenario.name)
    if isinstance(declared.kind, Arrivals):
        yield from _storm(cells, scenario.name)
    if declared.publishes is Publishes.SUBSCRIBERS and not declared.audience.alone:
        yield from _beside_echo(cells, scenario.name)


def _recorded(
    cells: Cells, scenario: str, of: Callable[[Trial], _Fact | None]
) -> Iterator[tuple[VariantFacts, list[_Fact]]]:
    """Every variant with the facts of its valid trials; without those that have none."""
    for variant in cells.measured(scenario):
        if facts := [fact for trial in cells.valid(scenario, variant.name) if (fact := of(trial))]:
            yield variant, facts


def _searches(cells: Cells, name: str) -> list[Phrase]:
    """What ended the searches, the variants without a sustained rate, and how evenly messages were sent."""
    searches = list(_recorded(cells, name, lambda trial: trial.capacity))
    if not searches:
        return []
    limits = limits_in_words([(variant.label, steps) for variant, steps in searches])
    none = [variant.label for variant, _ in searches if cells.estimate("capacity", name, variant.name) is None]
    return [
        (f"Limits of the searches: {'; '.join(limits)}.",),
        *([(f"None of the tested rates was sustained by {listed(none)}.",)] if none else []),
        *_evenly([steps for _, held in searches for steps in held]),
    ]


def _evenly(searches: list[list[CapacityStep]]) -> list[Phrase]:
    """Whether messages of the sustained rates were sent evenly: batching servers need less CPU for a clump of them."""
    slips = worst_slip(searches)
    if slips is None:
        return []
    p50, p99 = (quantity(slip, "ns") for slip in slips)
    return [(f"At the sustained rates, messages were sent at most {p50} (p50) and {p99} (p99) after they were due.",)]


def _beside_echo(cells: Cells, name: str) -> list[Phrase]:
    """The CPU of a delivery in a room divided by that of an echo, paired by block, for variants with an interval."""
    echo = reference(Question.ROUND_TRIP)
    ratios: list[str] = []
    floor = max((cells.floor("cpu", scenario) for scenario in (name, echo)), key=lambda floor: floor.ratio)
    for variant in cells.measured(name):
        room, alone = (cells.by_block("cpu", scenario, variant.name) for scenario in (name, echo))
        compared = compare(room, alone, floor)
        if compared.ratio is not None and not compared.ratio.too_few:
            none = " (no difference shown)" if compared.verdict is Verdict.NONE_SHOWN else ""
            ratios.append(f"{variant.label} {ratio(compared.ratio)}{none}")
    return [(f"CPU per delivery in a room, divided by that of an echo: {', '.join(ratios)}.",)] if ratios else []


def _storm(cells: Cells, name: str) -> Iterator[Phrase]:
    storms = {variant.label: facts for variant, facts in _recorded(cells, name, lambda trial: trial.storm)}
    silent = [one.label for one in cells.measured(name) if not cells.values("all_connected", name, one.name)]
    if silent:
        yield (f"{listed(silent)} cannot show a subscription before the first message.",)
    drops = {
        label: [one.accept_queue_drops for one in facts if one.accept_queue_drops is not None]
        for label, facts in storms.items()
    }
    yield _dropped({label: max(counts) for label, counts in drops.items() if counts})
    left_open = [words for label, facts in storms.items() if (words := _left_open(label, facts))]
    if left_open:
        yield (
            f"Connections of subscribers that had left were still open at the end of the wait: {', '.join(left_open)}.",
        )


def _dropped(most: dict[str, int]) -> Phrase:
    """How many connects were dropped by a full accept queue, in the worst trial of every variant, and had to retry."""
    if not most:
        return ("Connects dropped by a full accept queue are not visible here.",)
    dropped = [f"{label} {drops:,}" for label, drops in most.items() if drops]
    if not dropped:
        return ("No connect was dropped by a full accept queue.",)
    return (f"Connects dropped by a full accept queue, in the worst trial: {', '.join(dropped)}.",)


def _left_open(label: str, storms: Sequence[Storm]) -> str:
    """In how many trials the server had not closed all connections by the end of the wait; empty for none."""
    counted_trials = [one for one in storms if one.fds_before is not None and one.fds_after is not None]
    still_open = sum(one.fds_released_ns is None for one in counted_trials)
    return f"{label} in {still_open} of {counted(len(counted_trials), 'trial')}" if still_open else ""
