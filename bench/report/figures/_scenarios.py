"""The scenarios of a run for which a figure has data: by what they declare and what their trials hold."""

from __future__ import annotations

from collections.abc import Callable

from bench.analysis.runs.cells import Cells
from bench.analysis.trials.metrics import METRICS
from bench.results import Distribution, VariantFacts
from bench.scenarios import Scenario, of_record


def having(metric: str) -> Callable[[Cells], list[str]]:
    """Scenarios in which a valid trial has the metric."""

    def scenarios(cells: Cells) -> list[str]:
        return [
            scenario
            for scenario in cells.scenarios
            if any(cells.values(metric, scenario, variant.name) for variant in cells.measured(scenario))
        ]

    return scenarios


def with_latency(cells: Cells) -> list[str]:
    """Scenarios with a delivery in a valid trial."""
    return [
        name for name in cells.scenarios if any(latencies(cells, name, variant) for variant in cells.measured(name))
    ]


def one_way(cells: Cells) -> list[str]:
    """Scenarios whose latency runs from the publisher to a subscriber."""
    return [name for name in with_latency(cells) if METRICS["latency_p50"].applies(name)]


def both_ways(cells: Cells) -> list[str]:
    """Scenarios whose latency is a round trip."""
    return [name for name in with_latency(cells) if METRICS["round_trip_p50"].applies(name)]


def one_by_one(cells: Cells) -> list[str]:
    """Of those, the scenarios without bursts."""
    return [name for name in one_way(cells) if name not in bursts(cells)]


def in_bursts(cells: Cells) -> list[str]:
    """Scenarios in which many messages are due at once."""
    return [name for name in with_latency(cells) if name in bursts(cells)]


def bursts(cells: Cells) -> set[str]:
    """The scenarios of a run that publish in bursts."""
    return {name for name in cells.scenarios if of_record(name).burst}


def declaring(cells: Cells, condition: Callable[[Scenario], object]) -> list[str]:
    """The scenarios with faults whose declaration meets a condition."""
    return [name for name in cells.scenarios if (one := of_record(name)).faults and condition(one)]


def latencies(cells: Cells, scenario: str, variant: VariantFacts) -> list[Distribution]:
    """The latencies of every valid trial of a cell with a delivery."""
    trials = cells.valid(scenario, variant.name)
    return [trial.latency for trial in trials if trial.latency is not None and trial.latency.count]
