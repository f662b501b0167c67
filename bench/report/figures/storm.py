"""Storms of connects: the time until all subscribers are subscribed, and its cost."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure as Canvas

from bench.analysis.runs.cells import Cells
from bench.report.figures import _metric_panels
from bench.report.figures._canvas import MOST_SINGLE
from bench.report.figures._curves import SHARES, Curve, at_shares, band, drawn, pooled
from bench.report.figures._figure import WORKLOADS, Figure
from bench.report.figures._metric_panels import Panel
from bench.report.figures._scenarios import having
from bench.report.figures._scene import Scene, named
from bench.report.figures._sheet import WHO, Field, Sheet, who
from bench.results import Distribution, VariantFacts
from bench.units import quantity

COST_PANELS = (
    Panel("arrivals_rate", "connects per second"),
    Panel("arrival_cpu", "server and broker CPU\nper connect"),
)


def curves(scene: Scene) -> list[Curve]:
    """The times to connect, in the order of the medians."""
    drawn = []
    for variant in scene.variants:
        distributions = connects(scene, variant)
        if distributions:
            together = at_shares(pooled(tuple(distributions)))
            median = float(np.interp(0.5, SHARES, together))
            each = [at_shares(one) for one in distributions]
            drawn.append(Curve(variant.name, named(variant), scene.looks[variant.name], median, together, each))
    return sorted(drawn, key=lambda curve: curve.median_ns)


def connects(scene: Scene, variant: VariantFacts) -> list[Distribution]:
    """The times to connect of every storm of a variant that confirms subscriptions."""
    trials = scene.cells.valid(scene.scenario, variant.name)
    return [trial.connect for trial in trials if trial.storm and trial.connect and trial.connect.count]


def with_storms(cells: Cells) -> list[str]:
    """Scenarios with a storm in which a subscription was confirmed."""
    return [
        name
        for name in cells.scenarios
        if any(
            trial.storm and trial.connect and trial.connect.count
            for variant in cells.measured(name)
            for trial in cells.valid(name, variant.name)
        )
    ]


def sentence(scene: Scene) -> str:
    """How to read the curves, and the variants without one."""
    count = scene.number("subscribers")
    silent = [named(variant) for variant in scene.variants if not connects(scene, variant)]
    who_not = (
        f" Not shown, because it does not confirm a subscription before the first message: {', '.join(silent)}."
        if silent
        else ""
    )
    single = any(len(curve.each_ns) <= MOST_SINGLE for curve in curves(scene))
    return (
        f"{count:,.0f} subscribers" if count else "All subscribers"
    ) + (
        " connect at once; a curve shows the share of them whose subscription the server confirmed within the given"
        f" time. {'Thin lines are single trials' if single else 'The band is the range of all trials'}.{who_not}"
    )  # fmt: skip


def draw(scene: Scene) -> Canvas:
    """Cumulative curves of the time to connect."""
    return drawn(curves(scene), [], "time from the start of a connect", "share of subscribers")


def alt(scene: Scene) -> str:
    """Median and end of every curve in words."""
    parts = [
        f"{curve.name} {quantity(curve.median_ns, 'ns')} and {quantity(float(curve.at_ns[-1]), 'ns')}"
        for curve in curves(scene)
    ]
    return f"Cumulative curves of the time to connect on a logarithmic axis; median and last: {'; '.join(parts)}."


def sheet(scene: Scene) -> Sheet:
    """A row per variant and share of subscribers: over all trials, and the range over single trials."""
    rows: list[list[Field]] = []
    for curve in curves(scene):
        lowest, highest = band(curve)
        of_variant = who(scene.cells.facts[curve.variant])
        rows += [
            [*of_variant, len(curve.each_ns), share, at, least, most]
            for share, at, least, most in zip(
                SHARES.tolist(), curve.at_ns.tolist(), lowest.tolist(), highest.tolist(), strict=True
            )
        ]
    return Sheet([*WHO, "trials", "share", "connect_ns", "connect_least_trial_ns", "connect_most_trial_ns"], rows)


def cost_sentence(_: Scene) -> str:
    """The meaning of the two panels."""
    return (
        "Left panel: subscribers per second until the last is subscribed; further right is faster. Right panel: CPU of"
        " the server side per subscriber; further left is cheaper."
    )


FIGURES = (
    Figure("storm", "Time to subscribe in a storm of connects", 230, sentence, draw, alt, sheet, with_storms,
           section=WORKLOADS),
    Figure("storm-cost", "Cost of a storm of connects", 240, cost_sentence, _metric_panels.draw(COST_PANELS),
           _metric_panels.alt(COST_PANELS), _metric_panels.sheet(COST_PANELS), having("arrival_cpu"), missing=False,
           section=WORKLOADS),
)  # fmt: skip
