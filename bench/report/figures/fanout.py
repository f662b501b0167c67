"""Fan-out: the latency of the last receiver, beside the prediction for one busy thread."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from bench.analysis.numbers.statistics import Estimate, estimate
from bench.analysis.runs.cells import HARNESS, Cells
from bench.analysis.runs.laws import poll_interval_ns
from bench.analysis.trials.metrics import METRICS
from bench.report.figures import _bars, _rows
from bench.report.figures._canvas import WIDTH_IN, canvas
from bench.report.figures._figure import Figure
from bench.report.figures._rows import Row, Rows
from bench.report.figures._scenarios import bursts, having
from bench.report.figures._scene import Scene, named
from bench.report.figures._sheet import Sheet, ends
from bench.report.figures._text_width import text_width_in
from bench.report.figures._ticks import log_ticks
from bench.report.palette import INK, MUTED
from bench.results import Trial, VariantFacts
from bench.units import TIMES, quantity

METRIC = "completion_p50"
LAW = f"N {TIMES} s"
# The technique whose last receiver waits for its own poll interval.
ON_A_SCHEDULE = "polling"


def predicted_ns(trial: Trial, variant: VariantFacts) -> float | None:
    """The predicted latency of the last receiver: N x s of the server's CPU, where N is the size of a room if there
    are rooms; for polling a whole interval. None if the trial lacks the facts."""
    if variant.technique == ON_A_SCHEDULE:
        return poll_interval_ns(trial)
    parameters = trial.parameters
    each, receivers = METRICS["server_cpu"].of(trial), parameters.get("room", parameters.get("subscribers"))
    return each * receivers if each and isinstance(receivers, int | float) else None


def one_by_one(cells: Cells) -> list[str]:
    """Scenarios without bursts: the law does not describe the queue of a whole burst."""
    return [name for name in having(METRIC)(cells) if name not in bursts(cells)]


def law(scene: Scene, variant: VariantFacts) -> Estimate | None:
    """The law over the valid trials of a cell."""
    trials = scene.cells.valid(scene.scenario, variant.name)
    predictions = [value for trial in trials if (value := predicted_ns(trial, variant)) is not None]
    return estimate(predictions)


def sentence(scene: Scene) -> str:
    """How to read a row, and the ratios of measurement to law."""
    sentence = (
        "Latency of the last receiver of a message. The bars inside the rows are the prediction for one thread,"
        f" {LAW}: N subscribers times the server's CPU time per message of that trial; for polling, the interval"
    )
    ratios = [
        (row.total.median / predicted.median, row.variant)
        for row in _rows.rows(scene, METRIC).rows
        if row.variant.technique != ON_A_SCHEDULE and (predicted := law(scene, row.variant)) and predicted.median > 0
    ]
    if not ratios:
        return sentence + "."
    least, most = min(ratios, key=lambda pair: pair[0]), max(ratios, key=lambda pair: pair[0])
    if len(ratios) == 1:
        return f"{sentence}. {named(least[1])} measures {least[0]:.2g} times the prediction."
    return (
        f"{sentence}. The measured latency is {least[0]:.2g} ({named(least[1])}) to"
        f" {most[0]:.2g} times ({named(most[1])}) the prediction."
    )


def draw(scene: Scene) -> Canvas:
    """One row per variant on a logarithmic axis: median, interval, trials, and the law as a bar across the row."""
    chart = _rows.rows(scene, METRIC)
    figure = canvas(chart.height_in)
    axes = figure.add_subplot()
    laws = {row.variant.name: law(scene, row.variant) for row in chart.rows}
    _frame(axes, scene, chart, laws)
    for row in chart.rows:
        _row(axes, row, laws[row.variant.name])
    _harness(axes, scene, chart)
    _key(figure)
    return figure


def _frame(axes: Axes, scene: Scene, chart: Rows, laws: dict[str, Estimate | None]) -> None:
    """A logarithmic axis from the least to the most, with room for every number on the right."""
    drawn = [value for row in chart.rows for _, value in row.values]
    drawn += [predicted.median for predicted in laws.values() if predicted]
    floor = _floor(scene)
    low = max(1.0, min([*drawn, floor.median if floor else drawn[0]])) / 2.2
    high = max([*drawn, low * 3]) * 1.15
    width_in = WIDTH_IN - chart.names_in - 0.3
    label = (max(text_width_in(quantity(row.total.median, "ns")) for row in chart.rows) + 0.2) / width_in
    high *= (high / low) ** (label / max(0.2, 1 - label))
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    _bars.frame(axes, chart)
    log_ticks(axes.xaxis, "ns", low, high, width_in)


def _row(axes: Axes, row: Row, predicted: Estimate | None) -> None:
    """A thick dot at the median with its interval and trials; the law as a short vertical bar."""
    axes.plot([row.total.median], [row.y], "o", markersize=8.5, color=row.look.colour, zorder=2.5)
    _bars.trials(axes, row)
    if predicted is not None and predicted.median > 0:
        axes.plot([predicted.median] * 2, [row.y - 0.36, row.y + 0.36], color=INK, linewidth=2.2, solid_capstyle="butt")
    right = max(_bars.reach(row), predicted.median if predicted else 0.0)
    axes.annotate(
        quantity(row.total.median, "ns"), xy=(right, row.y), xytext=(8, 0), textcoords="offset points", va="center"
    )


def _floor(scene: Scene) -> Estimate | None:
    trials = scene.cells.harness(scene.scenario)
    return scene.cells.estimate(METRIC, scene.scenario, HARNESS) if trials else None


def _harness(axes: Axes, scene: Scene, chart: Rows) -> None:
    floor = _floor(scene)
    if floor is not None and floor.median > 0:
        _bars.upright(axes, floor.median, chart)
        words = f"dotted line: harness floor, without any technique ({quantity(floor.median, 'ns')})"
        axes.set_xlabel(words, fontsize=_bars.SMALL_PT)


def _key(figure: Canvas) -> None:
    measured = Line2D([], [], linestyle="none", marker="o", markersize=6.5, color=MUTED)
    law = Line2D([], [], linestyle="none", marker="|", markersize=9, markeredgewidth=2.2, color=INK)
    _bars.marks(figure, [(measured, "last receiver, measured"), (law, f"law: {LAW} (polling: interval)")])


def sheet(scene: Scene) -> Sheet:
    """The numbers of the rows, and the law of each."""
    plain = _rows.sheet(scene, METRIC)
    variants = {variant.name: variant for variant in scene.variants}
    lines = []
    for line in plain.rows:
        predicted = law(scene, variants[str(line[0])]) if line[4] == "median" else None
        lines.append([*line, *ends(predicted)])
    return Sheet([*plain.columns, "law_ns", "law_low_ns", "law_high_ns"], lines)


FIGURES = (
    Figure("fan-out", "Last receiver of a fan-out", 50, sentence, draw, _rows.alt_of(METRIC), sheet, one_by_one,
           missing=False),
)  # fmt: skip
