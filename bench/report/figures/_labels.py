"""Labels beside lines and points: their width and their placement."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from bench.report.figures._canvas import settle
from bench.report.figures._text_width import FONT_PT, LINE, text_width_in
from bench.report.palette import INK, Look

# The approximate width, beside plot and labels, of the axis numbers and the leading lines.
BESIDE_IN = 1.3


def end_labels(axes: Axes, labels: Sequence[tuple[float, str, Look]], height_in: float) -> None:
    """Names beside the right end of lines, each (height in axes fractions, text, look), kept a line of text apart."""
    gap = LINE * FONT_PT / 72 / (height_in - 0.7)  # the axis and its name take about 0.7 inches of a canvas
    ordered = sorted(labels, key=lambda label: label[0])
    for (height, text, look), place in zip(ordered, spread([label[0] for label in ordered], gap), strict=True):
        axes.plot(
            [1.01, 1.035],
            [height, place],
            color=look.colour,
            linewidth=1.1,
            transform=axes.transAxes,
            clip_on=False,
            scalex=False,
            scaley=False,
        )
        axes.text(1.05, place, text, va="center", ha="left", transform=axes.transAxes)


def spread(heights: Sequence[float], gap: float, low: float = 0.0, high: float = 1.0) -> list[float]:
    """Ascending heights moved as little as possible to stand at least `gap` apart, within bounds where they fit.

    Less the room that those below need, the places must only not descend: neighbours that would are given their mean
    (pooling adjacent violators, which is the least-squares solution).
    """
    gap = min(gap, (high - low) / max(1, len(heights) - 1))
    pools: list[tuple[float, int]] = []
    for index, height in enumerate(heights):
        mean, size = height - index * gap, 1
        while pools and pools[-1][0] > mean:
            other, count = pools.pop()
            mean, size = (mean * size + other * count) / (size + count), size + count
        pools.append((mean, size))
    top = high - gap * max(0, len(heights) - 1)
    level = [min(max(mean, low), top) for mean, size in pools for _ in range(size)]
    return [place + index * gap for index, place in enumerate(level)]


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of a plot and its label, in data coordinates."""

    x: float
    y: float
    text: str
    line: str = INK
    colour: str = INK
    size_pt: float = FONT_PT


# Left, bottom, right, top, in points from the lower left corner of the plot.
Box = tuple[float, float, float, float]

RADII_PT = (7.0, 13.0, 20.0, 28.0, 38.0, 50.0, 64.0, 80.0, 100.0, 124.0, 150.0, 180.0, 215.0, 250.0)
DIRECTIONS = tuple(
    math.radians(angle) for angle in (0, 180, 45, 315, 135, 225, 90, 270, 22, 338, 158, 202, 67, 293, 112, 248)
)
# A label nearer than this to its point needs no line.
NEAR_PT = 10.0
# Points nearer to each other than the first get labels at least the second away, with a line to each: a label beside
# them would be ambiguous.
CROWD_PT, APART_PT = 16.0, 20.0


def beside(axes: Axes, marks: Sequence[Mark], avoid: Sequence[tuple[float, float]] = ()) -> None:
    """Write every mark where it covers no other text, stays inside the plot, and covers as few as can be of the marked
    points and of those in `avoid`. The layout of the figure stands from then on.

    One after the other, each at the first free of its places, nearest first: with a dozen marks nothing better is
    needed. Where none is free, the place that covers least.
    """
    figure = axes.figure
    assert isinstance(figure, Canvas)
    settle(figure)
    extent, scale = axes.get_window_extent(), 72.0 / figure.dpi
    points = (axes.transData.transform([(mark.x, mark.y) for mark in marks]) - (extent.x0, extent.y0)) * scale
    others = (axes.transData.transform(avoid) - (extent.x0, extent.y0)) * scale if len(avoid) else np.zeros((0, 2))
    room = (0.0, 0.0, extent.width * scale, extent.height * scale)
    obstacles = np.concatenate([points, others])
    taken: list[Box] = []
    for mark, point in zip(marks, points, strict=True):
        near = np.hypot(*(points - point).T) < CROWD_PT
        box, distance = _best(mark, point, room, taken, obstacles, APART_PT if near.sum() > 1 else 0.0)
        taken.append(box)
        far = distance > NEAR_PT
        axes.annotate(
            mark.text,
            xy=(mark.x, mark.y),
            xytext=((box[0] + box[2]) / 2 - point[0], (box[1] + box[3]) / 2 - point[1]),
            textcoords="offset points",
            ha="center",
            va="center",
            color=mark.colour,
            fontsize=mark.size_pt,
            arrowprops={"arrowstyle": "-", "color": mark.line, "linewidth": 0.7, "shrinkA": 0.5, "shrinkB": 3.5}
            if far
            else None,
            annotation_clip=False,
            zorder=6,
        )


def _best(
    mark: Mark, point: np.ndarray, room: Box, taken: Sequence[Box], obstacles: np.ndarray, apart_pt: float
) -> tuple[Box, float]:
    """The place that costs least, and how far it is; none further away than it costs can be better."""
    best, least = None, math.inf
    for box, radius in _places(mark, point, apart_pt):
        if best is not None and radius >= least:
            break
        cost = _cost(box, radius, room, taken, obstacles)
        if cost < least:
            best, least = (box, radius), cost
    assert best is not None
    return best


def _places(mark: Mark, point: np.ndarray, apart_pt: float) -> Iterator[tuple[Box, float]]:
    """Where the text of a mark could stand, nearest first: the nearest edge of its box lies at the radius."""
    width = text_width_in(mark.text, mark.size_pt) * 72 + 2.0
    height = LINE * mark.size_pt * len(mark.text.splitlines())
    for radius in (one for one in RADII_PT if one >= apart_pt):
        for angle in DIRECTIONS:
            x = point[0] + math.cos(angle) * (radius + width / 2)
            y = point[1] + math.sin(angle) * (radius + height / 2)
            yield (x - width / 2, y - height / 2, x + width / 2, y + height / 2), radius


def _cost(box: Box, radius: float, room: Box, taken: Sequence[Box], obstacles: np.ndarray) -> float:
    """The cost of a place: leaving the plot or covering a text decides, then covered points, then distance."""
    outside = sum(
        max(0.0, excess) for excess in (room[0] - box[0], room[1] - box[1], box[2] - room[2], box[3] - room[3])
    )
    covered = sum(
        max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
        * max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
        for other in taken
    )
    x, y = obstacles.T
    under = np.count_nonzero((box[0] - 2 < x) & (x < box[2] + 2) & (box[1] - 2 < y) & (y < box[3] + 2))
    return 1e6 * (outside + covered) + 40.0 * under + radius
