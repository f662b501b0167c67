"""Rows under the heading of their delivery class, which every number under a fault depends on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.analysis.numbers.statistics import Estimate, estimate
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.faults import Fault, by_block, faults, trials_under
from bench.analysis.runs.faults import Read as ReadTrial
from bench.analysis.trials.delivery_class import DeliveryClass, delivery_class
from bench.report.figures._rows import HEADING, Gap, Row, Rows
from bench.report.figures._scene import Scene, absence
from bench.report.figures._sheet import WHO, Field, who
from bench.report.palette import family_order
from bench.results import VariantFacts

Read = Callable[[VariantFacts], Estimate | None]

OF_FAULT = (*WHO, "delivery", "fault")
"""The columns of the variant, its delivery class and its fault."""


def of(variant: VariantFacts, fault: Fault) -> Sequence[Field]:
    """The fields of `OF_FAULT`."""
    return [*who(variant), str(delivery_class(variant)), fault.name]


def points(cells: Cells, scenario: str) -> list[Fault]:
    """The faults of a scenario that a run was to cause, without the control."""
    return [fault for fault in faults(cells) if fault.scenario == scenario]


def grid(cells: Cells, scenario: str) -> list[tuple[Fault, VariantFacts]]:
    """Every fault of a scenario, without the control, with every variant."""
    return [(fault, variant) for fault in points(cells, scenario) for variant in cells.shown]


def measured(cells: Cells, read: ReadTrial, fault: Fault, variant: VariantFacts) -> Estimate | None:
    """The median over the blocks of a variant under a fault."""
    return estimate(list(by_block(trials_under(cells, fault, variant.name), read).values()))


def rows(scene: Scene, read: Read) -> Rows:
    """Every variant of the run: rows for those with a number, gaps for those that should have one."""
    shown: list[Row] = []
    gaps: list[Gap] = []
    headings: list[tuple[float, str]] = []
    y = 0.0
    for delivery in DeliveryClass:
        members = _members(scene, delivery, read)
        if not members:
            continue
        headings.append((y, delivery.words))
        y += HEADING
        for variant, total, word in members:
            if total is None:
                gaps.append(Gap(variant, y, word))
            else:
                shown.append(Row(variant, scene.looks[variant.name], y, total, list(enumerate(total.values))))
            y += 1
    return Rows(shown, gaps, headings, y)


def _members(scene: Scene, delivery: DeliveryClass, read: Read) -> list[tuple[VariantFacts, Estimate | None, str]]:
    members = []
    for variant in family_order(scene.cells.shown):
        if delivery_class(variant) is delivery:
            total = read(variant)
            word = "" if total else absence(scene.cells, scene.scenario, variant)
            if total or word:
                members.append((variant, total, word))
    return members


def variants(scene: Scene) -> list[VariantFacts]:
    """The variants with a valid trial in the scenario, under any fault; techniques before products."""
    planned = [trial.planned for trial in scene.cells.trials if trial.valid]
    measured_names = {one.variant for one in planned if one.scenario == scene.scenario}
    return family_order(variant for variant in scene.cells.shown if variant.name in measured_names)
