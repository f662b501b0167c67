"""Calibration: the injected latencies over the measured ones; delays above, injections into some messages below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from bench import scenarios
from bench.analysis.numbers.distributions import quantile
from bench.analysis.runs.cells import Cells
from bench.analysis.trials.calibration import Curve, curves, readings
from bench.report.figures._canvas import canvas
from bench.report.figures._curves import SHARES, at_shares
from bench.report.figures._figure import Figure
from bench.report.figures._scene import Scene
from bench.report.figures._sheet import Field, Sheet
from bench.report.figures._ticks import linear_ticks, log_ticks, share_ticks
from bench.report.palette import INK, SPARE_HUES
from bench.units import counted, quantity, tick

MEASURED = SPARE_HUES[0]
TAIL_SHARES = np.unique(np.concatenate([SHARES[:-1], 1 - np.geomspace(0.25, 0.001, 80)]))
# The smallest share of deliveries that the lower part shows.
FEWEST = 0.002


def calibrated(cells: Cells) -> list[str]:
    """The calibration scenario, if a trial has a latency and an injected value for it."""
    return [scenarios.instrument().name] if any(curve.truth_ns for curve in curves(cells.trials)) else []


def sentence(scene: Scene) -> str:
    """How to read the figure, and the number of readings met."""
    read = readings(scene.cells.trials)
    met = sum(reading.met for reading in read)
    sentence = (
        "The server delays deliveries by a known time. Broad line: measured; dashed line: injected, added to the floor."
        " The dashed line should lie inside the broad one."
        f" {met} of {counted(len(read), 'reading')} met."
    )
    freeze = next((curve.injection for curve in curves(scene.cells.trials) if curve.injection.freeze_ns), None)
    if freeze is not None:
        sentence += (
            f" While the server is frozen for {quantity(freeze.freeze_ns, 'ns')}, messages remain due, and each must"
            " wait for the rest of the freeze. A bench with coordinated omission would show a single late message."
        )
    return sentence


def draw(scene: Scene) -> Canvas:
    """Cumulative distributions of the delays, and tails of the injections into some messages."""
    drawn = curves(scene.cells.trials)
    partly = [curve for curve in drawn if curve.injection.late_ns or curve.injection.freeze_ns]
    wholly = [curve for curve in drawn if curve not in partly]
    figure = canvas(5.2 if partly and wholly else 2.9)
    rows = figure.subplots(2 if partly and wholly else 1, 1, squeeze=False)[:, 0]
    if wholly:
        _delays(rows[0], wholly)
    if partly:
        _tails(rows[-1], partly)
    _legend(rows[-1], "upper right" if partly else "upper left")
    return figure


def _delays(axes: Axes, drawn: list[Curve]) -> None:
    """Every delay as a cumulative curve on a logarithmic axis."""
    axes.set_xscale("log")
    low = min(float(at_shares(curve.measured)[1]) for curve in drawn) * (0.7 if len(drawn) > 2 else 0.15)
    high = max(float(at_shares(curve.measured)[-1]) for curve in drawn) * 2.2
    axes.set_xlim(low, high)
    log_ticks(axes.xaxis, "ns", low, high)
    axes.set_ylim(0, 1.01)
    share_ticks(axes)
    axes.grid(axis="both")
    for place, curve in enumerate(drawn):
        _draw_measured(axes, at_shares(curve.measured), SHARES)
        if curve.truth_ns:
            _draw_injected(axes, [curve.truth_ns(float(share)) for share in SHARES], SHARES)
        height = 0.1 + 0.2 * (place % 2)
        axes.annotate(
            curve.injection.name.removeprefix("delay ") if curve.truth_ns else "floor",
            xy=(quantile(curve.measured, height) or 1, height),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
        )
    axes.set_xlabel("delivery latency")
    axes.set_ylabel("share of deliveries")


def _tails(axes: Axes, drawn: list[Curve]) -> None:
    """The share of deliveries above each latency, on a logarithmic axis of shares."""
    high = max(float(curve.measured.max_ns) for curve in drawn) * 1.12
    axes.set_yscale("log")
    axes.set_xlim(0, high)
    axes.set_ylim(FEWEST, 1.3)
    axes.set_yticks([0.01, 0.1, 1.0], ["1 %", "10 %", "100 %"])
    axes.minorticks_off()
    linear_ticks(axes.xaxis, "ns", 6)
    axes.grid(axis="both")
    for curve in drawn:
        measured = np.array([quantile(curve.measured, float(share)) or 0 for share in TAIL_SHARES], dtype=np.float64)
        _draw_measured(axes, measured, 1 - TAIL_SHARES)
        if curve.truth_ns:
            _draw_injected(axes, [curve.truth_ns(float(share)) for share in TAIL_SHARES], 1 - TAIL_SHARES)
        where = 0.12 if curve.injection.freeze_ns else 0.006
        axes.annotate(
            _name(curve),
            xy=(quantile(curve.measured, 1 - where) or 0, where),
            xytext=(8, 3),
            textcoords="offset points",
        )
    axes.set_xlabel("delivery latency")
    axes.set_ylabel("share of slower deliveries")


def _name(curve: Curve) -> str:
    plant = curve.injection
    if plant.freeze_ns:
        return f"frozen for {tick(plant.freeze_ns, 'ns')}"
    return f"1 % delayed by {tick(plant.late_ns, 'ns')}"


def _draw_measured(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    axes.plot(x, y, color=MEASURED, linewidth=4.2, alpha=0.5, label="measured")


def _draw_injected(axes: Axes, x: Sequence[float], y: np.ndarray) -> None:
    axes.plot(x, y, color=INK, linestyle=(0, (4, 2.2)), linewidth=1.1, label="injected, above the floor")


def _legend(axes: Axes, where: Literal["upper right", "upper left"]) -> None:
    """One entry for each kind of line."""
    lines, labels = axes.get_legend_handles_labels()
    kinds = dict(zip(labels, lines, strict=True))
    axes.legend(list(kinds.values()), list(kinds), loc=where, frameon=False, handlelength=2.6)


def alt(scene: Scene) -> str:
    """The p50 and p99 of every curve, injected and measured, in words."""
    parts = []
    for curve in curves(scene.cells.trials):
        for share in (0.5, 0.99):
            measured = quantity(quantile(curve.measured, share), "ns")
            words = f"{curve.injection.name} p{share * 100:.0f}: measured {measured}"
            injected = f", injected {quantity(curve.truth_ns(share), 'ns')} above the floor" if curve.truth_ns else ""
            parts.append(words + injected)
    return f"Curves of injected and measured latency. {'; '.join(parts)}."


def sheet(scene: Scene) -> Sheet:
    """A row per injection and share of deliveries: measured, and injected above the floor where that is known."""
    rows: list[list[Field]] = [
        [
            curve.injection.name,
            share,
            quantile(curve.measured, share),
            curve.truth_ns(share) if curve.truth_ns else None,
        ]
        for curve in curves(scene.cells.trials)
        for share in np.union1d(SHARES, TAIL_SHARES).tolist()
    ]
    return Sheet(["injection", "share", "measured_ns", "injected_ns"], rows)


FIGURES = (
    Figure("calibration", "Injected and measured latency", 300, sentence, draw, alt, sheet, calibrated, missing=False),
)
