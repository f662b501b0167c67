"""Readings of the calibration in words."""

from __future__ import annotations

from dataclasses import dataclass

from bench.analysis.trials.calibration import Reading
from bench.units import whole


@dataclass(frozen=True, slots=True)
class Calibrated:
    """One reading of the calibration in words: durations above the floor, counts unchanged."""

    reading: Reading
    injected: str
    read_back: str
    error: str
    tolerance: str


def calibrated(reading: Reading) -> Calibrated:
    """A reading in words."""
    injected, read_back, error = (
        whole(number, reading.unit) for number in (reading.injected, reading.read_back, reading.error)
    )
    return Calibrated(
        reading, injected, read_back, error, f"\N{PLUS-MINUS SIGN}{whole(reading.tolerance, reading.unit)}"
    )
