"""Restart: when subscribers reconnect, and how many attempts they make meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure as Canvas

from bench.analysis.numbers.distributions import cdf, merge, quantile
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.faults import BACK_SHARE, Fault, back_ns, trials_under
from bench.report.figures import _delivery_classes
from bench.report.figures._fault_panels import SMALL_PT, Panel, in_order, multiples, write
from bench.report.figures._figure import FAULTS, Figure
from bench.report.figures._scenarios import declaring
from bench.report.figures._scene import Scene, named
from bench.report.figures._sheet import Field, Sheet
from bench.report.figures._ticks import linear_ticks
from bench.report.palette import MUTED, NEUTRAL
from bench.results import Trial, VariantFacts
from bench.units import percent, quantity

SLOT_NS = 100_000_000


def restarted(cells: Cells) -> list[str]:
    """The scenarios that replace the server, if a subscriber lost it in a valid trial."""
    scenarios = declaring(cells, lambda scenario: scenario.replaces_server)
    return [one for one in scenarios if any(_held(cells, *cell) for cell in _delivery_classes.grid(cells, one))]


def _held(cells: Cells, fault: Fault, variant: VariantFacts) -> list[Trial]:
    """The valid trials in which a subscriber lost its server."""
    trials = [trial for trial in trials_under(cells, fault, variant.name) if trial.valid]
    return [trial for trial in trials if (one := trial.reconnects) and one.disconnects and one.reconnect_time]


def _attempts(trials: list[Trial]) -> tuple[np.ndarray, np.ndarray]:
    """(ns from the exit of the server, connects begun in that tenth of a second, a mean over the trials)."""
    slots = max((len(trial.reconnects.attempt_slots) for trial in trials if trial.reconnects), default=0)
    counts = np.zeros(slots)
    for trial in trials:
        attempts = trial.reconnects.attempt_slots if trial.reconnects else []
        counts[: len(attempts)] += attempts
    return np.arange(slots) * SLOT_NS - _middle([_ended_ns(trial) for trial in trials]), counts / max(1, len(trials))


def _ended_ns(trial: Trial) -> float:
    """When the server exited, in ns from the beginning of the measured part."""
    if trial.restart is not None:
        return float(trial.restart.ended_ns)
    planned = trial.parameters.get("restart_after_s", 0.0)
    return float(planned) * 1e9 if isinstance(planned, int | float) else 0.0


def _ready_ns(trials: list[Trial]) -> float | None:
    """The time in ns from the exit of the server until its successor was ready, median over the trials."""
    waits_ns = [trial.restart.ready_ns - trial.restart.ended_ns for trial in trials if trial.restart is not None]
    return _middle(waits_ns) if waits_ns else None


def _middle(values: Sequence[float]) -> float:
    return float(np.median(values)) if len(values) else 0.0


def _back(trials: list[Trial]) -> tuple[np.ndarray, np.ndarray]:
    """(ns from the loss of the connection, share of the lost connections that are reconnected by then)."""
    reconnects = [trial.reconnects for trial in trials if trial.reconnects]
    back = merge([one.reconnect_time for one in reconnects if one.reconnect_time])
    values, shares = cdf(back)
    return values.astype(np.float64), shares * (back.count / max(1, sum(one.disconnects for one in reconnects)))


def sentence(scene: Scene) -> str:
    """What bars and lines are, and how high the tallest bar is."""
    tallest, first_ns, _ = _extent(scene)
    before = " Connects before zero reached a server that was stopping." if first_ns < -SLOT_NS else ""
    return (
        "Bars: connects begun in each tenth of a second, over the time since the server exited; the tallest bar is"
        f" {tallest:,.0f}, and all panels share its scale. Lines: share of the lost connections that are reconnected,"
        " over the time since they were lost. Dotted: the successor is ready. The number beside a panel is the time"
        f" until {percent(BACK_SHARE)} had reconnected, median over trials.{before}"
    )


def _extent(scene: Scene) -> tuple[float, float, float]:
    """The tallest bar of all panels, and the first and last time at which a panel has data, in ns from the exit."""
    tallest, first_ns, last_ns = 1.0, 0.0, 2.0 * SLOT_NS
    for fault in _delivery_classes.points(scene.cells, scene.scenario):
        for variant in _delivery_classes.variants(scene):
            trials = _held(scene.cells, fault, variant)
            if trials:
                starts, counts = _attempts(trials)
                values, _ = _back(trials)
                tallest = max(tallest, float(counts.max(initial=0.0)))
                busy = starts[counts > 0]
                first_ns = min(first_ns, float(busy.min(initial=0.0)))
                last_ns = max(last_ns, *(float(ends.max(initial=0.0)) for ends in (busy + SLOT_NS, values)))
    return tallest, first_ns, last_ns


def draw(scene: Scene) -> Canvas:
    """A panel per variant and signal."""
    faults = _delivery_classes.points(scene.cells, scene.scenario)
    figure, panels = multiples(in_order(scene), faults, f"{percent(BACK_SHARE)} reconnected")
    tallest, first_ns, last_ns = _extent(scene)
    for panel in panels:
        _panel(panel, scene, tallest, last_ns)
    for panel in panels[-len(faults) :]:
        panel.axes.set_xlim(first_ns - 0.03 * last_ns, last_ns * 1.01)
        linear_ticks(panel.axes.xaxis, "ns", 4, 1.2)
        panel.axes.set_xlabel("time since the server exited", fontsize=SMALL_PT)
    return figure


def _panel(panel: Panel, scene: Scene, tallest: float, last_ns: float) -> None:
    trials = _held(scene.cells, panel.fault, panel.variant)
    if not trials:
        write(panel, "not measured")
        return
    starts, counts = _attempts(trials)
    panel.axes.bar(starts, counts / tallest, SLOT_NS, align="edge", color=NEUTRAL, linewidth=0, zorder=1)
    values, shares = _back(trials)
    at = np.concatenate([[0.0], values, [last_ns]])
    heights = np.concatenate([[0.0], shares, shares[-1:] if shares.size else [0.0]])
    ready_ns = _ready_ns(trials)
    if ready_ns is not None:
        panel.axes.axvline(ready_ns, color=MUTED, linewidth=0.9, linestyle=(0, (1, 1.6)), zorder=2)
    look = scene.looks[panel.variant.name]
    panel.axes.plot(at, heights, color=look.colour, drawstyle="steps-post", linewidth=1.6, clip_on=False, zorder=3)
    recovery = _delivery_classes.measured(scene.cells, back_ns, panel.fault, panel.variant)
    write(panel, quantity(recovery.median, "ns") if recovery else "never")


def alt(scene: Scene) -> str:
    """Every panel in words."""
    panels = []
    for fault in _delivery_classes.points(scene.cells, scene.scenario):
        for variant in _delivery_classes.variants(scene):
            trials = _held(scene.cells, fault, variant)
            if trials:
                times = [one.reconnects.reconnect_time for one in trials if one.reconnects]
                half = quantile(merge([one for one in times if one]), 0.5)
                recovery = _delivery_classes.measured(scene.cells, back_ns, fault, variant)
                when = quantity(recovery.median, "ns") if recovery else "never"
                most = quantity(float(_attempts(trials)[1].max(initial=0.0)), "count")
                panels.append(
                    f"{named(variant)}, {fault.value}: half reconnected after {quantity(half, 'ns')},"
                    f" {percent(BACK_SHARE)} after {when}, at most {most} connects in 100 ms"
                )
    return f"Small panels, one per variant and signal. {'; '.join(panels)}."


def sheet(scene: Scene) -> Sheet:
    """The bars, a row per tenth of a second; then the line, a row per hundredth of the lost connections."""
    lines: list[list[Field]] = []
    for fault in _delivery_classes.points(scene.cells, scene.scenario):
        for variant in _delivery_classes.variants(scene):
            trials = _held(scene.cells, fault, variant)
            if trials:
                who = _delivery_classes.of(variant, fault)
                starts, counts = _attempts(trials)
                lines += [[*who, "attempts", *pair] for pair in zip(starts.tolist(), counts.tolist(), strict=True)]
                values, shares = _back(trials)
                lines += [[*who, "back", *pair] for pair in _thinned(values, shares)]
    return Sheet([*_delivery_classes.OF_FAULT, "what", "at_ns", "attempts_or_share"], lines)


def _thinned(values: np.ndarray, shares: np.ndarray) -> list[tuple[float, float]]:
    """The first point of the line in every hundredth."""
    _, first = np.unique(np.floor(shares * 100), return_index=True)
    return [(float(values[place]), float(shares[place])) for place in first]


FIGURES = (
    Figure("return", "Reconnecting to a new server", 260, sentence, draw, alt, sheet, restarted, section=FAULTS),
)
