"""Freshness and cost of every variant, and the techniques worse on both."""

from __future__ import annotations

from dataclasses import dataclass

from bench.analysis.numbers.statistics import Estimate, Verdict
from bench.analysis.runs.cells import Cells
from bench.report.figures import _polling
from bench.report.figures._scenarios import one_way
from bench.report.figures._scene import Scene, named
from bench.report.palette import Look
from bench.results import VariantFacts
from bench.units import tick

FRESHNESS, COST = "latency_p50", "cpu"


@dataclass(frozen=True, slots=True)
class Place:
    """One variant, or one interval of one that polls: freshness and cost with their intervals; `beaten_by`: a technique
    that is shown to be both fresher and cheaper. `interval_s`: 0 for variants that do not poll."""

    variant: VariantFacts
    look: Look
    freshness: Estimate
    cost: Estimate
    beaten_by: str
    interval_s: float = 0.0


def comparable(cells: Cells) -> list[str]:
    """Scenarios in which at least two variants have freshness and cost."""
    return [name for name in one_way(cells) if len(_both(cells, name)) > 1]


def _both(cells: Cells, scenario: str) -> list[tuple[VariantFacts, Estimate, Estimate]]:
    measured = []
    for variant in cells.measured(scenario):
        freshness, cost = (cells.estimate(metric, scenario, variant.name) for metric in (FRESHNESS, COST))
        if freshness and cost and freshness.median > 0 and cost.median > 0:
            measured.append((variant, freshness, cost))
    return measured


def places(scene: Scene) -> list[Place]:
    """Every variant of the figure; for a polling variant, every measured interval."""
    points: list[Place] = []
    for variant, freshness, cost in _both(scene.cells, scene.scenario):
        look = scene.looks[variant.name]
        beaten = _beaten_by(scene, variant)
        own = scene.cells.valid(scene.scenario, variant.name)[0].parameters.get(_polling.INTERVAL)
        intervals = _polling.points(scene, variant)
        points += [Place(variant, look, x, y, beaten if at == own else "", at) for at, x, y in intervals]
        if not intervals:
            points.append(Place(variant, look, freshness, cost, beaten))
    return points


def _beaten_by(scene: Scene, variant: VariantFacts) -> str:
    """The freshest technique on neutral ground that a technique is shown to be both staler and more expensive than."""
    if variant.product:
        return ""
    others = [
        (freshness.median, other) for other, freshness, _ in _both(scene.cells, scene.scenario) if not other.product
    ]
    for _, other in sorted(others, key=lambda pair: pair[0]):
        shown = [
            scene.cells.compare(metric, scene.scenario, variant.name, other.name).verdict
            for metric in (FRESHNESS, COST)
            if other.name != variant.name
        ]
        if shown == [Verdict.HIGHER, Verdict.HIGHER]:
            return named(other)
    return ""


def called(place: Place) -> str:
    """A variant, and its interval if it polls."""
    return f"{named(place.variant)}{every(place)}"


def every(place: Place) -> str:
    """The interval of a place in words, a space before; empty for variants that do not poll."""
    return f" every {tick(place.interval_s * 1e9, 'ns')}" if place.interval_s else ""
