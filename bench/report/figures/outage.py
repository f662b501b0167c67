"""Outage: deliveries over time, which stop and continue, and the share that is missing at the end."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure as Canvas

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.fault_matrix import fault_result
from bench.analysis.runs.faults import Fault, served_ns, trials_under
from bench.report.figures import _delivery_classes
from bench.report.figures._fault_panels import SMALL_PT, Panel, in_order, multiples, write
from bench.report.figures._figure import FAULTS, Figure
from bench.report.figures._scenarios import declaring
from bench.report.figures._scene import Scene, named
from bench.report.figures._sheet import Field, Sheet
from bench.report.figures._ticks import linear_ticks
from bench.report.palette import MUTED, NEUTRAL
from bench.results import Trial, VariantFacts
from bench.units import quantity


def outage(cells: Cells) -> list[str]:
    """The scenarios with an outage, if deliveries were counted over time in a valid trial."""
    scenarios = declaring(cells, lambda scenario: scenario.takes_away)
    return [one for one in scenarios if any(_held(cells, *cell) for cell in _delivery_classes.grid(cells, one))]


def _held(cells: Cells, fault: Fault, variant: VariantFacts) -> list[Trial]:
    trials = [trial for trial in trials_under(cells, fault, variant.name) if trial.valid]
    return [trial for trial in trials if trial.outage is not None and trial.series is not None and trial.ledger]


def sentence(_: Scene) -> str:
    """What line and band are."""
    return (
        "Share of all expected deliveries that had arrived, one line per trial; dotted: all, as they are due. The"
        " grey band is the outage. A flat line means no deliveries, a jump means that queued messages arrive, and the"
        " share missing at the end was lost or arrived after the measured part. Beside a panel: the time from the end"
        " of the outage until every subscriber received messages again, median over trials."
    )


def _course(trial: Trial) -> tuple[np.ndarray, np.ndarray]:
    """(ns from the beginning of the measured part, share of the expected deliveries that had arrived)."""
    assert trial.series is not None
    assert trial.ledger is not None
    arrived = np.concatenate([[0], np.cumsum(trial.series.delivered)])
    return np.arange(arrived.size) * float(trial.series.interval_ns), arrived / max(1, trial.ledger.expected)


def draw(scene: Scene) -> Canvas:
    """A panel per variant and kind of outage."""
    faults = _delivery_classes.points(scene.cells, scene.scenario)
    figure, panels = multiples(in_order(scene), faults, "recovered in", panel_in=0.95)
    ends_ns = [_panel(panel, scene) for panel in panels]
    for panel in panels[-len(faults) :]:
        panel.axes.set_xlim(0, max(ends_ns) or 1.0)
        linear_ticks(panel.axes.xaxis, "ns", 4, 1.2)
        panel.axes.set_xlabel("time in the measured part", fontsize=SMALL_PT)
    return figure


def _panel(panel: Panel, scene: Scene) -> float:
    """Draw it; how long its longest trial is, in ns."""
    trials = _held(scene.cells, panel.fault, panel.variant)
    look, end_ns = scene.looks[panel.variant.name], 0.0
    for trial in trials:
        at, shares = _course(trial)
        end_ns = max(end_ns, float(at[-1]))
        if trial.outage is not None:
            away = (trial.outage.began_ns, trial.outage.ended_ns)
            panel.axes.axvspan(*away, color=NEUTRAL, alpha=0.45 / len(trials), linewidth=0, zorder=0.7)
        panel.axes.plot(at, shares, color=look.colour, linewidth=1.4, zorder=3)
    panel.axes.plot([0, end_ns], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (1, 1.6)), zorder=1)
    recovery = _delivery_classes.measured(scene.cells, served_ns, panel.fault, panel.variant)
    write(panel, quantity(recovery.median, "ns") if recovery else ("never" if trials else "not measured"))
    return end_ns


def alt(scene: Scene) -> str:
    """Every panel in words."""
    panels = []
    for fault in _delivery_classes.points(scene.cells, scene.scenario):
        for variant in _delivery_classes.variants(scene):
            cell = fault_result(scene.cells, fault, variant)
            if cell.trials:
                back = quantity(cell.recovery.median, "ns") if cell.recovery else "never"
                lost = quantity(cell.lost / cell.expected if cell.expected else 0.0, "share")
                panels.append(
                    f"{named(variant)} ({cell.delivery.words}), {fault.value}: {lost} lost, recovered in {back}"
                )
    return f"Small panels of deliveries over time, one per variant and kind of outage. {'; '.join(panels)}."


def sheet(scene: Scene) -> Sheet:
    """A row per trial and quarter second, with the times of the outage."""
    lines: list[list[Field]] = []
    for fault in _delivery_classes.points(scene.cells, scene.scenario):
        for variant in _delivery_classes.variants(scene):
            for trial in _held(scene.cells, fault, variant):
                one = trial.outage
                times = [one.began_ns, one.ended_ns, one.recovered_ns] if one else [None] * 3
                at, shares = _course(trial)
                lines += [
                    [*_delivery_classes.of(variant, fault), trial.planned.block, *times, *pair]
                    for pair in zip(at.tolist(), shares.tolist(), strict=True)
                ]
    columns = ["block", "began_ns", "ended_ns", "recovered_ns", "at_ns", "delivered_share"]
    return Sheet([*_delivery_classes.OF_FAULT, *columns], lines)


FIGURES = (Figure("away", "Deliveries during an outage", 280, sentence, draw, alt, sheet, outage, section=FAULTS),)
