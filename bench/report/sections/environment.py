"""The machine and software of the run, the options of every variant, and the brokers that served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.runs.cells import Cells
from bench.report.palette import family_order
from bench.report.sections._section import Section, Sources
from bench.results import VariantFacts


@dataclass(frozen=True, slots=True)
class Environment:
    """The variants that are compared, and those that serve the instrument. brokers: in words, by variant."""

    variants: Sequence[VariantFacts]
    hidden: Sequence[VariantFacts]
    brokers: Mapping[str, Sequence[str]]


def environment(sources: Sources) -> Environment:
    """The variants of a run."""
    cells = sources.cells
    return Environment(
        family_order(cells.shown),
        [variant for variant in cells.run.variants if variant.hidden],
        {variant.name: _brokers(cells, variant) for variant in cells.shown},
    )


def _brokers(cells: Cells, variant: VariantFacts) -> list[str]:
    """The brokers that the trials of a variant used; without a trial that recorded one, the broker of its checks."""
    used = [trial.broker for trial in cells.trials if trial.broker and trial.planned.variant == variant.name]
    used = used or ([variant.broker] if variant.broker else [])
    return list(dict.fromkeys(broker.identity for broker in used))


SECTION = Section("Environment of the run", "Environment", 130, environment)
