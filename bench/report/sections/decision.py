"""The decision table: latency and cost of every technique and product, one unit per column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.analysis.numbers.statistics import Estimate
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.technique_ranking import ranking
from bench.analysis.trials.delivery_class import DeliveryClass, delivery_class
from bench.analysis.trials.metrics import METRICS
from bench.report import traced
from bench.report.load_and_ground import loads
from bench.report.palette import family_order
from bench.report.sections._section import Section
from bench.report.sections.numbers import GROUPS
from bench.report.traced import Phrase
from bench.results import VariantFacts
from bench.scenarios import Question, reference
from bench.units import DASH, Scale, column_scale, on_scale


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the decision table. A `compact` one is in short tables too."""

    metric: str
    scenario: str
    title: str
    explained: str
    compact: bool = False


_FRESHNESS, _ROUND_TRIP, _CONNECTION = map(reference, (Question.FRESHNESS, Question.ROUND_TRIP, Question.CONNECTION))
COLUMNS = (
    Column("latency_p50", _FRESHNESS, "freshness, median", "age of a message on arrival", True),
    Column("latency_p99", _FRESHNESS, "freshness, p99", "the same, exceeded by the slowest hundredth"),
    Column("round_trip_p50", _ROUND_TRIP, "round trip, median", "time from sending a message until it is back", True),
    Column("round_trip_p99", _ROUND_TRIP, "round trip, p99", "the same, exceeded by the slowest hundredth"),
    Column("cpu", _FRESHNESS, "server CPU per message", "CPU of server and broker for one delivery", True),
    Column("cpu", _ROUND_TRIP, "server CPU per message", "CPU for one message to the server and back", True),
    Column(
        "wire",
        _FRESHNESS,
        "bytes per message",
        "all bytes on the wire for one delivery; TCP and IP headers are estimated",
        True,
    ),
    Column("wire", _ROUND_TRIP, "bytes per message", "bytes for one message to the server and back", True),
    Column("connection_memory", _CONNECTION, "memory per connection", "memory for one more silent subscriber", True),
    Column("requests", _FRESHNESS, "requests per message", "HTTP requests of a subscriber for one delivery"),
    Column("connect_p50", _CONNECTION, "time to connect", "median, while many subscribers connect"),
)


@dataclass(frozen=True, slots=True)
class Promise:
    """A property that a variant declares and the gate checks: in words, and a number to sort by."""

    title: str
    explained: str
    words: Callable[[VariantFacts], str]
    order: Callable[[VariantFacts], int]


def _resumes(variant: VariantFacts) -> bool:
    return delivery_class(variant) is DeliveryClass.RESUME


PROMISES = (
    Promise("resume", "whether a reconnect continues without a gap, as declared",
            lambda variant: "yes" if _resumes(variant) else "no", lambda variant: int(_resumes(variant))),
    Promise("order", "checked by the conformance gate before any measurement",
            lambda variant: "kept", lambda variant: 1),
    Promise("delivery", "whether a reconnect signals lost messages, or delivery is at most once",
            lambda variant: "gaps signalled" if _resumes(variant) else "at most once",
            lambda variant: int(_resumes(variant))),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Head:
    """A column with the unit of all its numbers (empty for bare counts)."""

    column: Column
    unit: str

    @property
    def title(self) -> str:
        """The whole heading on one line."""
        return ", ".join(part for part in (self.column.title, self.column.scenario, self.unit) if part)


@dataclass(frozen=True, slots=True)
class Cell:
    """A number on the scale of its column, its interval, what to sort by, and whether it is among the best."""

    number: Phrase
    interval: Phrase
    value: float | None
    leads: bool


@dataclass(frozen=True, slots=True)
class Promised:
    """A promise kept by one variant."""

    text: str
    value: int


@dataclass(frozen=True, slots=True)
class Row:
    """One variant with its numbers and promises, in the order of the columns."""

    variant: VariantFacts
    cells: list[Cell]
    promises: list[Promised]


@dataclass(frozen=True, slots=True)
class Decision:
    """The table. `floors`: the noise floor of every column; `loads`: the load that its numbers apply to."""

    heads: list[Head]
    promises: tuple[Promise, ...]
    groups: list[tuple[str, list[Row]]]
    floors: list[Phrase]
    loads: list[Phrase]


def decision(cells: Cells, compact: bool = False) -> Decision:
    """The decision table of a run, without empty columns."""
    columns = [column for column in COLUMNS if (column.compact or not compact) and _medians(cells, column)]
    scales = [_scale(cells, column) for column in columns]
    leaders = [ranking(cells, column.metric, column.scenario).leaders for column in columns]
    rows = [
        Row(
            variant,
            [_cell(cells, *of_column, variant) for of_column in zip(columns, scales, leaders, strict=True)],
            [Promised(promise.words(variant), promise.order(variant)) for promise in PROMISES],
        )
        for variant in family_order(cells.shown)
        if any(_estimate(cells, column, variant) for column in columns)
    ]
    groups = [(words, [row for row in rows if bool(row.variant.product) is product]) for words, product in GROUPS]
    return Decision(
        [Head(column, scale.name) for column, scale in zip(columns, scales, strict=True)],
        PROMISES,
        [(words, of_group) for words, of_group in groups if of_group],
        [traced.floor(cells, column.metric, column.scenario) for column in columns],
        loads(cells),
    )


def _estimate(cells: Cells, column: Column, variant: VariantFacts) -> Estimate | None:
    return cells.estimate(column.metric, column.scenario, variant.name)


def _medians(cells: Cells, column: Column) -> list[float]:
    """The numbers of a column."""
    estimates = [_estimate(cells, column, variant) for variant in cells.measured(column.scenario)]
    return [one.median for one in estimates if one is not None]


def _scale(cells: Cells, column: Column) -> Scale:
    return column_scale(_medians(cells, column), METRICS[column.metric].unit)


def _cell(cells: Cells, column: Column, scale: Scale, leaders: set[str], variant: VariantFacts) -> Cell:
    estimate = _estimate(cells, column, variant)
    if estimate is None:
        return Cell((DASH,), (), None, False)
    on, of = on_scale(estimate.median, scale), (column.metric, column.scenario, variant.name, estimate)
    return Cell(traced.median(*of, on), traced.interval(*of, on), estimate.median, variant.name in leaders)


@dataclass(frozen=True, slots=True)
class Tables:
    """The whole table, and the one of compact columns for short texts."""

    full: Decision
    compact: Decision


SECTION = Section(
    "Decision table", "Decide", 20,
    lambda sources: Tables(decision(sources.cells), decision(sources.cells, compact=True)),
)  # fmt: skip
