"""All trials of a run, asked by cell: what a metric is in a cell, and how two variants compare in a scenario.

Only valid trials are asked. Twins (one cell run twice in a block) are both trials of their cell; between them lies the
noise floor.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bench.analysis.metrics import METRICS
from bench.analysis.statistics import (
    Estimate,
    Verdict,
    estimate,
    paired_difference,
    paired_ratio,
    verdict,
    verdict_of_difference,
)
from bench.results import Run, Trial, VariantFacts

ASSUMED_FLOOR = 1.05
"""The noise floor of a run without twins: a ratio nearer to 1 than this is never called a difference."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A variant against a reference on one metric in one scenario, paired by block, and what that shows.

    ratio: None unless both are above zero in every block they share; then only the difference can be told.
    difference: variant - reference, in the metric's unit; None where they share no block.
    """

    variant: VariantFacts
    reference: VariantFacts
    ratio: Estimate | None
    difference: Estimate | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Floor:
    """How far two runs of the same thing lie apart: a ratio of at least 1. `measured` says whether twins were run."""

    ratio: float
    measured: bool


class Cells:
    """A run's trials by scenario and variant. Values are computed when first asked for and then remembered."""

    def __init__(self, run: Run, trials: Iterable[Trial]) -> None:
        self.run = run
        self.trials = sorted(trials, key=lambda trial: trial.planned.position)
        self.facts = {variant.name: variant for variant in run.variants}
        self._held: dict[tuple[str, str], list[Trial]] = {}
        self._values: dict[tuple[str, str, str], list[tuple[int, float]]] = {}
        self._estimates: dict[tuple[str, str, str], Estimate | None] = {}
        for trial in self.trials:
            if trial.valid:
                self._held.setdefault((trial.planned.scenario, trial.planned.variant), []).append(trial)

    @property
    def scenarios(self) -> list[str]:
        """Names of the scenarios of the run in which variants are compared, in its order."""
        return [scenario.name for scenario in self.run.scenarios if not scenario.hidden]

    @property
    def variants(self) -> list[VariantFacts]:
        """The variants of the run but for the hidden ones, which serve the instrument and are compared with nobody."""
        return [variant for variant in self.run.variants if not variant.hidden]

    @property
    def compared(self) -> list[Trial]:
        """The trials of those variants."""
        hidden = {variant.name for variant in self.run.variants if variant.hidden}
        return [trial for trial in self.trials if trial.planned.variant not in hidden]

    def valid(self, scenario: str, variant: str) -> list[Trial]:
        """The valid trials of a cell in the order in which they were run."""
        return self._held.get((scenario, variant), [])

    def measured(self, scenario: str) -> list[VariantFacts]:
        """The variants to be compared with at least one valid trial in a scenario, in the run's order."""
        return [variant for variant in self.variants if self.valid(scenario, variant.name)]

    def values(self, metric: str, scenario: str, variant: str) -> list[tuple[int, float]]:
        """(block, value) of every valid trial of a cell that has the metric."""
        key = (metric, scenario, variant)
        if key not in self._values:
            read = [(trial.planned.block, METRICS[metric].of(trial)) for trial in self.valid(scenario, variant)]
            self._values[key] = [(block, float(value)) for block, value in read if value is not None]
        return self._values[key]

    def estimate(self, metric: str, scenario: str, variant: str) -> Estimate | None:
        """The median of a metric over the valid trials of a cell; None where no trial has it."""
        key = (metric, scenario, variant)
        if key not in self._estimates:
            self._estimates[key] = estimate([value for _, value in self.values(*key)])
        return self._estimates[key]

    def compare(self, metric: str, scenario: str, variant: str, reference: str) -> Comparison:
        """A variant against a reference, paired by block."""
        ours, theirs = self._by_block(metric, scenario, variant), self._by_block(metric, scenario, reference)
        ratio, difference = paired_ratio(ours, theirs), paired_difference(ours, theirs)
        shown = verdict(ratio, self.floor(metric, scenario).ratio) if ratio else verdict_of_difference(difference)
        return Comparison(self.facts[variant], self.facts[reference], ratio, difference, shown)

    def floor(self, metric: str, scenario: str) -> Floor:
        """The noise floor of a metric: the widest ratio between twins of one block, or what is assumed without any."""
        spreads = [
            abs(math.log(high / low))
            for name, held in self._held.items()
            if name[0] == scenario
            for low, high in self._twins(metric, held)
        ]
        return Floor(math.exp(max(spreads)), True) if spreads else Floor(ASSUMED_FLOOR, False)

    def _twins(self, metric: str, trials: list[Trial]) -> list[tuple[float, float]]:
        """The extreme values of every block in which a cell was run more than once."""
        blocks: dict[int, list[float]] = {}
        for trial in trials:
            value = METRICS[metric].of(trial)
            if value is not None and value > 0:
                blocks.setdefault(trial.planned.block, []).append(value)
        return [(min(values), max(values)) for values in blocks.values() if len(values) > 1]

    def _by_block(self, metric: str, scenario: str, variant: str) -> dict[int, float]:
        blocks: dict[int, list[float]] = {}
        for block, value in self.values(metric, scenario, variant):
            blocks.setdefault(block, []).append(value)
        return {block: float(np.median(values)) for block, values in blocks.items()}
