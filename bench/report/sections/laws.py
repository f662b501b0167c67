"""Laws: predicted values beside the measured ones."""

from __future__ import annotations

from dataclasses import dataclass

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.laws import LawVerdict, Reading, read_laws
from bench.report.sections._section import Section
from bench.units import counted, measured, quantity


@dataclass(frozen=True, slots=True)
class Prediction:
    """One law beside one cell, in words."""

    reading: Reading
    expected: str
    measured: str
    met: bool


def readings(cells: Cells) -> list[Reading]:
    """Every law, evaluated on the compared variants; hidden variants have other checks."""
    return read_laws(cells.run, cells.shown_trials)


def predictions(cells: Cells) -> list[Prediction]:
    """Every law that could be tested."""
    return [
        Prediction(
            reading,
            " to ".join(quantity(end, reading.law.unit) for end in (reading.expected.low, reading.expected.high)),
            measured(reading.measured, reading.law.unit),
            reading.verdict is LawVerdict.MET,
        )
        for reading in readings(cells)
    ]


def about_laws(cells: Cells) -> list[str]:
    """The missed laws in words: each counts as an error of the instrument until it is explained."""
    read = readings(cells)
    missed = [reading for reading in read if reading.verdict is not LawVerdict.MET]
    if not missed:
        return []
    words = ", ".join(f"{reading.law.name} ({reading.variant.label}, {reading.where})" for reading in missed)
    return [
        f"{len(missed)} of {counted(len(read), 'reading')} of the laws missed: {words}. Until this is"
        " explained, the instrument may be wrong."
    ]


SECTION = Section("Laws", "Laws", 90, lambda sources: predictions(sources.cells))
