"""The workloads beside broadcast and echo, a paragraph each: what the run shows of them. No sentence is true in advance.

Techniques are ranked as everywhere: by the interval of the paired ratio and the noise floor. Products stand behind
them, each beside its own technique.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from bench.analysis import batching
from bench.analysis.answers import Entry, answer
from bench.analysis.batching import Crossing, Found
from bench.analysis.capacity import bounded, ended
from bench.analysis.cells import Cells
from bench.analysis.claims import Side
from bench.analysis.statistics import Verdict, compare
from bench.report import traced
from bench.report.sections.headline import listed
from bench.report.traced import Number, Phrase
from bench.results import Storm, VariantFacts
from bench.units import counted, factor, measured, quantity, ratio

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
    """One workload: its question as the scenario puts it, and what the run says to it; `scenario` is where its figures
    stand."""

    name: str
    scenario: str
    question: str
    told: list[Phrase]


@dataclass(frozen=True, slots=True)
class Section:
    """The workloads that were measured, and the names and commands of the others."""

    workloads: list[Workload]
    unmeasured: list[tuple[str, str]]
    invalid: list[str]

    @property
    def missing(self) -> str:
        """The names of those that were not measured, in words."""
        return listed(name for name, _ in self.unmeasured)


def workloads(cells: Cells) -> Section:
    """The section of a run."""
    questions = {scenario.name: scenario.description for scenario in cells.run.scenarios}
    found: list[Workload] = []
    unmeasured: list[tuple[str, str]] = []
    invalid: list[str] = []
    for name, paragraph in PARAGRAPHS.items():
        told = [phrase for phrase in paragraph(cells) if phrase]
        if told:
            scenario = batching.SCENARIO if name == BATCHING else name
            found.append(Workload(name, scenario, questions.get(name, SENTENCE_OF_BATCHING), told))
        elif name in cells.scenarios:
            invalid.append(name)
        else:
            unmeasured.append((name, COMMANDS[name]))
    return Section(found, unmeasured, invalid)


def standing(cells: Cells, metric: str, scenario: str, head: str, least: Collection[str] = ()) -> Phrase:
    """Who stands where: the best technique, those not told apart from it, those behind it, and the products. `least`:
    those of whom only a lower bound is known."""
    held = answer(cells, metric, scenario)
    shown = _Shown(metric, scenario, least)
    products = [part for variant in cells.shown if variant.product for part in shown.product(cells, variant)]
    if not held.entries:
        return (head, *products[1:], ".") if products else ()
    first, *others = held.entries
    told: list[str | Number] = [head]
    if not held.decided and others:
        told += ["too few trials to rank: "]
    told += shown.entry(first)
    if held.decided:
        told += shown.rest(others)
    else:
        told += [part for entry in others for part in (", ", *shown.entry(entry))]
    return (*told, *([". Products: ", *products[1:]] if products else []), ".")


@dataclass(frozen=True, slots=True)
class _Shown:
    """How the numbers of one metric in one scenario are written."""

    metric: str
    scenario: str
    least: Collection[str]

    def entry(self, entry: Entry) -> Phrase:
        """A variant with its number."""
        return self.number(entry.variant, traced.measured(self.metric, self.scenario, entry.variant.name, entry.estimate))

    def number(self, variant: VariantFacts, number: Phrase) -> Phrase:
        """The same where the number is known."""
        return (f"{variant.label} {'at least ' if variant.name in self.least else ''}", *number)

    def rest(self, others: Sequence[Entry]) -> list[str | Number]:
        """Those after the first: not told apart, behind, and those of whom it cannot be said."""
        groups = {"level": "; not told apart from it: ", "behind": "; behind it: ", "open": "; whose end was not found: "}
        held: dict[str, list[Entry]] = {kind: [] for kind in groups}
        for entry in others:
            behind = entry.verdict is not Verdict.NONE_SHOWN
            held["level" if not behind else "open" if entry.variant.name in self.least else "behind"].append(entry)
        told: list[str | Number] = []
        for kind, words in groups.items():
            for place, entry in enumerate(held[kind]):
                apart = self._apart(entry) if kind == "behind" else ()
                told += [", " if place else words, *self.entry(entry), *apart]
        return told

    def _apart(self, entry: Entry) -> Phrase:
        comparison = entry.comparison
        found = traced.compared(comparison, self.metric, self.scenario) if comparison else ()
        if not found or comparison is None:
            return ()
        return (", at most " if comparison.reference.name in self.least else ", ", *found)

    def product(self, cells: Cells, variant: VariantFacts) -> list[str | Number]:
        """A product with its number, a comma before, and how it stands beside its technique."""
        found = cells.estimate(self.metric, self.scenario, variant.name)
        if found is None:
            return []
        number = self.number(variant, traced.measured(self.metric, self.scenario, variant.name, found))
        told: list[str | Number] = ["; ", *number]
        plain = Side(variant.technique).of(cells, self.metric, self.scenario)
        if plain is None or {plain.name, variant.name} & set(self.least):
            return told
        comparison = cells.compare(self.metric, self.scenario, variant.name, plain.name)
        if comparison.verdict is Verdict.NONE_SHOWN:
            told += [f", not told apart from plain {plain.technique}"]
        elif comparison.verdict is not Verdict.TOO_FEW:
            told += [", ", *traced.compared(comparison, self.metric, self.scenario), f" beside plain {plain.technique}"]
        return told


def _parameter(cells: Cells, scenario: str, name: str) -> float:
    """A parameter of a scenario of the run; 0 where it has none of that name."""
    held = next((one.parameters for one in cells.run.scenarios if one.name == scenario), {})
    value = held.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _medians(cells: Cells, metric: str, scenario: str, head: str) -> Phrase:
    """The medians of all variants, without a ranking; empty without any."""
    known = [(one, cells.estimate(metric, scenario, one.name)) for one in cells.measured(scenario)]
    told: list[str | Number] = []
    for variant, found in known:
        if found is not None:
            told += [", " if told else head, f"{variant.label} "]
            told += traced.median(metric, scenario, variant.name, found)
    return (*told, ".") if told else ()


def _capacity(cells: Cells) -> list[Phrase]:
    name = "capacity"
    searches = {
        variant: held
        for variant in cells.measured(name)
        if (held := [trial.capacity for trial in cells.valid(name, variant.name) if trial.capacity])
    }
    if not searches:
        return []
    found = {variant.name: cells.estimate(name, name, variant.name) for variant in searches}
    least = {one.name for one, held in searches.items() if (known := found[one.name]) and bounded(held, known.median)}
    none = [one.label for one in searches if found[one.name] is None]
    subscribers, bound_ns = _parameter(cells, name, "subscribers"), 1e9 * _parameter(cells, name, "bound_s")
    head = (
        f"Messages per second to each of {subscribers:,.0f} subscribers of which none is lost and 99 % arrive within"
        f" {quantity(bound_ns, 'ns')}: "
    )
    return [
        standing(cells, name, name, head, least),
        _medians(cells, "capacity_deliveries", name, "In deliveries per second: "),
        (f"What ended the searches: {'; '.join(ended([(one.label, held) for one, held in searches.items()]))}.",),
        (f"None of the rates tried was sustained by {listed(none)}.",) if none else (),
    ]


def _batching(cells: Cells) -> list[Phrase]:
    told: list[Phrase] = []
    for asker in batching.askers(cells):
        of_asker = [one for one in batching.crossings(cells) if one.variant is asker]
        told += [(_several(one) if one.against is None else _cheaper(one),) for one in of_asker]
    return told


def _rate(hz: float) -> str:
    return quantity(hz, "per s")


def _several(one: Crossing) -> str:
    several, low, high = f"{batching.SEVERAL:g} messages", _rate(one.low_hz), _rate(one.high_hz)
    said = {
        Found.CROSSED: f"carries {several} from {measured(one.rate_hz, 'per s')} on",
        Found.BELOW: f"carries {several} or more at every measured rate, from {low} on",
        Found.BEYOND: f"does not come to carry {several} within the measured rates, {low} to {high}",
        Found.UNDECIDED: f"comes to carry {several} in some blocks of this run and not in others, up to {high}",
    }
    return f"{one.variant.label}: one answer {said[one.found]}; at {high} it carries {one.end:.3g}."


def _cheaper(one: Crossing) -> str:
    assert one.against is not None
    low, high = _rate(one.low_hz), _rate(one.high_hz)
    undecided = "there are too few trials to say where it crosses" if one.too_few else "is not shown to cross"
    said = {
        Found.CROSSED: f"falls below that of {one.against.label} at {measured(one.rate_hz, 'per s')}",
        Found.BELOW: f"is below that of {one.against.label} at both ends of the measured rates, {low} and {high}",
        Found.BEYOND: f"is above that of {one.against.label} at both ends of the measured rates, {low} and {high}",
        Found.UNDECIDED: f"{undecided} that of {one.against.label} between {low} and {high}",
    }
    between = ": " if one.found is Found.UNDECIDED and one.too_few else " "
    return f"Its server CPU per message{between}{said[one.found]} ({factor(one.end)} at {high})."


def _burst(cells: Cells) -> list[Phrase]:
    name = "burst"
    size, subscribers = _parameter(cells, name, "burst"), _parameter(cells, name, "subscribers")
    first = standing(
        cells, "burst_p50", name,
        f"Until the last of {subscribers:,.0f} subscribers has all {size:,.0f} messages of a burst: ",
    )  # fmt: skip
    batches = _medians(cells, "batch", name, "Messages per response, or per segment of those who are pushed to: ")
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
    storms = {variant: [trial.storm for trial in cells.valid(name, variant.name) if trial.storm]
              for variant in cells.measured(name)}  # fmt: skip
    if not any(storms.values()):
        return []
    count = _parameter(cells, name, "subscribers")
    silent = [one.label for one, held in storms.items() if held and not cells.values("all_connected", name, one.name)]
    return [
        standing(cells, "all_connected", name, f"Until {counted(round(count), 'subscriber')} that connect at once are"
                 " all subscribed: "),
        _medians(cells, "arrivals_rate", name, "Connects per second: "),
        standing(cells, "arrival_cpu", name, "Server CPU per connect: "),
        (f"{listed(silent)} cannot show before the first message that a subscription stands.",) if silent else (),
        _thrown(storms),
        standing(cells, "fds_back", name, "Until the server had closed what those who left had open: "),
        _left_open(storms),
    ]  # fmt: skip


def _thrown(storms: dict[VariantFacts, list[Storm]]) -> Phrase:
    """What the kernel's accept queues threw away: every connect of these had to be tried again."""
    known = {one: [storm.accept_queue_drops for storm in held] for one, held in storms.items()}
    counts = {one: [drops for drops in held if drops is not None] for one, held in known.items()}
    if not any(counts.values()):
        return ("What the accept queues threw away is not visible here.",)
    thrown = [f"{one.label} {max(held):,}" for one, held in counts.items() if held and max(held)]
    if not thrown:
        return ("No connect was thrown away by an accept queue.",)
    return (f"Connects that an accept queue threw away, in the worst trial: {', '.join(thrown)}.",)


def _left_open(storms: dict[VariantFacts, list[Storm]]) -> Phrase:
    """Who had not closed the connections of those who left in the time that was waited for it."""
    told = []
    for variant, held in storms.items():
        seen = [storm for storm in held if storm.fds_before is not None and storm.fds_after is not None]
        open_ = [storm for storm in seen if storm.fds_back_ns is None]
        if open_:
            told.append(f"{variant.label} in {len(open_)} of {counted(len(seen), 'trial')}")
    return (f"Not closed again while that was waited for: {', '.join(told)}.",) if told else ()


PARAGRAPHS: dict[str, Callable[[Cells], list[Phrase]]] = {
    "capacity": _capacity,
    BATCHING: _batching,
    "burst": _burst,
    "chat": _chat,
    "storm": _storm,
}
"""What is said of each workload, in the order of the section; nothing where it was not measured."""
