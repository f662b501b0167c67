"""The cost of an idle connection: memory, and the time to connect."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from bench.analysis.runs.cells import Cells
from bench.analysis.trials.metrics.connections import memory_bytes, memory_line
from bench.report import noise
from bench.report.figures import _bars, _rows
from bench.report.figures._canvas import MOST_SINGLE, canvas, linestyle
from bench.report.figures._figure import Figure
from bench.report.figures._labels import end_labels
from bench.report.figures._scenarios import having
from bench.report.figures._scene import Scene, named
from bench.report.figures._sheet import WHO, Field, Sheet, bounds, ends, who
from bench.report.figures._ticks import linear_ticks
from bench.report.palette import NEUTRAL, PAPER, Look
from bench.results import Trial, VariantFacts
from bench.units import counted, quantity

SLOPE = "connection_memory"


def memory_sentence(scene: Scene) -> str:
    """The meaning of the slope."""
    many = max(len(scene.cells.valid(scene.scenario, one.name)) for one in scene.variants) > MOST_SINGLE
    shown = "A vertical line is the range of all trials of a step" if many else "A dot is one step of one trial"
    sentence = (
        "A steeper line is a more expensive connection: memory of server and broker above that of the empty server,"
        f" against connected subscribers. {shown}; a line is a least-squares fit with the median slope."
    )
    words = noise.floor_words(scene.cells, SLOPE, scene.scenario)
    floor = f" The grey wedge is the noise floor ({words}) above the cheapest technique."
    return sentence + (floor if len(_slopes(scene)) > 1 else "")


def memory(scene: Scene) -> Canvas:
    """Points over the number of subscribers, a line through them, the slope beside its end."""
    slopes = _measured(scene)
    height_in = max(3.0, 0.175 * len(slopes) + 1.0)
    figure = canvas(height_in)
    axes = figure.add_subplot()
    reach = 1
    for variant, slope in slopes:
        look = scene.looks[variant.name]
        points = [_above_empty(trial) for trial in scene.cells.valid(scene.scenario, variant.name)]
        counts, above = np.concatenate([part for part in points if part.size], axis=1)
        _points(axes, counts, above, len(points), look)
        last = float(counts.max())
        axes.plot([0, last], [0, slope * last], color=look.colour, linestyle=linestyle(look))
        reach = max(reach, int(last))
    _floor(axes, scene, reach)
    axes.set_xlim(0, reach * 1.015)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    low, high = axes.get_ylim()
    names = [
        ((slope * reach - low) / (high - low), f"{named(variant)}  {quantity(slope, 'memory bytes')} each",
         scene.looks[variant.name])
        for variant, slope in slopes
    ]  # fmt: skip
    end_labels(axes, names, height_in)
    axes.grid(axis="both")
    linear_ticks(axes.yaxis, "memory bytes")
    linear_ticks(axes.xaxis, "count", 4)
    axes.set_xlabel("connected subscribers")
    axes.set_ylabel("memory above the empty server")
    return figure


def _measured(scene: Scene) -> list[tuple[VariantFacts, float]]:
    """The variants with a slope, and the slope."""
    estimates = [(variant, scene.cells.estimate(SLOPE, scene.scenario, variant.name)) for variant in scene.variants]
    return [(variant, slope.median) for variant, slope in estimates if slope is not None]


def _points(axes: Axes, counts: np.ndarray, above: np.ndarray, trials: int, look: Look) -> None:
    """Every step of every trial as a dot; of many trials the range of each step as an upright line."""
    if trials > MOST_SINGLE:
        for count in np.unique(counts):
            at = above[counts == count]
            axes.plot([count, count], [at.min(), at.max()], color=look.colour, linewidth=2.4, alpha=0.5)
    else:
        axes.plot(counts, above, "o", markersize=3.6, color=look.colour, markeredgecolor=PAPER, markeredgewidth=0.4)


def _floor(axes: Axes, scene: Scene, reach: int) -> None:
    """A grey wedge from the line of the best technique to where the noise floor ends."""
    slopes = _slopes(scene)
    if len(slopes) > 1 and min(slopes) > 0:
        best, ratio = min(slopes), scene.cells.floor(SLOPE, scene.scenario).ratio
        axes.fill_between(
            [0, reach], [0, best * reach], [0, best * ratio * reach], color=NEUTRAL, alpha=0.6, linewidth=0, zorder=0.7
        )


def _slopes(scene: Scene) -> list[float]:
    """The memory per connection of the techniques; none if the trials are too few for a ranking."""
    return [slope for variant, slope in _measured(scene) if not (variant.product or scene.doubt)]


def _above_empty(trial: Trial) -> np.ndarray:
    """(2, steps): subscribers, and bytes above the intercept of the trial's own line."""
    line = memory_line([trial])
    if line is None:
        return np.zeros((2, 0))
    points = [(step.subscribers, size) for step in trial.idle if (size := memory_bytes(trial, step)) is not None]
    counts, sizes = np.array(points, dtype=np.float64).T
    return np.stack([counts, sizes - line.intercept])


def memory_alt(scene: Scene) -> str:
    """Every slope in words."""
    parts = [f"{named(variant)} {quantity(slope, 'memory bytes')}" for variant, slope in _measured(scene)]
    return f"Straight lines of memory against connected subscribers; per connection: {', '.join(parts)}."


def memory_sheet(scene: Scene) -> Sheet:
    """A row per variant with its slope, then one per step of every trial."""
    rows: list[list[Field]] = []
    for variant, _ in _measured(scene):
        slope = scene.cells.estimate(SLOPE, scene.scenario, variant.name)
        rows.append([*who(variant), "slope", None, None, None, *ends(slope)])
        for trial in scene.cells.valid(scene.scenario, variant.name):
            rows += [
                [*who(variant), "step", trial.planned.block, int(count), above, None, None, None]
                for count, above in _above_empty(trial).T.tolist()
            ]
    return Sheet([*WHO, "what", "block", "subscribers", "above_empty_bytes", *bounds(SLOPE)], rows)


def most_connects(cells: Cells) -> list[str]:
    """The one scenario whose trials opened the most connections; a storm has figures of its own."""
    opened = {
        scenario: max(
            (
                trial.connect.count
                for variant in cells.measured(scenario)
                for trial in cells.valid(scenario, variant.name)
                if trial.connect is not None and trial.storm is None
            ),
            default=0,
        )
        for scenario in cells.scenarios
    }
    most = max(opened, key=lambda scenario: opened[scenario], default=None)
    return [most] if most is not None and opened[most] else []


def connect_sentence(scene: Scene) -> str:
    """The meaning of a bar, and the variants without one."""
    silent = [
        named(variant)
        for variant in scene.variants
        if not scene.cells.values("connect_p50", scene.scenario, variant.name)
    ]
    sentence = "Median time from the start of a connect until the server confirms the subscription"
    if not silent:
        return sentence + "."
    without = counted(len(silent), "variant")
    return f"{sentence}; {without} cannot confirm it before the first message ({', '.join(silent)})."


def connect(scene: Scene) -> Canvas:
    """One bar per variant."""
    chart = _rows.rows(scene, "connect_p50")
    figure = canvas(chart.height_in)
    _bars.simple(figure.add_subplot(), scene, "connect_p50", chart)
    return figure


FIGURES = (
    Figure("memory", "Memory per connection", 90, memory_sentence, memory, memory_alt, memory_sheet, having(SLOPE)),
    Figure("connect", "Time to connect", 100, connect_sentence, connect, _rows.alt_of("connect_p50"),
           _rows.sheet_of("connect_p50"), most_connects, missing=False),
)  # fmt: skip
