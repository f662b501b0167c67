"""The canvas of all figures: size, style, title and origin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.layout_engine import ConstrainedLayoutEngine

from bench.report.figures._text_width import FONT_PT, fitted
from bench.report.palette import GRID, INK, MUTED, PAPER, Look

WIDTH_IN = 5.4
# The height of title and origin in a figure's files; a page shows both outside the figure.
HEAD_IN = 0.28
FOOT_IN = 0.17
# The largest number of trials of a cell that are drawn one by one; of more trials, the range is drawn.
MOST_SINGLE = 12
# What matplotlib comes with, whatever the process that imported it has changed; the backend is not a matter of style.
_DEFAULTS = {name: value for name, value in mpl.rcParamsDefault.items() if not name.startswith("backend")}


def drawing() -> AbstractContextManager[None]:
    """The style of all figures. Text stays text, no name is read as a formula, and equal input gives equal bytes."""
    return mpl.rc_context(
        {
            **_DEFAULTS,
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


def canvas(height_in: float) -> Canvas:
    """An empty figure of the common width; around `height_in` of drawing it has room for `sign`."""
    whole = height_in + HEAD_IN + FOOT_IN
    layout = ConstrainedLayoutEngine(rect=(0.0, FOOT_IN / whole, 1.0, height_in / whole))
    return Canvas(figsize=(WIDTH_IN, whole), layout=layout)


def settle(figure: Canvas) -> None:
    """Fix the layout of a figure: later additions move nothing, and writing a file does not lay it out again."""
    engine = figure.get_layout_engine()
    if engine is not None:
        FigureCanvasAgg(figure)
        engine.execute(figure)
        figure.set_layout_engine(None)


def sign(figure: Canvas, title: str, origin: str) -> None:
    """Title above and origin below the drawing, so that a figure can be quoted without its page."""
    height = figure.get_figheight()
    figure.text(
        0.01,
        1 - 0.5 * HEAD_IN / height,
        fitted(title, WIDTH_IN - 0.2, FONT_PT + 0.6, bold=True),
        va="center",
        ha="left",
        fontsize=FONT_PT + 0.6,
        fontweight="bold",
        gid="title",
    )
    figure.text(
        0.99,
        0.5 * FOOT_IN / height,
        fitted(origin, WIDTH_IN - 0.2, FONT_PT - 2.6),
        va="center",
        ha="right",
        fontsize=FONT_PT - 2.6,
        color=MUTED,
        gid="origin",
    )


def linestyle(look: Look) -> str | tuple[int, tuple[float, ...]]:
    """Solid for a technique, dashed for a product."""
    return (0, look.dash) if look.dash else "-"


def jitter(count: int, width: float) -> np.ndarray:
    """Offsets that keep the dots of several trials apart, the same each time."""
    return np.linspace(-width, width, count) if count > 1 else np.zeros(count)


def pairs(values: Sequence[tuple[int, float]]) -> Iterator[tuple[float, float]]:
    """(offset, value) of every trial, in the order of the blocks."""
    for offset, (_, value) in zip(jitter(len(values), 0.16), values, strict=True):
        yield float(offset), value
