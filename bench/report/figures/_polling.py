"""Polling at every interval of a run, and the law fitted to these measurements."""

from __future__ import annotations

from bench.analysis.numbers.poll_intervals import PollingLaw, polling_law
from bench.analysis.numbers.statistics import Estimate
from bench.report.figures._scene import Scene
from bench.results import VariantFacts

TECHNIQUE = "polling"
INTERVAL = "poll_interval_s"
Points = list[tuple[float, Estimate]]


def points(scene: Scene, variant: VariantFacts) -> list[tuple[float, Estimate, Estimate]]:
    """(interval in s, median latency, CPU per message) of every measured interval; empty without polling."""
    if variant.technique != TECHNIQUE:
        return []
    latency, cost = (dict(along(scene, metric, variant)) for metric in ("latency_p50", "cpu"))
    return [(at, latency[at], cost[at]) for at in sorted(latency.keys() & cost.keys()) if at > 0]


def along(scene: Scene, metric: str, variant: VariantFacts) -> Points:
    return scene.cells.along(metric, scene.scenario, variant.name, INTERVAL)


def laws(scene: Scene) -> list[tuple[VariantFacts, PollingLaw]]:
    """The law of every polling variant, fitted to its measured intervals."""
    laws_of = [(variant, _law(scene, variant)) for variant in scene.variants if variant.technique == TECHNIQUE]
    return [(variant, law) for variant, law in laws_of if law is not None]


def _law(scene: Scene, variant: VariantFacts) -> PollingLaw | None:
    """None where the trials lack the facts."""
    parameters = scene.cells.valid(scene.scenario, variant.name)[0].parameters
    rate_hz, subscribers = parameters.get("rate_hz"), parameters.get("subscribers")
    measured = points(scene, variant)
    if not (isinstance(rate_hz, int | float) and rate_hz > 0 and isinstance(subscribers, int) and measured):
        return None
    latency = {at * 1e9: estimate.median for at, estimate, _ in measured}
    cost = {at * 1e9: estimate.median for at, _, estimate in measured}
    return polling_law(latency, cost, 1e9 / rate_hz, subscribers)
