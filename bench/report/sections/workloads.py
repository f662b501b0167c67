"""The workloads beside broadcast and echo, a paragraph each: what a run shows of them. Nothing is true in advance.

Techniques are ranked as everywhere: by the interval of the paired ratio and the noise floor. Products stand behind
them, each beside its own technique.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bench.analysis.numbers.statistics import Verdict, compare
from bench.analysis.runs import batching
from bench.analysis.runs.batching import Crossing, Place
from bench.analysis.runs.cells import Cells
from bench.analysis.trials.rate_search import limits_in_words, median_is_lower_bound, worst_slip
from bench.report.sections._ranking_sentence import medians, standing
from bench.report.sections._section import Section
from bench.report.text import listed
from bench.report.traced import Phrase
from bench.results import CapacityStep, Storm, Trial, VariantFacts
from bench.units import counted, factor, measured, quantity, ratio

_Fact = TypeVar("_Fact")
BATCHING = "batching"
SENTENCE_OF_BATCHING = (
    "Batching: at a higher rate one answer carries several messages. From which rate on, and does asking then cost the"
    " server less than pushing?"
)
COMMANDS = {
    BATCHING: "python -m bench run -s broadcast --sweep broadcast.rate_hz=1,5,80,320",
    **{name: f"python -m bench run -s {name}" for name in ("capacity", "burst", "chat", "storm")},
}


@dataclass(frozen=True, slots=True)
class Workload:
    """One workload: its question as the scenario puts it, and what the run says to it."""

    name: str
    question: str
    told: list[Phrase]


@dataclass(frozen=True, slots=True)
class Workloads:
    """The workloads that were measured, and the names and commands of the others."""

    workloads: list[Workload]
    unmeasured: list[tuple[str, str]]
    invalid: list[str]

    @property
    def missing(self) -> str:
        """The names of those that were not measured, in words."""
        return listed(name for name, _ in self.unmeasured)


def workloads(cells: Cells) -> Workloads:
    """The section of a run."""
    questions = {scenario.name: scenario.description for scenario in cells.run.scenarios}
    found: list[Workload] = []
    unmeasured: list[tuple[str, str]] = []
    invalid: list[str] = []
    for name, paragraph in PARAGRAPHS.items():
        told = [phrase for phrase in paragraph(cells) if phrase]
        if told:
            found.append(Workload(name, questions.get(name, SENTENCE_OF_BATCHING), told))
        elif name in cells.scenarios:
            invalid.append(name)
        else:
            unmeasured.append((name, COMMANDS[name]))
    return Workloads(found, unmeasured, invalid)


def _parameter(cells: Cells, scenario: str, name: str) -> float:
    """A parameter of a scenario of the run; 0 where it has none of that name."""
    held = next((one.parameters for one in cells.run.scenarios if one.name == scenario), {})
    value = held.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _held(
    cells: Cells, scenario: str, of: Callable[[Trial], _Fact | None]
) -> Iterator[tuple[VariantFacts, list[_Fact]]]:
    """Every variant of a scenario with what its valid trials hold; without those that hold nothing."""
    for variant in cells.measured(scenario):
        if found := [fact for trial in cells.valid(scenario, variant.name) if (fact := of(trial))]:
            yield variant, found


def _capacity(cells: Cells) -> list[Phrase]:
    name = "capacity"
    searches = {variant.name: held for variant, held in _held(cells, name, lambda trial: trial.capacity)}
    if not searches:
        return []
    found = {one: cells.estimate(name, name, one) for one in searches}
    least = {
        one for one, held in searches.items() if (known := found[one]) and median_is_lower_bound(held, known.median)
    }
    none = [cells.facts[one].label for one in searches if found[one] is None]
    limits = limits_in_words([(cells.facts[one].label, held) for one, held in searches.items()])
    subscribers, bound_ns = _parameter(cells, name, "subscribers"), 1e9 * _parameter(cells, name, "bound_s")
    head = (
        f"The most messages per second to each of {subscribers:,.0f} subscribers with none lost and 99\u00a0% arriving"
        f" within {quantity(bound_ns, 'ns')}: "
    )
    return [
        standing(cells, name, name, head, least),
        medians(cells, "capacity_deliveries", name, "In deliveries per second: ", least),
        (f"What ended the searches: {'; '.join(limits)}.",),
        (f"None of the rates tried was sustained by {listed(none)}.",) if none else (),
        _evenly([steps for held in searches.values() for steps in held]),
    ]


def _evenly(searches: list[list[CapacityStep]]) -> Phrase:
    """Whether what was sustained had been sent evenly: a server that batches does a clump at less cost."""
    slips = worst_slip(searches)
    if slips is None:
        return ()
    p50, p99 = (quantity(slip, "ns") for slip in slips)
    return (f"At the rates sustained, half of the messages left within {p50} of when they were due and 99\u00a0% within"
            f" {p99}, in every search.",)  # fmt: skip


def _batching(cells: Cells) -> list[Phrase]:
    """For each that asks: from when on its answers carry several messages, then its costs beside all who push."""
    held: dict[str, list[Crossing]] = {}
    for one in batching.crossings(cells):
        held.setdefault(one.variant.name, []).append(one)
    return [
        (" ".join([*(_several(one) for one in found if one.other is None), *_cheaper(found)]),)
        for found in held.values()
    ]


def _rate(hz: float) -> str:
    return quantity(hz, "per s")


def _several(one: Crossing) -> str:
    several, low, high = f"{batching.SEVERAL:g} messages", _rate(one.low_hz), _rate(one.high_hz)
    said = {
        Place.WITHIN: f"carries {several} from {measured(one.rate_hz, 'per s')} on",
        Place.BELOW: f"carries {several} or more at every measured rate, from {low} on",
        Place.ABOVE: f"does not come to carry {several} within the measured rates, {low} to {high}",
        Place.UNDECIDED: f"comes to carry {several} in some blocks of this run and not in others, up to {high}",
    }
    return f"{one.variant.label}: one answer {said[one.place]}; at {high} it carries {one.at_high:.3g}."


COSTS = {
    (Place.WITHIN, False): "Its server CPU per message falls below that of {}.",
    (Place.BELOW, False): "At both ends of the measured rates its server CPU per message is below that of {}.",
    (Place.ABOVE, False): "At both ends of the measured rates its server CPU per message is above that of {}.",
    (Place.UNDECIDED, False): "Its server CPU per message is not shown to cross that of {}.",
    (Place.UNDECIDED, True): "There are too few trials to say where its server CPU per message crosses that of {}.",
}
"""By what was found, and whether there were too few trials to find it."""


def _cheaper(found: Sequence[Crossing]) -> list[str]:
    told = []
    for kind, words in COSTS.items():
        same = [f"{one.other.label} {_where(one)}" for one in found if one.other and (one.place, one.too_few) == kind]
        if same:
            told.append(words.format(listed(same)))
    return told


def _where(one: Crossing) -> str:
    """Where a crossing lies, or between which rates it was sought, and how the costs compare at the highest."""
    sought = f"{_rate(one.low_hz)} to {_rate(one.high_hz)}, {factor(one.at_high)} at the end"
    return f"at {measured(one.rate_hz, 'per s')}" if one.place is Place.WITHIN else f"({sought})"


def _burst(cells: Cells) -> list[Phrase]:
    name = "burst"
    size, subscribers = _parameter(cells, name, "burst"), _parameter(cells, name, "subscribers")
    first = standing(
        cells, "burst_p50", name,
        f"Until the last of {subscribers:,.0f} subscribers has all {size:,.0f} messages of a burst: ",
    )  # fmt: skip
    batches = medians(cells, "batch", name, "Messages per response, or per segment of those who are pushed to: ")
    return [first, batches] if first else []


def _chat(cells: Cells) -> list[Phrase]:
    name = "chat"
    return [
        standing(cells, "latency_p50", name, "Median latency in a room: "),
        standing(cells, "cpu", name, "Server CPU per delivered message: "),
        _beside_echo(cells, name),
    ]


def _beside_echo(cells: Cells, name: str) -> Phrase:
    """The CPU of a delivery in a room to that of an echo, paired by block, as far as there is an interval."""
    told: list[str] = []
    floor = max((cells.floor("cpu", scenario) for scenario in (name, "echo")), key=lambda floor: floor.ratio)
    for variant in cells.measured(name):
        ours, theirs = (cells.by_block("cpu", scenario, variant.name) for scenario in (name, "echo"))
        apart = compare(ours, theirs, floor)
        if apart.ratio is not None and not apart.ratio.too_few:
            none = " (no difference shown)" if apart.verdict is Verdict.NONE_SHOWN else ""
            told.append(f"{variant.label} {ratio(apart.ratio)}{none}")
    return (f"A delivery in a room takes, beside an echo, this part of the CPU: {', '.join(told)}.",) if told else ()


def _storm(cells: Cells) -> list[Phrase]:
    name = "storm"
    storms = {variant.label: held for variant, held in _held(cells, name, lambda trial: trial.storm)}
    if not storms:
        return []
    count = _parameter(cells, name, "subscribers")
    silent = [one.label for one in cells.measured(name) if not cells.values("all_connected", name, one.name)]
    return [
        standing(cells, "all_connected", name, f"Until {counted(round(count), 'subscriber')} that connect at once are"
                 " all subscribed: "),
        medians(cells, "arrivals_rate", name, "Connects per second: "),
        standing(cells, "arrival_cpu", name, "Server CPU per connect: "),
        (f"{listed(silent)} cannot show before the first message that a subscription stands.",) if silent else (),
        _thrown(storms),
        standing(cells, "fds_back", name, "Until the server had closed what those who left had open: "),
        _left_open(storms),
    ]  # fmt: skip


Storms = Mapping[str, Sequence[Storm]]
"""By the label of a variant."""


def _thrown(storms: Storms) -> Phrase:
    """What the kernel's accept queues threw away: every connect of these had to be tried again."""
    known = {one: [storm.accept_queue_drops for storm in held] for one, held in storms.items()}
    counts = {one: [drops for drops in held if drops is not None] for one, held in known.items()}
    if not any(counts.values()):
        return ("What the accept queues threw away is not visible here.",)
    most = {one: max(drops) for one, drops in counts.items() if drops}
    thrown = [f"{one} {drops:,}" for one, drops in most.items() if drops]
    if not thrown:
        return ("No connect was thrown away by an accept queue.",)
    return (f"Connects that an accept queue threw away, in the worst trial: {', '.join(thrown)}.",)


def _left_open(storms: Storms) -> Phrase:
    """Who had not closed the connections of those who left in the time that was waited for it."""
    told = []
    for label, held in storms.items():
        seen = [storm for storm in held if storm.fds_before is not None and storm.fds_after is not None]
        open_ = [storm for storm in seen if storm.fds_released_ns is None]
        if open_:
            told.append(f"{label} in {len(open_)} of {counted(len(seen), 'trial')}")
    said = "The server had not closed the connections of those who left when the wait for it ended"
    return (f"{said}: {', '.join(told)}.",) if told else ()


PARAGRAPHS: dict[str, Callable[[Cells], list[Phrase]]] = {
    "capacity": _capacity,
    BATCHING: _batching,
    "burst": _burst,
    "chat": _chat,
    "storm": _storm,
}
"""What is said of each workload, in the order of the section; nothing where it was not measured."""


SECTION = Section("Workloads", "Workloads", 50, lambda sources: workloads(sources.cells))
