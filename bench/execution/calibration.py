"""A calibration as a run of its own: every plant in every block, and the readings as a table for a person."""

from __future__ import annotations

from collections.abc import Sequence

from bench.analysis.trials.calibration import Reading, readings
from bench.execution.run import Begun, begin_instrument
from bench.planning.plan import CALIBRATION, WHOLE, calibration
from bench.planning.request import Request
from bench.report.sections import calibrated
from bench.results import Planned

__all__ = ["begin", "readings", "table"]

HEAD = ("plant", "quantity", "injected", "read back", "error", "tolerance", "")


def begin(request: Request) -> Begun:
    """Store the head of a run that holds the plants and nothing else. Raises Refused, ResultsError."""
    planned: list[Planned] = []
    repetitions = request.repetitions or 1
    for block in range(1, repetitions + 1):
        planned = calibration(WHOLE, request.seed, block, planned)
    return begin_instrument(CALIBRATION, planned, repetitions, request)


def table(found: Sequence[Reading]) -> str:
    """Every reading as a line, and how many were missed."""
    rows = [HEAD, *(_row(reading) for reading in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    missed = sum(not reading.met for reading in found)
    verdict = f"{missed} of {len(found)} readings missed" if missed else f"all {len(found)} readings met"
    return "\n".join([*lines, verdict if found else "nothing could be read back"])


def _row(reading: Reading) -> tuple[str, ...]:
    told = calibrated(reading)
    verdict = "met" if reading.met else "MISSED"
    return (reading.plant, reading.quantity, told.injected, told.read_back, told.error, told.tolerance, verdict)
