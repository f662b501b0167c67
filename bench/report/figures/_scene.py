"""The data of a figure: a run, one of its scenarios, the looks of the variants, and the reasons for absent ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.analysis.runs.cells import Cells
from bench.report.figures._text_width import fitted
from bench.report.noise import too_few
from bench.report.palette import Look, family_order
from bench.results import VariantFacts

LONGEST_NAME_IN = 1.5


@dataclass(frozen=True, slots=True)
class Scene:
    """The data of one figure: the cells, its scenario, the look of every variant, and the parameter of a sweep."""

    cells: Cells
    scenario: str
    looks: Mapping[str, Look]
    parameter: str = ""

    @property
    def variants(self) -> list[VariantFacts]:
        """The variants with valid trials in the scenario: techniques first, then products."""
        return family_order(self.cells.measured(self.scenario))

    @property
    def doubt(self) -> str:
        """Why the figure can show no difference; empty if it can."""
        return too_few(self.cells, self.scenario)

    def number(self, parameter: str) -> float | None:
        """A parameter of the scenario as a number; None where it has none of that name, or no number in it."""
        facts = next(scenario for scenario in self.cells.run.scenarios if scenario.name == self.scenario)
        value = facts.parameters.get(parameter)
        return float(value) if isinstance(value, int | float) else None


def absence(cells: Cells, scenario: str, variant: VariantFacts) -> str:
    """Why a variant has no number in a scenario, in a word or two; empty if none was planned."""
    if variant.status != "measured":
        return {"skipped": "skipped", "failed": "failed its checks"}[variant.status]
    if variant.name in cells.excluded(scenario):
        return cells.excluded(scenario)[variant.name]
    if cells.valid(scenario, variant.name):
        return "no number"
    cell = (scenario, variant.name)
    failures = [trial.failure for trial in cells.compared if (trial.planned.scenario, trial.planned.variant) == cell]
    if failures:
        words = (("invalid", None in failures), ("failed", any(failures)))
        return " and ".join(word for word, holds in words if holds)
    planned = any((one.scenario, one.variant) == cell and not one.changes for one in cells.run.plan)
    return "not run" if planned else ""


def absences(scene: Scene) -> str:
    """The variants absent from a figure without rows, and the reasons, as a sentence; empty if none is absent."""
    parts = [
        f"{named(variant)} ({word})"
        for variant in family_order(scene.cells.shown)
        if (word := absence(scene.cells, scene.scenario, variant)) and word != "no number"
    ]
    return f"Not shown: {', '.join(parts)}." if parts else ""


def named(variant: VariantFacts) -> str:
    """The name of a variant in a figure."""
    return fitted(variant.label, LONGEST_NAME_IN) or fitted(variant.name, LONGEST_NAME_IN)
