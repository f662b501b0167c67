"""The machine and software of the run, and the options of every variant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.report.palette import family_order
from bench.report.sections._section import Section, Sources
from bench.results import VariantFacts


@dataclass(frozen=True, slots=True)
class Environment:
    """The variants that are compared, and those that serve the instrument."""

    variants: Sequence[VariantFacts]
    hidden: Sequence[VariantFacts]


def environment(sources: Sources) -> Environment:
    """The variants of a run."""
    cells = sources.cells
    return Environment(family_order(cells.shown), [variant for variant in cells.run.variants if variant.hidden])


SECTION = Section("Environment of the run", "Environment", 130, environment)
