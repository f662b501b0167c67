"""Cumulative curves of a latency, and the placement of their labels."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from bench.analysis.numbers.distributions import cdf, merge
from bench.report.figures._canvas import MOST_SINGLE, WIDTH_IN, canvas, linestyle
from bench.report.figures._scene import LONGEST_NAME_IN
from bench.report.figures._text_width import FONT_PT, fitted, text_width_in
from bench.report.figures._ticks import log_ticks, share_ticks
from bench.report.palette import PAPER, Look
from bench.results import Distribution
from bench.units import quantity

SHARES = np.unique(np.concatenate([np.linspace(0.0, 1.0, 161), [0.001, 0.002, 0.99, 0.995, 0.999]]))
# About how wide the plot itself is.
PLOT_IN = WIDTH_IN - 0.9
HEIGHT_IN = 3.5


@dataclass(frozen=True, slots=True)
class Curve:
    """A variant's latencies: all trials together and each alone, in ns at `SHARES`. `variant` is its name in the run,
    `name` what it is called."""

    variant: str
    name: str
    look: Look
    median_ns: float
    at_ns: np.ndarray
    each_ns: list[np.ndarray]


@functools.lru_cache(maxsize=64)
def pooled(distributions: tuple[Distribution, ...]) -> Distribution:
    """All trials of a cell together; cached, because a figure and its sentence both use it."""
    return merge(distributions)


@functools.lru_cache(maxsize=8192)
def at_shares(distribution: Distribution) -> np.ndarray:
    """The latencies in ns at `SHARES`; at least 1, to stand on a logarithmic axis."""
    values, shares = cdf(distribution)
    at: np.ndarray = np.maximum(np.interp(SHARES, shares, values.astype(np.float64)), 1.0)
    at.setflags(write=False)  # shared by all callers
    return at


@dataclass(frozen=True, slots=True)
class Label:
    """A curve's name at the height `share`: beside all curves on its side, with a line to its own."""

    curve: Curve
    text: str
    left: bool
    share: float
    edge_ns: float

    @property
    def width(self) -> float:
        """About which part of the plot's width the text takes."""
        return (text_width_in(self.text) + 0.3) / PLOT_IN


def labels(curves: list[Curve], height_in: float) -> list[Label]:
    """Labels of the faster half in the empty upper left, of the slower half in the empty lower right of the plot.

    Labels take two lines if they fit, else one; less than half a line is not readable.
    """
    faster = (len(curves) + 1) // 2
    line = 1.2 * FONT_PT / 72 / (height_in - 0.55)
    step = min(0.13, 0.84 / faster)
    between = "\n" if step > 2.1 * line else "  "
    half = line * (1.0 if between == "\n" else 0.6)
    longest = LONGEST_NAME_IN - (0.0 if between == "\n" else 0.5)
    made = []
    for place, curve in enumerate(curves):
        left = place < faster
        share = 0.92 - step * place if left else 0.08 + step * (len(curves) - 1 - place)
        near = share + (-half if left else half)  # curves lean right: the nearest edge of the text decides
        edges = [float(np.interp(near, SHARES, other.at_ns)) for other in curves]
        text = f"{fitted(curve.name, longest)}{between}{quantity(curve.median_ns, 'ns')}"
        made.append(Label(curve, text, left, share, min(edges) if left else max(edges)))
    return made


def bounds(curves: list[Curve], made: list[Label]) -> tuple[float, float]:
    """The axis from the fastest to the slowest delivery, widened until every label has its room."""
    low = math.log10(max(1.0, min(float(curve.at_ns[1]) for curve in curves))) - 0.1
    high = math.log10(max(float(curve.at_ns[-1]) for curve in curves)) + 0.1
    for _ in range(60):  # each step widens the axis, and with it the room that a label takes
        span = high - low
        for label in made:
            edge = math.log10(label.edge_ns)
            low = min(low, edge - label.width * span) if label.left else low
            high = high if label.left else max(high, edge + label.width * span)
    return 10**low, 10**high


def write(axes: Axes, label: Label, limits: tuple[float, float]) -> None:
    """The name of a curve, with a line to it."""
    colour = label.curve.look.colour
    own = float(np.interp(label.share, SHARES, label.curve.at_ns))
    room = (limits[1] / limits[0]) ** 0.03
    x = label.edge_ns / room if label.left else label.edge_ns * room
    axes.plot([x, own], [label.share, label.share], color=colour, linewidth=0.8, solid_capstyle="butt")
    axes.plot([own], [label.share], marker="o", markersize=4.5, color=colour, markeredgecolor=PAPER)
    axes.text(
        x,
        label.share,
        label.text,
        ha="right" if label.left else "left",
        va="center",
        ma="right" if label.left else "left",
        linespacing=1.12,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 2.0},
    )


def drawn(compared: list[Curve], floor: list[Curve], across: str, share: str) -> Canvas:
    """Cumulative distributions on a logarithmic axis, one curve per variant and the harness in `floor`, if any, thin,
    each labelled in free space; `across` and `share` are the labels of the axes."""
    curves = [*floor, *compared]
    height_in = max(HEIGHT_IN, 0.2 * len(curves) + 0.55)
    names = labels(curves, height_in)
    figure = canvas(height_in)
    axes = figure.add_subplot()
    limits = bounds(curves, names)
    axes.set_xscale("log")
    axes.set_xlim(*limits)
    axes.set_ylim(0, 1.01)
    log_ticks(axes.xaxis, "ns", *limits)
    share_ticks(axes)
    axes.grid(axis="both")
    for curve in reversed(curves):
        _draw(axes, curve, 1.0 if curve in floor else 1.7)
    for label in names:
        write(axes, label, limits)
    axes.set_xlabel(across)
    axes.set_ylabel(share)
    return figure


def _draw(axes: Axes, curve: Curve, width: float) -> None:
    """All trials together over single ones, or over the band of many."""
    if len(curve.each_ns) > MOST_SINGLE:
        lowest, highest = band(curve)
        axes.fill_betweenx(SHARES, lowest, highest, color=curve.look.colour, alpha=0.16, linewidth=0)
    else:
        for alone in curve.each_ns:
            axes.plot(alone, SHARES, color=curve.look.colour, linewidth=0.6, alpha=0.4)
    axes.plot(curve.at_ns, SHARES, color=curve.look.colour, linestyle=linestyle(curve.look), linewidth=width)


def band(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """The fastest and the slowest trial at every share."""
    each = np.stack(curve.each_ns)
    return each.min(axis=0), each.max(axis=0)
