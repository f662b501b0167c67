"""Batching against the publish rate: messages per response, their latency, and CPU per message."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from bench.analysis.numbers.statistics import Estimate, estimate
from bench.analysis.runs import batching
from bench.analysis.runs.batching import SEVERAL, Crossing, Place, crossings, pulling
from bench.analysis.runs.cells import Cells
from bench.analysis.trials.metrics import METRICS
from bench.report.figures._canvas import canvas
from bench.report.figures._figure import WORKLOADS, Figure
from bench.report.figures._parameter_lines import Line, panel, scale
from bench.report.figures._scene import Scene, named
from bench.report.figures._sheet import WHO, Field, Sheet, ends, who
from bench.report.palette import INK, MUTED
from bench.units import quantity

SHOWN = ("batch", "latency_p50", "cpu")
SCALE = scale(batching.PARAMETER)


def lines(scene: Scene, metric: str) -> list[Line]:
    """The variants with the metric at two rates or more."""
    drawn = [Line(one, scene.looks[one.name], _points(scene, metric, one.name)) for one in scene.cells.shown]
    return [line for line in drawn if len(line.points) > 1]


def _points(scene: Scene, metric: str, variant: str) -> list[tuple[float, Estimate]]:
    values = batching.curve(scene.cells, metric, variant)
    medians = [(rate_hz, estimate(list(blocks.values()))) for rate_hz, blocks in values.items()]
    return [(rate_hz, median) for rate_hz, median in medians if median is not None]


def over_rates(cells: Cells) -> list[str]:
    """The broadcast, or without one the search, if a polling variant was measured at several rates."""
    if not pulling(cells):
        return []
    return [next(name for name in (batching.SCENARIO, *batching.searches(cells)) if name in cells.scenarios)]


def sentence(scene: Scene) -> str:
    """The panels and marks of the figure; the section on workloads has the results."""
    return (
        "Against the publish rate: messages per response (with push: per received segment), median latency, and CPU of"
        " server and broker per message. The rates are those of the broadcast sweep and of the capacity search."
        f" Dashed line: {SEVERAL:g} messages per response. A vertical mark is the rate above which a polling variant"
        " costs less than a push variant. A dotted line only connects a line with its name."
    )


def draw(scene: Scene) -> Canvas:
    """A panel per metric over the rate."""
    shown = [metric for metric in SHOWN if lines(scene, metric)]
    tall = [max(2.4, 0.175 * len(lines(scene, metric)) + 1.0) for metric in shown]
    figure = canvas(sum(tall))
    panels = figure.subplots(len(shown), 1, squeeze=False, height_ratios=tall)[:, 0]
    for axes, metric, height_in in zip(panels, shown, tall, strict=True):
        panel(axes, metric, SCALE, lines(scene, metric), height_in, round_ticks=True)
        axes.set_ylabel(TITLES[metric])
        _mark(axes, scene, metric)
    panels[-1].set_xlabel(SCALE.words)
    return figure


TITLES = {
    "batch": "messages per response\n(push: per segment)",
    "latency_p50": "delivery latency, median",
    "cpu": "server and broker CPU\nper delivered message",
}


def _mark(axes: Axes, scene: Scene, metric: str) -> None:
    if metric == "batch":
        axes.axhline(SEVERAL, color=MUTED, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
    if metric != "cpu":
        return
    for one in crossings(scene.cells):
        if one.other is not None and one.place is Place.WITHIN and one.rate_hz is not None:
            axes.axvline(one.rate_hz.median, ymax=0.06, color=INK, linewidth=1.4, zorder=2)
            axes.axvline(one.rate_hz.median, color=scene.looks[one.variant.name].colour, linewidth=0.6, zorder=1)


def alt(scene: Scene) -> str:
    """Both ends of every line in words."""
    parts = []
    for metric in SHOWN:
        unit = METRICS[metric].unit
        moves = [
            f"{named(line.variant)} {quantity(line.points[0][1].median, unit)} to"
            f" {quantity(line.points[-1][1].median, unit)}"
            for line in lines(scene, metric)
        ]
        if moves:
            parts.append(f"{METRICS[metric].title}: {', '.join(moves)}.")
    return f"One line per variant against messages published per second. {' '.join(parts)}"


def sheet(scene: Scene) -> Sheet:
    """A row per variant, metric and rate; then the crossings."""
    rows: list[list[Field]] = [
        [*who(line.variant), metric, METRICS[metric].unit, at, len(known.values), *ends(known), None]
        for metric in SHOWN
        for line in lines(scene, metric)
        for at, known in line.points
    ]
    rows += [
        [*who(one.variant), "crossing", "per s", None, len(one.rate_hz.values) if one.rate_hz else None,
         *ends(one.rate_hz), f"{_against(one)}: {one.place}"]
        for one in crossings(scene.cells)
    ]  # fmt: skip
    return Sheet([*WHO, "metric", "unit", "rate_per_s", "trials", "median", "low", "high", "crossing"], rows)


def _against(one: Crossing) -> str:
    return f"CPU beside {one.other.label}" if one.other else f"{SEVERAL:g} messages per response"


FIGURES = (
    Figure("batching", "Batching against publish rate", 170, sentence, draw, alt, sheet, over_rates, missing=False,
           section=WORKLOADS),
)  # fmt: skip
