"""The rows of a chart: one for each variant of the run, techniques and products under separate headings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.analysis.numbers.statistics import Estimate
from bench.analysis.trials.metrics import METRICS
from bench.report.figures._scene import Scene, absence, named
from bench.report.figures._sheet import WHO, Field, Sheet, bounds, column, ends, median, who
from bench.report.figures._text_width import text_width_in
from bench.report.palette import Look, family_order
from bench.results import VariantFacts
from bench.units import quantity

ROW_IN = 0.36
HEADING = 0.8  # the room, in rows, of the heading above each group
GROUPS = (("techniques on neutral ground", False), ("products as deployed", True))


@dataclass(frozen=True, slots=True)
class Row:
    """One variant at its height; `total` is the metric that its parts add up to."""

    variant: VariantFacts
    look: Look
    y: float
    total: Estimate
    values: Sequence[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Gap:
    """A variant without a number, at its height, and why."""

    variant: VariantFacts
    y: float
    word: str


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of a chart and the headings over its groups, from the top down; y grows downwards."""

    rows: list[Row]
    gaps: list[Gap]
    headings: list[tuple[float, str]]
    depth: float

    @property
    def height_in(self) -> float:
        """The height of a canvas for these rows, without its axis."""
        return self.depth * ROW_IN + 0.8

    @property
    def every(self) -> list[Row | Gap]:
        """All rows and gaps."""
        return [*self.rows, *self.gaps]

    @property
    def names_in(self) -> float:
        """The width of the longest name."""
        return max((text_width_in(named(row.variant)) for row in self.every), default=0.0)


def rows(scene: Scene, metric: str) -> Rows:
    """Every variant of the run: rows for those with the metric, gaps for those that should have it."""
    rows_with_number: list[Row] = []
    gaps: list[Gap] = []
    headings: list[tuple[float, str]] = []
    y = 0.0
    for title, product in GROUPS:
        members = _members(scene, metric, product)
        if not members:
            continue
        headings.append((y, title))
        y += HEADING
        for variant, total, word in members:
            if total is None:
                gaps.append(Gap(variant, y, word))
            else:
                values = scene.cells.values(metric, scene.scenario, variant.name)
                rows_with_number.append(Row(variant, scene.looks[variant.name], y, total, values))
            y += 1
    return Rows(rows_with_number, gaps, headings, y)


def _members(scene: Scene, metric: str, product: bool) -> list[tuple[VariantFacts, Estimate | None, str]]:
    members = []
    for variant in family_order(scene.cells.shown):
        if bool(variant.product) is product:
            total = scene.cells.estimate(metric, scene.scenario, variant.name)
            word = "" if total else absence(scene.cells, scene.scenario, variant)
            if total or word:
                members.append((variant, total, word))
    return members


def sheet(scene: Scene, metric: str, parts: Sequence[str] = ()) -> Sheet:
    """A row per variant with its median, interval and the medians of the parts, then one per trial."""
    chart = rows(scene, metric)
    lines: list[list[Field]] = []
    for row in chart.rows:
        shares = [median(scene, part, row.variant) for part in parts]
        lines.append([*who(row.variant), "median", len(row.values), None, *ends(row.total), *shares])
        lines += [
            [*who(row.variant), "trial", None, block, value, None, None, *[None] * len(parts)]
            for block, value in row.values
        ]
    lines += [[*who(gap.variant), gap.word, 0, *[None] * (4 + len(parts))] for gap in chart.gaps]
    return Sheet([*WHO, "what", "trials", "block", *bounds(metric), *map(column, parts)], lines)


def alt(scene: Scene, metric: str) -> str:
    """The chart in words: every number in the order of the rows, and the variants without one."""
    chart = rows(scene, metric)
    parts = []
    for title, product in GROUPS:
        numbers = [
            f"{named(row.variant)} {quantity(row.total.median, METRICS[metric].unit)}"
            for row in chart.rows
            if bool(row.variant.product) is product
        ]
        if numbers:
            parts.append(f"{title.capitalize()}: {', '.join(numbers)}.")
    if chart.gaps:
        parts.append(f"Without a number: {', '.join(f'{named(gap.variant)} ({gap.word})' for gap in chart.gaps)}.")
    return f"One row per variant, {METRICS[metric].title}. {' '.join(parts)}"


def sheet_of(metric: str, *parts: str) -> Callable[[Scene], Sheet]:
    """`sheet` of one metric, for a figure that shows no other."""
    return lambda scene: sheet(scene, metric, parts)


def alt_of(metric: str) -> Callable[[Scene], str]:
    """`alt` of one metric, for a figure that shows no other."""
    return lambda scene: alt(scene, metric)
