"""The latencies of a scenario as cumulative curves, one per variant and one of the harness, in words and in numbers."""

from __future__ import annotations

import numpy as np

from bench.analysis.runs.cells import HARNESS
from bench.analysis.trials.metrics import METRICS
from bench.report import noise, palette
from bench.report.figures._canvas import MOST_SINGLE
from bench.report.figures._curves import SHARES, Curve, at_shares, band, pooled
from bench.report.figures._scenarios import latencies
from bench.report.figures._scene import Scene, named
from bench.report.figures._sheet import WHO, Field, Sheet, who
from bench.report.palette import Look
from bench.results import Distribution
from bench.units import quantity


def compared(scene: Scene) -> list[Curve]:
    """The curves of the variants in order of their medians."""
    curves = []
    for variant in scene.variants:
        distributions = latencies(scene.cells, scene.scenario, variant)
        if distributions:
            curves.append(_curve(scene, variant.name, distributions, named(variant), scene.looks[variant.name]))
    return sorted(curves, key=lambda curve: curve.median_ns)


def harness(scene: Scene) -> list[Curve]:
    """The curve of the harness, or none."""
    trials = scene.cells.harness(scene.scenario)
    distributions = [trial.latency for trial in trials if trial.latency is not None and trial.latency.count]
    return [_curve(scene, HARNESS, distributions, "harness floor", palette.HARNESS)] if distributions else []


def _curve(scene: Scene, variant: str, distributions: list[Distribution], name: str, look: Look) -> Curve:
    each = [at_shares(distribution) for distribution in distributions]
    together = at_shares(pooled(tuple(distributions)))
    estimate = scene.cells.estimate(metrics(scene)[0], scene.scenario, variant)
    median = estimate.median if estimate else float(np.interp(0.5, SHARES, together))
    return Curve(variant, name, look, median, together, each)


def metrics(scene: Scene) -> tuple[str, str]:
    """The metrics of the median and the p99 in a scenario."""
    if returns(scene):
        return "round_trip_p50", "round_trip_p99"
    return "latency_p50", "latency_p99"


def returns(scene: Scene) -> bool:
    return METRICS["round_trip_p50"].applies(scene.scenario)


def single_trials(curves: list[Curve]) -> str:
    """How single trials are drawn."""
    single = any(len(curve.each_ns) <= MOST_SINGLE for curve in curves)
    return "Thin lines are single trials" if single else "The band is the range of all trials"


def harness_sentence(scene: Scene) -> str:
    """The meaning of the grey curve or line; empty if the run does not have it."""
    parts = dict(noise.harness_parts(scene.cells, scene.scenario))
    if noise.MIDDLE not in parts:
        return ""
    numbers = f"{noise.MIDDLE} {parts[noise.MIDDLE]}, {noise.LATE} {parts[noise.LATE]}"
    return f" Grey: harness floor, without any technique ({numbers})."


def alt(scene: Scene) -> str:
    """The median and the p99 of every curve in words."""
    p99 = int(np.searchsorted(SHARES, 0.99))
    parts = [
        f"{curve.name} {quantity(curve.median_ns, 'ns')} and {quantity(float(curve.at_ns[p99]), 'ns')}"
        for curve in [*harness(scene), *compared(scene)]
    ]
    kind = "round trip" if returns(scene) else "delivery latency"
    return f"Cumulative curves of {kind} on a logarithmic axis; median and p99: {'; '.join(parts)}."


def sheet(scene: Scene) -> Sheet:
    """A row per variant and share of deliveries: over all trials, and the range over single trials."""
    kind = "round_trip" if returns(scene) else "latency"
    facts = scene.cells.facts
    rows: list[list[Field]] = []
    for curve in [*harness(scene), *compared(scene)]:
        lowest, highest = band(curve)
        of_variant = who(facts[curve.variant])
        rows += [
            [*of_variant, len(curve.each_ns), share, at, least, most]
            for share, at, least, most in zip(
                SHARES.tolist(), curve.at_ns.tolist(), lowest.tolist(), highest.tolist(), strict=True
            )
        ]
    return Sheet([*WHO, "trials", "share", f"{kind}_ns", f"{kind}_least_trial_ns", f"{kind}_most_trial_ns"], rows)
