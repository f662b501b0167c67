"""What a server of known delays was measured to do, beside what it did."""

from __future__ import annotations

from bench.analysis.trials.calibration import readings
from bench.report.calibrated import Calibrated, calibrated
from bench.report.sections._section import Section, Sources


def calibration(sources: Sources) -> list[Calibrated]:
    """Everything that was injected and read back in the run."""
    return [calibrated(reading) for reading in readings(sources.cells.trials)]


SECTION = Section("Calibration", "Calibration", 80, calibration)
