"""Evidence on the instrument: calibration, sensitivity and the comparison of load generators, stored beside a run.

They are stored in the folder `instrument/` of the run that they belong to: `calibration/` and `sensitivity/` are runs,
`generator.json` is a comparison. The report omits what is missing there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from bench import results
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.comparability import SAME_MACHINE
from bench.analysis.runs.generator_table import Line, lines
from bench.analysis.runs.sensitivity import ErrorRate, error_rates
from bench.analysis.trials import stored
from bench.analysis.trials.calibration import readings
from bench.analysis.trials.metrics import METRICS
from bench.report.calibrated import Calibrated, calibrated
from bench.results import load_comparison
from bench.units import factor


@dataclass(frozen=True, slots=True)
class Instrument:
    """The stored measurements, empty if absent. `measured`: the conditions of each, in words."""

    calibration: list[Calibrated]
    sensitivity: list[ErrorRate]
    experiments: int
    blocks: int
    generators: list[Line]
    measured: Mapping[str, str]


NOTHING = Instrument([], [], 0, 0, [], MappingProxyType({}))
_CONDITIONS = (*SAME_MACHINE, "python")


def facts(run_folder: Path, cells: Cells) -> Instrument:
    """Everything that is stored beside a run. Raises bench.results.ResultsError for what is malformed."""
    folder = run_folder / "instrument"
    here = cells.run.environment
    read = readings(cells.trials)
    measured: dict[str, str] = {}
    if (folder / "calibration").exists():
        run, trials = stored.load(folder / "calibration")
        read, measured["calibration"] = readings(trials), where(run.environment, here)
    rates: list[ErrorRate] = []
    blocks = experiments = 0
    if (folder / "sensitivity").exists():
        run, trials = stored.load(folder / "sensitivity")
        blocks = run.repetitions
        experiments = len({trial.planned.block for trial in trials}) // blocks
        rates, measured["sensitivity"] = error_rates(trials, blocks), where(run.environment, here)
    generators: list[Line] = []
    if (folder / "generator.json").exists():
        comparison = load_comparison(folder / "generator.json")
        generators, measured["generators"] = lines(comparison), where(comparison.environment, here)
    calibration = [calibrated(reading) for reading in read]
    return Instrument(calibration, rates, experiments, blocks, generators, measured)


def where(there: results.Environment, here: results.Environment) -> str:
    """The conditions of a measurement that is stored beside a run, in words."""
    if all(there.facts.get(name) == here.facts.get(name) for name in _CONDITIONS):
        return "under the same conditions, at a different time"
    conditions = [f"{name} {there.facts.get(name, 'unknown')}" for name in _CONDITIONS]
    return f"under different conditions: {', '.join(conditions)}"


def sensitivity_row(rate: ErrorRate) -> tuple[str, ...]:
    """An error rate as the cells of a table."""
    ratios = [ratio.median for ratio in rate.ratios]
    factors = [factor(float(value)) for value in (np.median(ratios), min(ratios), max(ratios))] if ratios else []
    metric = METRICS[rate.metric].title
    verdict = "met" if rate.met else "MISSED"
    called = f"{rate.different} of {rate.comparisons}"
    return rate.words, metric, called, str(rate.wrong_sign), ", ".join(factors), verdict


HEAD = ("injected", "metric", "reported as different", "wrong sign", "ratio: median, smallest, largest", "")


def sensitivity_table(rates: Sequence[ErrorRate]) -> str:
    """The error rates as Markdown."""
    rows = [HEAD, ("---",) * len(HEAD), *map(sensitivity_row, rates)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
