"""Advice: typical needs worked out beforehand, and the costs from which its form works out others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.advice import answer, reliability
from bench.advice.at_a_glance import Glance, glance
from bench.advice.costs import fit
from bench.advice.needs import FIELDS, Field, Need
from bench.advice.ranking import Advice, advise
from bench.advice.words import COLUMNS, phrased
from bench.analysis.runs.cells import Cells
from bench.report.palette import looks
from bench.report.sections._advice_data import data
from bench.report.sections._section import Section

# Mostly idle users with messages of their own; one stream of numbers for all; rooms of 20 writers.
TYPICAL = (
    ("Notifications", Need(subscribers=50_000, rate=0.01, payload_bytes=300, upstream_rate=0.0, max_staleness_s=10.0,
                           fan_out=1)),
    ("Dashboard", Need(subscribers=200, rate=20.0, payload_bytes=500, upstream_rate=0.0, max_staleness_s=0.25,
                       fan_out=200)),
    ("Chat", Need(subscribers=1_000, rate=2.0, payload_bytes=200, upstream_rate=0.1, max_staleness_s=1.0, fan_out=20)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Worked:
    """A typical need with its advice in words."""

    title: str
    requirement: str
    glance: Glance
    conclusion: tuple[str, ...]
    lines: list[answer.Line]
    notes: tuple[str, ...]
    common: str
    why: str
    refused: list[str]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the section of the page shows. `data` is empty, and `lacking` says why, where nothing can be costed."""

    data: dict[str, Any]
    columns: tuple[str, ...]
    typical: list[Worked]
    prediction: str
    ranking: str
    aims: str
    errors: list[tuple[str, ...]]
    conventions: str
    lacking: str

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of the form."""
        return FIELDS


def advice(cells: Cells) -> Facts:
    """The advice of a run."""
    costs = fit(cells)
    lacking = reliability.lacking(costs) or ("" if costs.models else "no variant was measured")
    if not costs.models:
        return Facts({}, (), [], "", "", "", [], "", lacking)
    worked = [_worked(title, advise(costs, need)) for title, need in TYPICAL]
    return Facts(
        data(costs, TYPICAL, {name: f"v{look.css[3:]}" for name, look in looks(cells.shown).items()}),
        tuple(title for title, _ in COLUMNS),
        worked,
        reliability.prediction(costs),
        reliability.ranking(costs),
        reliability.aims(costs),
        reliability.errors(costs),
        reliability.conventions(),
        lacking,
    )


def _worked(title: str, advice: Advice) -> Worked:
    lines = answer.lines(advice)
    notes = answer.shared([line.notes for line in lines])
    return Worked(
        title,
        answer.requirement(advice.need),
        glance(advice),
        answer.conclusion(advice),
        lines,
        notes.rows,
        (phrased("common", {"notes": notes.common}) or "") if notes.common else "",
        answer.why(advice),
        [phrased("refused", {"refusal": answer.refusal(one, advice.need)}) or "" for one in advice.refused],
    )


SECTION = Section("Advice", "Advice", 10, lambda sources: advice(sources.cells), scripts=("advice.js",))
