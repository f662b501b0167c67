"""Freshness: the distribution of delivery latency or round trip, one curve per variant."""

from __future__ import annotations

from matplotlib.figure import Figure as Canvas

from bench.report import noise
from bench.report.figures._curves import drawn
from bench.report.figures._figure import Figure
from bench.report.figures._latency_curves import (
    alt,
    compared,
    harness,
    harness_sentence,
    metrics,
    returns,
    sheet,
    single_trials,
)
from bench.report.figures._scenarios import both_ways, one_by_one
from bench.report.figures._scene import Scene
from bench.units import quantity


def sentence(scene: Scene) -> str:
    """How to read the curves, and the smallest and largest median."""
    curves = compared(scene)
    fastest, slowest = curves[0], curves[-1]
    sentence = (
        "Further left is fresher, steeper is more uniform: a curve shows the share of deliveries with at most the given"
        f" latency. {single_trials(curves)}."
    )
    if len(curves) > 1 and not scene.doubt:
        sentence += (
            f" The median ranges from {quantity(fastest.median_ns, 'ns')} with {fastest.name} to"
            f" {quantity(slowest.median_ns, 'ns')} with {slowest.name}."
        )
    floors = [noise.floor_words(scene.cells, name, scene.scenario) for name in metrics(scene)]
    return f"{sentence} Noise floor: {floors[0]} (median), {floors[1]} (p99).{harness_sentence(scene)}"


def draw(scene: Scene) -> Canvas:
    """Cumulative distributions on a logarithmic axis, one curve per variant, labelled in free space."""
    words = "round trip" if returns(scene) else "delivery latency"
    return drawn(compared(scene), harness(scene), words, "share of deliveries")


FIGURES = (
    Figure("latency", "Delivery latency", 20, sentence, draw, alt, sheet, one_by_one),
    Figure("round-trip", "Echo round trip", 30, sentence, draw, alt, sheet, both_ways),
)
