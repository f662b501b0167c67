"""The classics: published claims beside the measurements of this run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.published_claims import PUBLISHED_CLAIMS, PublishedClaim
from bench.analysis.runs.reproduction import Fact, Reproduction
from bench.report.sections._section import Section
from bench.units import Unit, factor, quantity


@dataclass(frozen=True, slots=True)
class Row:
    """One published claim: its measurements in words, the verdict, its class in the page, and a note."""

    classic: PublishedClaim
    measured: list[str]
    verdict: str
    kind: str
    note: str


KINDS = {
    Reproduction.REPRODUCED: "met",
    Reproduction.NOT_REPRODUCED: "missed",
    Reproduction.NOT_TESTABLE: "untested",
}


def classics(cells: Cells) -> list[Row]:
    """All published claims, tested on a run."""
    readings = [(classic, classic.read(cells)) for classic in PUBLISHED_CLAIMS]
    return [
        Row(
            classic,
            [fact_words(fact) for fact in finding.facts],
            str(finding.verdict),
            KINDS[finding.verdict],
            finding.note,
        )
        for classic, finding in readings
    ]


def fact_words(fact: Fact) -> str:
    """A fact in words."""
    return f"{fact.words}: {_number(fact)}"


def _number(fact: Fact) -> str:
    for unit in get_args(Unit):
        if fact.unit == unit:
            return quantity(fact.value, unit)
    return factor(fact.value) if fact.unit is None else f"{fact.value:.3g} {fact.unit}"


SECTION = Section("The classics", "Classics", 100, lambda sources: classics(sources.cells))
