"""The tables of all numbers: one per scenario, techniques and products separate."""

from __future__ import annotations

from dataclasses import dataclass

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.technique_ranking import ranking
from bench.analysis.trials.delivery_class import delivery_class
from bench.analysis.trials.metrics import METRICS, Metric
from bench.report import noise
from bench.report.palette import family_order
from bench.report.sections._section import Section
from bench.results import VariantFacts
from bench.scenarios import of_record
from bench.units import DASH, interval, quantity

# The headings of a table's groups of rows, and whether they are products.
GROUPS = (("Techniques on neutral ground", False), ("Products as deployed", True))


@dataclass(frozen=True, slots=True)
class Value:
    """One number of a table: text, interval, base-unit value to sort by (None: not measured), and whether it is the
    best or without a shown difference from it."""

    text: str
    interval: str
    value: float | None
    leads: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One variant of a table: the number of its valid trials and of all, its values in the order of the columns, and
    in fault scenarios its delivery class."""

    variant: VariantFacts
    valid: int
    run: int
    values: list[Value]
    delivery: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The numbers of one scenario, techniques and products separate, with the noise floor of every column; `note`:
    why no variant can be ranked, or empty."""

    scenario: str
    metrics: list[Metric]
    groups: list[tuple[str, list[Row]]]
    floors: list[str]
    note: str


def tables(cells: Cells, headline: bool) -> list[Table]:
    """One table per scenario, of the headline metrics or of all."""
    all_tables = [_table(cells, scenario, headline) for scenario in cells.scenarios]
    return [table for table in all_tables if table.metrics]


def _table(cells: Cells, scenario: str, headline: bool) -> Table:
    variants = family_order(cells.measured(scenario))
    metrics = [
        metric
        for metric in METRICS.values()
        if (metric.headline or not headline)
        and any(cells.values(metric.name, scenario, variant.name) for variant in variants)
    ]
    leaders = {metric.name: ranking(cells, metric.name, scenario).leaders for metric in metrics}
    run = [trial.planned.variant for trial in cells.compared if trial.planned.scenario == scenario]
    rows = [
        Row(
            variant,
            len(cells.valid(scenario, variant.name)),
            run.count(variant.name),
            [_value(cells, metric, scenario, variant, leaders[metric.name]) for metric in metrics],
            delivery_class(variant).words if of_record(scenario).faults else "",
        )
        for variant in variants
    ]
    groups = [(words, [row for row in rows if bool(row.variant.product) is product]) for words, product in GROUPS]
    return Table(
        scenario,
        metrics,
        [(words, of_group) for words, of_group in groups if of_group],
        [noise.floor_words(cells, metric.name, scenario) for metric in metrics],
        noise.too_few(cells, scenario),
    )


def _value(cells: Cells, metric: Metric, scenario: str, variant: VariantFacts, leaders: set[str]) -> Value:
    estimate = cells.estimate(metric.name, scenario, variant.name)
    if estimate is None:
        return Value(DASH, "", None, False)
    text, ends = quantity(estimate.median, metric.unit), interval(estimate, metric.unit)
    if estimate.median < 0:  # no true value is negative: it is the scatter of the subtracted value
        ends = ", ".join(filter(None, [ends, "below the resolution"]))
    return Value(text, ends, estimate.median, variant.name in leaders)


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of the headline metrics, and those of all."""

    headline: list[Table]
    every: list[Table]


SECTION = Section(
    "All numbers", "All numbers", 140,
    lambda sources: Tables(tables(sources.cells, headline=True), tables(sources.cells, headline=False)),
)  # fmt: skip
