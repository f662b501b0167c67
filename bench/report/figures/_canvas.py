"""The shared ground of all figures: what they are drawn from, how they look, and how they label themselves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from bench.analysis.cells import Cells
from bench.analysis.metrics import Unit
from bench.report.palette import GRID, INK, MUTED, PAPER, Look, family_order
from bench.report.sections import too_few
from bench.report.text import short
from bench.results import VariantFacts
from bench.units import percent, tick, unit_size

WIDTH_IN = 5.4
FONT_PT = 8.6
LONGEST_LABEL = 26


@dataclass(frozen=True, slots=True)
class Subject:
    """What one figure is drawn from: the cells, the scenario it is about, and the look of every variant."""

    cells: Cells
    scenario: str
    looks: Mapping[str, Look]

    @property
    def variants(self) -> list[VariantFacts]:
        """The variants with valid trials in the scenario: techniques first, then products."""
        return family_order(self.cells.measured(self.scenario))

    @property
    def doubt(self) -> str:
        """Why nothing in the figure may be called a difference; empty where something may."""
        return too_few(self.cells, self.scenario)


def drawing() -> AbstractContextManager[None]:
    """The style of all figures. Text stays text, no name is read as a formula, and equal input gives equal bytes."""
    return mpl.rc_context(
        {
            "font.family": "DejaVu Sans",
            "font.size": FONT_PT,
            "text.parse_math": False,
            "text.color": INK,
            "svg.fonttype": "none",
            "svg.hashsalt": "pushbench",
            "axes.edgecolor": MUTED,
            "axes.facecolor": PAPER,
            "axes.linewidth": 0.7,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "axes.labelcolor": MUTED,
            "axes.labelsize": FONT_PT,
            "axes.unicode_minus": True,
            "figure.facecolor": PAPER,
            "grid.color": GRID,
            "grid.linewidth": 0.7,
            "hatch.linewidth": 0.8,
            "lines.linewidth": 1.7,
            "lines.solid_capstyle": "round",
            "xtick.color": MUTED,
            "ytick.color": MUTED,
            "xtick.labelcolor": INK,
            "ytick.labelcolor": INK,
            "xtick.major.size": 3,
            "ytick.major.size": 0,
            "ytick.major.pad": 6,
            "xtick.major.width": 0.7,
        }
    )


def canvas(height_in: float) -> Figure:
    """An empty figure of the common width."""
    return Figure(figsize=(WIDTH_IN, height_in), layout="constrained")


def named(variant: VariantFacts) -> str:
    """What a variant is called in a figure."""
    return short(variant.label, LONGEST_LABEL) or short(variant.name, LONGEST_LABEL)


def linestyle(look: Look) -> str | tuple[int, tuple[float, ...]]:
    """Solid for a technique, dashed for a product."""
    return (0, look.dash) if look.dash else "-"


def linear_ticks(axis: mpl.axis.Axis, unit: Unit, most: int = 5) -> None:
    """Ticks that are round in the unit in which the end of the axis reads best. Its limits must stand by now."""
    low, high = axis.get_view_interval()
    size = unit_size(high, unit)
    places = MaxNLocator(most, steps=[1, 2, 2.5, 5, 10], min_n_ticks=2).tick_values(low / size, high / size)
    axis.set_major_locator(FixedLocator([place * size for place in places if low <= place * size <= high]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value, unit)))


def log_ticks(axis: mpl.axis.Axis, unit: Unit, low: float, high: float) -> None:
    """One tick per power of ten; within less than two decades also at 2 and 5 of each."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = (1,) if math.log10(high / low) > 2 else (1, 2, 5)
    places = [step * 10.0**power for power in range(first, last + 1) for step in steps]
    axis.set_major_locator(FixedLocator([place for place in places if low <= place <= high]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value, unit)))


def share_ticks(axes: Axes) -> None:
    """Quarters of the whole on the vertical axis."""
    quarters = (0.0, 0.25, 0.5, 0.75, 1.0)
    axes.set_yticks(quarters, [percent(share) for share in quarters])


def end_labels(axes: Axes, labels: Sequence[tuple[float, str, Look]], height_in: float) -> None:
    """Names beside the right end of lines, each (height in axes fractions, text, look), kept a line of text apart."""
    gap = 1.3 * FONT_PT / 72 / (height_in - 0.7)  # the axis and its name take about 0.7 inches of a canvas
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


def text_width_in(text: str) -> float:
    """About how wide a text is on the canvas: enough to leave room for it."""
    return 0.49 * FONT_PT * max(map(len, text.splitlines()), default=0) / 72


def jitter(count: int, width: float) -> np.ndarray:
    """Offsets that keep the dots of several trials apart, the same each time."""
    return np.linspace(-width, width, count) if count > 1 else np.zeros(count)


def pairs(values: Sequence[tuple[int, float]]) -> Iterator[tuple[float, float]]:
    """(offset, value) of every trial, in the order of the blocks."""
    for offset, (_, value) in zip(jitter(len(values), 0.16), values, strict=True):
        yield float(offset), value
