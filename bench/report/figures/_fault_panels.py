"""Small multiples: one row per variant, one column per fault, the same axes everywhere, a number beside every panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.layout_engine import ConstrainedLayoutEngine

from bench.analysis.runs.faults import Fault
from bench.analysis.trials.delivery_class import DeliveryClass, delivery_class
from bench.report.figures import _delivery_classes
from bench.report.figures._canvas import canvas
from bench.report.figures._scene import Scene, named
from bench.report.figures._text_width import FONT_PT, fitted
from bench.report.palette import MUTED
from bench.results import VariantFacts

SMALL_PT = 7.2
PANEL_IN = 0.46
FRAME_IN = 1.0
"""The room of the headings above the panels and of the axis below them."""

SHORT = {DeliveryClass.RESUME: "resume", DeliveryClass.NONE: "no resume"}

BETWEEN_IN = 0.08
"""Beside every panel with its number: half of what keeps the columns apart."""

_OVER: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "bottom"}
_BESIDE: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "center"}


@dataclass(frozen=True, slots=True)
class Panel:
    """One variant under one fault."""

    axes: Axes
    variant: VariantFacts
    fault: Fault


def in_order(scene: Scene) -> list[VariantFacts]:
    """The variants with valid trials: those with resume first, techniques before products."""
    ordered = _delivery_classes.variants(scene)
    return sorted(ordered, key=lambda variant: list(DeliveryClass).index(delivery_class(variant)))


def multiples(
    variants: Sequence[VariantFacts], faults: Sequence[Fault], beside: str, panel_in: float = PANEL_IN
) -> tuple[Canvas, list[Panel]]:
    """Empty panels from 0 to 1 upwards, row by row: the variant and its delivery class stand on the left of each row,
    the faults above the columns, and `beside` above the numbers."""
    figure = canvas(len(variants) * panel_in + FRAME_IN)
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(w_pad=BETWEEN_IN)
    grid = figure.subplots(len(variants), len(faults), squeeze=False, sharex=True, sharey=True)
    panels = []
    for line, variant in zip(grid, variants, strict=True):
        for axes, fault in zip(line, faults, strict=True):
            axes.set_ylim(0, 1.06)
            axes.set_yticks([])
            axes.grid(axis="x")
            axes.spines["left"].set_visible(False)
            panels.append(Panel(axes, variant, fault))
        line[0].annotate(named(variant), xy=(0, 0.5), xytext=(-6, 5), ha="right", **_BESIDE)
        short = SHORT[delivery_class(variant)]
        line[0].annotate(short, xy=(0, 0.5), xytext=(-6, -6), ha="right", fontsize=SMALL_PT, color=MUTED, **_BESIDE)
    for axes, fault in zip(grid[0], faults, strict=True):
        axes.annotate(fitted(fault.value, 1.0), xy=(0, 1), xytext=(0, 7), fontsize=FONT_PT, **_OVER)
        axes.annotate(beside, xy=(1.03, 1), xytext=(0, 7), fontsize=SMALL_PT, color=MUTED, **_OVER)
    for axes in grid[:-1].ravel():
        axes.tick_params(bottom=False, labelbottom=False)
    return figure, panels


def write(panel: Panel, text: str) -> None:
    """The number of a panel, right of it."""
    panel.axes.annotate(text, xy=(1.03, 0.5), xytext=(0, 0), ha="left", fontsize=SMALL_PT, **_BESIDE)
