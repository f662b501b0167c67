"""Inject known delays and faults, and check that the bench reads them back.

The calibration server injects known delays, a freeze, losses, repeats and swaps. The table shows what the bench reads
back beside each, with a tolerance. Exits with 1 if a reading is missed, with 3 if a trial is invalid.

examples:
  python -m bench calibrate --repetitions 3
  python -m bench calibrate --repetitions 3 --name quiet-machine
  python -m bench calibrate --resume quiet-machine
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence

from bench.analysis.trials.calibration import Reading, readings
from bench.commands import _measuring
from bench.commands._options import add_storage, repetitions
from bench.commands._reporting import rehearse_report, write_report
from bench.execution import calibration

HEAD = ("injection", "quantity", "injected", "read back", "error", "tolerance", "")
WORDS = 2  # columns of HEAD, from the left; the others hold numbers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add how often, and where it is stored."""
    parser.add_argument(
        "--repetitions", type=repetitions, default=1, help="trials per injection (default: %(default)s)"
    )
    add_storage(parser)


def run(options: argparse.Namespace) -> int:
    """Measure, store, write the report, and print the readings. Raises Refused, ResultsError."""
    rehearse_report(options.reports, options.results)
    wanted = dataclasses.replace(_measuring.request(options), repetitions=options.repetitions)
    with _measuring.alone(options):
        begun = _measuring.resumed(options) or calibration.begin(wanted)
        code = _measuring.carry_out(begun, options)
    read = readings(begun.store.trials())
    _measuring.say(f"\n{table(read)}\n")
    write_report(begun.store.folder, options.reports)
    return code or int(not read or not all(reading.met for reading in read))


def table(read: Sequence[Reading]) -> str:
    """Every reading as a line, and the number of missed ones."""
    rows = [HEAD, *(_row(reading) for reading in read)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    missed = sum(not reading.met for reading in read)
    verdict = f"{missed} of {len(read)} readings missed" if missed else f"all {len(read)} readings met"
    return "\n".join([*(_line(row, widths) for row in rows), verdict if read else "nothing could be read back"])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    left = [cell.ljust(width) for cell, width in zip(row[:WORDS], widths[:WORDS], strict=True)]
    right = [cell.rjust(width) for cell, width in zip(row[WORDS:], widths[WORDS:], strict=True)]
    return "  ".join([*left, *right]).rstrip()


def _row(reading: Reading) -> tuple[str, ...]:
    from bench.report.calibrated import (
        calibrated,  # only now: it loads what a report needs (see `_reporting`)
    )

    shown = calibrated(reading)
    verdict = "met" if reading.met else "MISSED"
    return (reading.injection, reading.quantity, shown.injected, shown.read_back, shown.error, shown.tolerance, verdict)
