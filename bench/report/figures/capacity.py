"""Capacity: the highest sustained rate of a server, and every step of the search for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from bench.analysis.numbers.statistics import Estimate
from bench.analysis.runs.cells import Cells
from bench.analysis.trials.rate_search import limits_in_words, median_is_lower_bound
from bench.report.figures import _bars, _rows
from bench.report.figures._canvas import WIDTH_IN, canvas
from bench.report.figures._figure import WORKLOADS, Figure
from bench.report.figures._scenarios import having
from bench.report.figures._scene import Scene, named
from bench.report.figures._sheet import WHO, Field, Sheet, ends, who
from bench.report.figures._text_width import fitted, text_width_in
from bench.report.figures._ticks import linear_ticks, log_ticks
from bench.report.palette import INK, MUTED, NEUTRAL, PAPER, Look
from bench.results import CapacityStep, Trial, VariantFacts
from bench.units import quantity

METRIC, DELIVERED = "capacity", "capacity_deliveries"
AT_LEAST = "\N{GREATER-THAN OR EQUAL TO}"
COLUMNS = 2
# The height of a small chart, and its minimum width.
SMALL_IN, SMALL_WIDE_IN = 1.35, 2.08
TITLE_PT = _bars.SMALL_PT + 0.4


@dataclass(frozen=True, slots=True)
class Searched:
    """One variant: its searches, and the median of their results (None: no search sustained a rate)."""

    variant: VariantFacts
    look: Look
    trials: Sequence[Trial]
    capacity: Estimate | None

    @property
    def at_least(self) -> bool:
        """Whether the result is only a lower bound."""
        return self.capacity is not None and median_is_lower_bound(
            [trial.capacity for trial in self.trials], self.capacity.median
        )

    @property
    def words(self) -> str:
        """The result in a few words."""
        if self.capacity is None:
            return "none sustained"
        return f"{AT_LEAST} " * self.at_least + quantity(self.capacity.median, "per s")


def searched(scene: Scene) -> list[Searched]:
    """Every variant with a search, techniques first."""
    searches = []
    for variant in scene.variants:
        trials = [trial for trial in scene.cells.valid(scene.scenario, variant.name) if trial.capacity]
        if trials:
            capacity = scene.cells.estimate(METRIC, scene.scenario, variant.name)
            searches.append(Searched(variant, scene.looks[variant.name], trials, capacity))
    return searches


def with_searches(cells: Cells) -> list[str]:
    """Scenarios in which a rate was searched for."""
    return [
        name
        for name in cells.scenarios
        if any(trial.capacity for variant in cells.measured(name) for trial in cells.valid(name, variant.name))
    ]


def _number(scene: Scene, name: str) -> float | None:
    value = searched(scene)[0].trials[0].parameters.get(name)
    return float(value) if isinstance(value, int | float) else None


def bound_ns(scene: Scene) -> float | None:
    """The bound on the p99 latency."""
    bound_s = _number(scene, "bound_s")
    return None if bound_s is None else 1e9 * bound_s


def most_sentence(scene: Scene) -> str:
    """The meaning of a bar, and the bars that are only lower bounds."""
    bound, subscribers = bound_ns(scene), _number(scene, "subscribers")
    to = f" to each of {subscribers:,.0f} subscribers" if subscribers else ""
    within = f", with a p99 latency of at most {quantity(bound, 'ns')}" if bound else ""
    sentence = (
        f"Longer is better: the highest publish rate{to} at which every message arrives, once and in order{within}. In"
        " brackets: deliveries per second at that rate."
    )
    least = [named(one.variant) for one in searched(scene) if one.at_least]
    if least:
        sentence += f" {AT_LEAST}: the search ended before it reached the limit of the server ({', '.join(least)})."
    return sentence


def most(scene: Scene) -> Canvas:
    """One bar per variant."""
    chart = _rows.rows(scene, METRIC)
    searches = {one.variant.name: one for one in searched(scene)}
    figure = canvas(chart.height_in)
    axes = figure.add_subplot()
    texts = []
    for row in chart.rows:
        _bars.stack(axes, row, [(row.total.median, "solid")])
        _bars.trials(axes, row)
        delivered = scene.cells.estimate(DELIVERED, scene.scenario, row.variant.name)
        texts.append(
            searches[row.variant.name].words
            + (f" ({quantity(delivered.median, 'per s')} delivered)" if delivered else "")
        )
        _bars.number(axes, row, texts[-1])
    _bars.finish(axes, chart, "per s")
    width_in = WIDTH_IN - chart.names_in - 0.3
    reaches = [
        _bars.reach(row) / max(0.2, 1 - (text_width_in(text) + 0.16) / width_in)
        for row, text in zip(chart.rows, texts, strict=True)
    ]
    axes.set_xlim(0, max([axes.get_xlim()[1], *reaches]))
    linear_ticks(axes.xaxis, "per s", room_in=width_in)
    behind = any(not (one.at_least or one.variant.product) for one in searches.values())
    _bars.floor(axes, scene, METRIC, chart, ranked=behind)
    return figure


def most_alt(scene: Scene) -> str:
    """The chart in words."""
    parts = [f"{named(one.variant)} {one.words}" for one in searched(scene)]
    return f"One row per variant, messages per second sustained: {', '.join(parts)}."


def most_sheet(scene: Scene) -> Sheet:
    """The numbers of the rows, and whether each is only a lower bound."""
    plain = _rows.sheet(scene, METRIC, (DELIVERED,))
    least = {one.variant.name: int(one.at_least) for one in searched(scene)}
    rows = [[*line, least.get(str(line[0])) if line[4] == "median" else None] for line in plain.rows]
    return Sheet([*plain.columns, "at_least"], rows)


def search_sentence(scene: Scene) -> str:
    """How to read a small chart, and why the searches ended."""
    bound = bound_ns(scene)
    line = f". The dashed line is the bound ({quantity(bound, 'ns')})" if bound else ""
    return (
        "Every dot is one step of a search: its rate and its p99 latency. Full: sustained; hollow: not sustained (below"
        " the bound: messages were lost, or the latency kept growing). A cross: the load generator or the machine"
        f" reached its limit, not the server{line}. The vertical line is the capacity, with its interval in grey."
        f" Reasons why the searches ended: {'; '.join(_ended(scene))}."
    )


def _ended(scene: Scene) -> list[str]:
    searches = searched(scene)
    return limits_in_words([(named(one.variant), [trial.capacity for trial in one.trials]) for one in searches])


def search(scene: Scene) -> Canvas:
    """A small chart per variant, techniques first and products from a new row on."""
    searches = searched(scene)
    rows = _places(searches)
    figure = canvas(len(rows) * SMALL_IN + 0.5)
    grid = figure.subplots(len(rows), COLUMNS, sharex=True, sharey=True, squeeze=False)
    limits = _limits(scene, searches)
    bottom = {place: max(row for row, charts in enumerate(rows) if charts[place]) for place in range(COLUMNS)
              if any(charts[place] for charts in rows)}  # fmt: skip
    for number, charts in enumerate(rows):
        for place, one in enumerate(charts):
            axes = grid[number][place]
            if one is None:
                axes.set_visible(False)
                continue
            _small(axes, scene, one, limits, _heading(rows, number, place))
            axes.tick_params(labelbottom=bottom[place] == number)
            axes.set_xlabel("messages per second" if bottom[place] == number else "", fontsize=_bars.SMALL_PT)
            axes.set_ylabel("" if place else "p99 latency", fontsize=_bars.SMALL_PT)
    return figure


Placed = list[list[Searched | None]]


def _places(searches: Sequence[Searched]) -> Placed:
    """Rows of charts; each group begins a row."""
    rows: Placed = []
    for product in (False, True):
        group: list[Searched | None] = [one for one in searches if bool(one.variant.product) is product]
        group += [None] * (-len(group) % COLUMNS)
        rows += [group[at : at + COLUMNS] for at in range(0, len(group), COLUMNS)]
    return rows


def _heading(rows: Placed, number: int, place: int) -> str:
    """The heading of a group above its first chart; beside it an empty line, which keeps the charts aligned."""
    one, before = rows[number][0], rows[number - 1][0] if number else None
    assert one is not None
    first = before is None or bool(before.variant.product) is not bool(one.variant.product)
    if not first:
        return ""
    return (_rows.GROUPS[bool(one.variant.product)][0] if place == 0 else " ") + "\n"


def _limits(scene: Scene, searches: Sequence[Searched]) -> tuple[float, float, float, float]:
    """Both axes: from the smallest to the largest value of all steps, the bound included."""
    steps = [step for one in searches for trial in one.trials for step in trial.capacity]
    rates = [step.rate_hz for step in steps]
    late = [float(step.p99_ns) for step in steps if step.p99_ns] + [bound_ns(scene) or 1e6]
    return min(rates) / 1.5, max(rates) * 1.5, max(1.0, min(late)) / 1.6, max(late) * 1.6


def _small(axes: Axes, scene: Scene, one: Searched, limits: tuple[float, float, float, float], heading: str) -> None:
    low_hz, high_hz, low_ns, high_ns = limits
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(low_hz, high_hz)
    axes.set_ylim(low_ns, high_ns)
    log_ticks(axes.xaxis, "per s", low_hz, high_hz, 1.7)
    log_ticks(axes.yaxis, "ns", low_ns, high_ns, 2.0)
    axes.grid(axis="both")
    name = fitted(one.variant.label, SMALL_WIDE_IN - text_width_in(f"  {one.words}", TITLE_PT), TITLE_PT)
    axes.set_title(f"{heading}{name}  {one.words}", loc="left", fontsize=TITLE_PT, linespacing=1.3)
    bound = bound_ns(scene)
    if bound:
        axes.axhline(bound, color=MUTED, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
    if one.capacity is not None:
        if one.capacity.low is not None and one.capacity.high is not None:
            axes.axvspan(one.capacity.low, one.capacity.high, color=NEUTRAL, alpha=0.45, linewidth=0, zorder=0.6)
        axes.axvline(one.capacity.median, color=INK, linewidth=0.9, zorder=1)
    for trial in one.trials:
        _steps(axes, one.look, trial.capacity)


MARKERS = {"sustained": "o", "exceeded": "o", "generator": "x", "disturbed": "x"}


def _steps(axes: Axes, look: Look, steps: Sequence[CapacityStep]) -> None:
    """The steps of one search, connected in the order of their rates; a step without deliveries has no dot."""
    delivered = sorted((step for step in steps if step.p99_ns), key=lambda step: (step.rate_hz, step.p99_ns or 0))
    axes.plot([step.rate_hz for step in delivered], [step.p99_ns or math.nan for step in delivered], color=look.colour,
              linewidth=0.7, alpha=0.7, zorder=2)  # fmt: skip
    for step in delivered:
        axes.plot(
            [step.rate_hz],
            [step.p99_ns or math.nan],
            marker=MARKERS[step.verdict],
            markersize=3.6,
            markerfacecolor=look.colour if step.verdict == "sustained" else PAPER,
            markeredgecolor=look.colour,
            markeredgewidth=1.0,
            zorder=3,
        )


def search_alt(scene: Scene) -> str:
    """The results and the number of steps."""
    parts = [
        f"{named(one.variant)} {one.words} after {sum(len(trial.capacity) for trial in one.trials):,} steps"
        for one in searched(scene)
    ]
    return f"Small charts of the p99 latency against the publish rate, one per variant: {'; '.join(parts)}."


def search_sheet(scene: Scene) -> Sheet:
    """A row per step of every search, and one per variant with its result."""
    rows: list[list[Field]] = []
    for one in searched(scene):
        rows.append([*who(one.variant), "capacity", None, None, *ends(one.capacity), None, None, None, None])
        rows += [
            [*who(one.variant), step.verdict, trial.planned.block, place, step.rate_hz, None, None, step.p50_ns,
             step.p99_ns, step.slip_p99_ns, step.observation]
            for trial in one.trials
            for place, step in enumerate(trial.capacity, 1)
        ]  # fmt: skip
    columns = ["what", "block", "step", "rate_per_s", "low_per_s", "high_per_s", "p50_ns", "p99_ns", "slip_p99_ns"]
    return Sheet([*WHO, *columns, "observation"], rows)


FIGURES = (
    Figure("capacity", "Messages per second sustained", 210, most_sentence, most, most_alt, most_sheet, having(METRIC),
           missing=False, section=WORKLOADS),
    Figure("capacity-search", "The search for the capacity", 220, search_sentence, search, search_alt, search_sheet,
           with_searches, section=WORKLOADS),
)  # fmt: skip
