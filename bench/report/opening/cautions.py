"""Alarms, which can invalidate all other numbers of a report, and cautions, which limit them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from bench.analysis.numbers.statistics import ASSUMED_FLOOR, COMPARED_CONFIDENCE, FEWEST_TRIALS, coverage
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.claims import MAIN_TECHNIQUE, THEMES
from bench.analysis.trials.calibration import Reading, readings
from bench.analysis.trials.calibration_floor import injection_of
from bench.report import noise
from bench.report.calibrated import calibrated
from bench.report.sections.laws import about_laws
from bench.units import DASH, TIMES, counted, percent

# The largest number of trials whose bootstrap interval of the median is their range: a resample of fewer is never
# rare enough to be cut off.
RANGE_TRIALS = 5


@dataclass(frozen=True, slots=True)
class Alarm:
    """A sentence that can invalidate all other numbers, and the section with its details (empty: no section)."""

    text: str
    section: str = ""

    def __str__(self) -> str:
        return self.text


def alarms(cells: Cells) -> list[Alarm]:
    """All alarms of a run."""
    sizes = _sizes(cells)
    few = sizes and max(sizes) < FEWEST_TRIALS
    few_trials = [f"Each number comes from {_span(sizes)}: too few for an interval or a comparison."] if few else []
    by_section = (("", few_trials), ("laws", about_laws(cells)), ("calibration", _about_calibration(cells)),
                  ("trust", noise.flagged(cells)))  # fmt: skip
    return [Alarm(text, section) for section, texts in by_section for text in texts]


def cautions(cells: Cells) -> list[str]:
    """All cautions of a run."""
    if not cells.scenarios:
        return []
    sizes = _sizes(cells)
    return [*_about_trials(sizes), _about_noise(cells)] if sizes else ["No trial of this run is valid."]


def _about_calibration(cells: Cells) -> list[str]:
    """A sentence on missed calibration readings: each is an error of the instrument, even if all laws are met."""
    read = readings(cells.trials)
    missed = [reading for reading in read if not reading.met]
    if not missed:
        return []
    words = ", ".join(_missed(cells, reading) for reading in missed)
    return [
        f"{counted(len(missed), 'reading')} of {len(read)} of the calibration missed: {words}. Until this is explained,"
        " the instrument may be wrong, or the machine was not quiet."
    ]


def _missed(cells: Cells, reading: Reading) -> str:
    words = calibrated(reading)
    return (
        f"{reading.injection} ({reading.quantity}) was measured as {words.read_back}, tolerance {words.tolerance}"
        f"{_found_there(cells, reading.injection)}"
    )


def _found_there(cells: Cells, plant: str) -> str:
    """The findings on the trials of an injection, which can explain a miss; empty without findings."""
    trials = [
        trial for trial in cells.trials if (of_trial := injection_of(trial)) is not None and of_trial.name == plant
    ]
    names = Counter(finding.name for trial in trials for finding in trial.findings)
    words = ", ".join(f"{name} in {number}" for name, number in names.most_common())
    return f" (of {counted(len(trials), 'trial')}: {words})" if words else ""


def reading(cells: Cells) -> str:
    """How to read a ratio, a median and their brackets, given the number of trials."""
    sizes = _sizes(cells)
    enough = sorted(size for size in sizes if size >= FEWEST_TRIALS)
    sentence = (
        f"2{TIMES} means twice {MAIN_TECHNIQUE}'s value, or for a product twice that of its plain technique, unless the"
        f" line names another reference. Brackets are intervals: of a ratio, its {percent(COMPARED_CONFIDENCE)}"
        " interval"
    )
    if not enough:
        return f"{sentence}."
    kind = "the range of its trials" if enough[-1] <= RANGE_TRIALS else "its bootstrap interval"
    least, most = percent(coverage(enough[0])), percent(coverage(enough[-1]))
    return f"{sentence}; of a median, {kind} (coverage at most {least if least == most else f'{least} to {most}'})."


def _sizes(cells: Cells) -> set[int]:
    """The numbers of trials behind the numbers of the themes."""
    estimates = [
        cells.estimate(theme.metric, theme.scenario, variant.name)
        for theme in THEMES.values()
        for variant in cells.measured(theme.scenario)
    ]
    return {len(one.values) for one in estimates if one is not None}


def _span(sizes: set[int]) -> str:
    fewest, most = min(sizes), max(sizes)
    return counted(most, "trial") if fewest == most else f"{fewest}{DASH}{counted(most, 'trial')}"


def _about_trials(sizes: set[int]) -> list[str]:
    if max(sizes) < FEWEST_TRIALS:
        return []
    enough = [size for size in sorted(sizes) if size >= FEWEST_TRIALS]
    alone = len(sizes) == 1
    coverages = [f"{percent(coverage(size))}{'' if alone else f' with {size}'}" for size in enough]
    none = f"; {FEWEST_TRIALS - 1} or fewer trials have no brackets" if min(sizes) < FEWEST_TRIALS else ""
    return [
        f"Numbers are medians over {_span(sizes)}; their brackets cover the true median with a probability of at most"
        f" {' and '.join((coverages[0], coverages[-1])) if len(coverages) > 1 else coverages[0]}{none}."
    ]


RULE = (
    "a difference is reported only if the interval of the ratio excludes 1 and the ratio exceeds the noise floor of its"
    " metric"
)


def _about_noise(cells: Cells) -> str:
    assumed = noise.share(ASSUMED_FLOOR)
    twinned = noise.doubled(cells)
    if not twinned:
        return f"No variant was run twice in a block, so the noise floor is assumed ({assumed}): {RULE}."
    floors = [cells.floor(theme.metric, theme.scenario) for theme in THEMES.values()]
    elsewhere = f" Elsewhere the assumed floor is {assumed}, or the widest measured floor if that is wider."
    return (
        f"One variant of {twinned} was run twice in every block, a round of all trials (twins). The noise floor is the"
        f" difference that such equal trials show by chance: {RULE}."
        f"{'' if twinned == noise.EVERYWHERE and all(floor.measured for floor in floors) else elsewhere}"
    )
