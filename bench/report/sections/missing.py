"""Planned trials that are part of no number: those of skipped variants, failed, invalid, or not run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from bench.analysis.runs.cells import Cells
from bench.report.sections._section import Section
from bench.results import Trial, VariantFacts
from bench.units import counted


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The trials missing from the numbers, and the reasons. `retried`: the ids of the retried trials. `excluded`:
    scenarios with the variants that they exclude, in words."""

    skipped: list[VariantFacts]
    failed_variants: list[VariantFacts]
    failed: list[Trial]
    invalid: list[Trial]
    retried: set[str]
    missing: int
    sentence: str
    excluded: list[tuple[str, str]]


def outcomes(cells: Cells) -> Outcomes:
    """All planned trials that did not become valid ones."""
    run, trials = cells.run, cells.trials
    failed = [trial for trial in trials if trial.failure is not None]
    invalid = [trial for trial in trials if trial.failure is None and not trial.valid]
    valid = len(trials) - len(failed) - len(invalid)
    missing = len({planned.id for planned in run.plan} - {trial.planned.id for trial in trials})
    retried = {trial.planned.retry_of for trial in trials if trial.planned.retry_of}
    repeated = f", {len(retried)} of them retried after a disturbance by the machine" if retried else ""
    sentence = (
        f"{counted(len(run.plan), 'trial')} planned{repeated}: {valid} valid, {len(invalid)} invalid, {len(failed)}"
        f" failed, {missing} not run."
    )
    uncompared = [
        (len(cells.shown_trials) - len(cells.compared), "changed one parameter of their scenario"),
        (len(trials) - len(cells.shown_trials), "measured the instrument itself"),
    ]
    parts = [f"{number:,} {words}" for number, words in uncompared if number]
    if parts:
        sentence += f" Of these, {' and '.join(parts)}."
    skipped, refused = (_with(run.variants, status) for status in ("skipped", "failed"))
    return Outcomes(skipped, refused, failed, invalid, retried, missing, sentence, _excluded(cells))


def _excluded(cells: Cells) -> list[tuple[str, str]]:
    """(scenario, "Polling, SSE: has no broker") for every reason why a scenario excludes variants."""
    lines = []
    for scenario in cells.scenarios:
        for reason, variants in groupby(sorted(cells.excluded(scenario).items(), key=itemgetter(1)), key=itemgetter(1)):
            names = {name for name, _ in variants}
            measured = [
                variant for variant in cells.shown if variant.status == "measured"
            ]  # the others are listed above
            labels = [variant.label for variant in measured if variant.name in names]
            lines += [(scenario, f"{', '.join(labels)}: {reason}")] if labels else []
    return lines


def _with(variants: Iterable[VariantFacts], status: str) -> list[VariantFacts]:
    return [variant for variant in variants if variant.status == status]


SECTION = Section("Skipped, failed and invalid", "Skipped", 110, lambda sources: outcomes(sources.cells))
