"""Laws and calibration: what was known beforehand beside what the instrument read."""

from __future__ import annotations

from dataclasses import dataclass

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.laws import LawVerdict, Reading, read_laws
from bench.analysis.trials import calibration as calibrations
from bench.units import counted, measured, quantity, whole


@dataclass(frozen=True, slots=True)
class Prediction:
    """One law beside one cell, in words."""

    reading: Reading
    expected: str
    measured: str
    met: bool


def readings(cells: Cells) -> list[Reading]:
    """Every law read against the variants that are compared; hidden ones are held against other things."""
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


@dataclass(frozen=True, slots=True)
class Calibrated:
    """One reading of the calibration in words: durations over the floor, counts as they are."""

    reading: calibrations.Reading
    injected: str
    read_back: str
    error: str
    tolerance: str


def calibration(cells: Cells) -> list[Calibrated]:
    """Everything that was planted and read back in the run."""
    return [calibrated(reading) for reading in calibrations.readings(cells.trials)]


def calibrated(reading: calibrations.Reading) -> Calibrated:
    """A reading in words."""
    injected, read_back, error = (
        whole(number, reading.unit) for number in (reading.injected, reading.read_back, reading.error)
    )
    return Calibrated(
        reading, injected, read_back, error, f"\N{PLUS-MINUS SIGN}{whole(reading.tolerance, reading.unit)}"
    )


def about_laws(cells: Cells) -> list[str]:
    """The laws that were missed, in words: each is a fault of the instrument until shown otherwise."""
    read = readings(cells)
    missed = [reading for reading in read if reading.verdict is not LawVerdict.MET]
    if not missed:
        return []
    said = ", ".join(f"{reading.law.name} ({reading.variant.label}, {reading.where})" for reading in missed)
    return [
        f"{len(missed)} of {counted(len(read), 'reading')} of the laws missed: {said}. Until explained, doubt the"
        " instrument."
    ]
