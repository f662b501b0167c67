"""What must be known before a number is believed: alarms, which would overturn the rest, and cautions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from bench.analysis.numbers.statistics import ASSUMED_FLOOR, COMPARED_CONFIDENCE, FEWEST_TRIALS, coverage
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.claims import MAIN_TECHNIQUE, THEMES
from bench.analysis.trials.calibration import Reading, readings
from bench.analysis.trials.calibration_floor import plant_of
from bench.report import noise
from bench.report.sections._calibrated import calibrated
from bench.report.sections.laws import about_laws
from bench.units import DASH, TIMES, counted, percent

RANGE_TRIALS = 5
"""Up to so many trials the bootstrap interval of a median is their range: no resample of them is rare enough to cut."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """What would overturn everything else, in words, and the section that says more; empty where none does."""

    text: str
    section: str = ""

    def __str__(self) -> str:
        return self.text


def alarms(cells: Cells) -> list[Alarm]:
    """What would overturn everything else."""
    sizes = _sizes(cells)
    few = sizes and max(sizes) < FEWEST_TRIALS
    said = [f"Each number rests on {_span(sizes)}: too few trials for an interval or a comparison."] if few else []
    by_section = (("", said), ("laws", about_laws(cells)), ("calibration", _about_calibration(cells)),
                  ("trust", noise.flagged(cells)))  # fmt: skip
    return [Alarm(text, section) for section, texts in by_section for text in texts]


def cautions(cells: Cells) -> list[str]:
    """What must be known before a number is believed."""
    if not cells.scenarios:
        return []
    sizes = _sizes(cells)
    return [*_about_trials(sizes), _about_noise(cells)] if sizes else ["No trial of this run is valid."]


def _about_calibration(cells: Cells) -> list[str]:
    """What was planted and not read back is a fault of the instrument, whatever the laws say."""
    found = readings(cells.trials)
    missed = [reading for reading in found if not reading.met]
    if not missed:
        return []
    said = ", ".join(_missed(cells, reading) for reading in missed)
    return [
        f"{counted(len(missed), 'reading')} of {len(found)} of the calibration missed: {said}. Until explained, doubt"
        " the instrument, or how quiet the machine was."
    ]


def _missed(cells: Cells, reading: Reading) -> str:
    told = calibrated(reading)
    return (
        f"{reading.plant} ({reading.quantity}) was read back as {told.read_back}, tolerance {told.tolerance}"
        f"{_found_there(cells, reading.plant)}"
    )


def _found_there(cells: Cells, plant: str) -> str:
    """The findings about the trials of a plant, which may say why it was missed; empty without any."""
    trials = [trial for trial in cells.trials if (known := plant_of(trial)) is not None and known.name == plant]
    seen = Counter(finding.name for trial in trials for finding in trial.findings)
    told = ", ".join(f"{name} in {number}" for name, number in seen.most_common())
    return f" (of {counted(len(trials), 'trial')}: {told})" if told else ""


def reading(cells: Cells) -> str:
    """How to read a ratio and its brackets, and those of a median, by how many trials the numbers rest on."""
    sizes = _sizes(cells)
    enough = sorted(size for size in sizes if size >= FEWEST_TRIALS)
    told = (
        f"2{TIMES} means twice {MAIN_TECHNIQUE}'s value, of a product twice that of its plain technique, unless the"
        f" line says otherwise. Brackets: of a ratio, its {percent(COMPARED_CONFIDENCE)} interval"
    )
    if not enough:
        return f"{told}."
    kind = "the range of its trials" if enough[-1] <= RANGE_TRIALS else "its bootstrap interval"
    least, most = percent(coverage(enough[0])), percent(coverage(enough[-1]))
    return f"{told}; of a median, {kind} (sure by {least if least == most else f'{least} to {most}'} at most)."


def _sizes(cells: Cells) -> set[int]:
    """How many trials the numbers of the themes rest on."""
    found = [
        cells.estimate(theme.metric, theme.scenario, variant.name)
        for theme in THEMES.values()
        for variant in cells.measured(theme.scenario)
    ]
    return {len(one.values) for one in found if one is not None}


def _span(sizes: set[int]) -> str:
    fewest, most = min(sizes), max(sizes)
    return counted(most, "trial") if fewest == most else f"{fewest}{DASH}{counted(most, 'trial')}"


def _about_trials(sizes: set[int]) -> list[str]:
    if max(sizes) < FEWEST_TRIALS:
        return []
    enough = [size for size in sorted(sizes) if size >= FEWEST_TRIALS]
    alone = len(sizes) == 1
    sure = [f"{percent(coverage(size))}{'' if alone else f' with {size}'}" for size in enough]
    none = f"; {FEWEST_TRIALS - 1} or fewer have none" if min(sizes) < FEWEST_TRIALS else ""
    return [
        f"Numbers are medians over {_span(sizes)}; their brackets hold the truth with a probability of at most"
        f" {' and '.join((sure[0], sure[-1])) if len(sure) > 1 else sure[0]}{none}."
    ]


RULE = (
    "a difference is named only where the interval of the ratio excludes 1 and the ratio lies beyond the noise floor of"
    " its metric"
)


def _about_noise(cells: Cells) -> str:
    assumed = noise.share(ASSUMED_FLOOR)
    twinned = noise.doubled(cells)
    if not twinned:
        return f"Nothing was run twice in a block, so the noise floor is assumed ({assumed}): {RULE}."
    floors = [cells.floor(theme.metric, theme.scenario) for theme in THEMES.values()]
    elsewhere = f" Elsewhere a floor of {assumed} is assumed, or the widest of these, if that is wider."
    return (
        f"One variant of {twinned} was run twice in every block, a round of all trials (twins). How far such equal"
        f" things lie apart by chance is the noise floor: {RULE}."
        f"{'' if twinned == noise.EVERYWHERE and all(floor.measured for floor in floors) else elsewhere}"
    )
