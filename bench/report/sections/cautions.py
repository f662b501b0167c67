"""What must be known before a number is believed: alarms, which would overturn the rest, and cautions."""

from __future__ import annotations

from bench.analysis.calibration import readings
from bench.analysis.cells import Cells
from bench.analysis.claims import THEMES
from bench.analysis.statistics import ASSUMED_FLOOR, COMPARED_CONFIDENCE, FEWEST_TRIALS, coverage
from bench.report import noise
from bench.report.sections.laws import about_laws
from bench.units import DASH, counted, percent


def alarms(cells: Cells) -> list[str]:
    """What would overturn everything else."""
    sizes = _sizes(cells)
    few = sizes and max(sizes) < FEWEST_TRIALS
    said = [f"Each number rests on {_span(sizes)}: too few trials for an interval or a comparison."] if few else []
    return [*said, *about_laws(cells), *_about_calibration(cells), *noise.flagged(cells)]


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
    said = ", ".join(f"{reading.plant} ({reading.quantity})" for reading in missed)
    return [
        f"{counted(len(missed), 'reading')} of {len(found)} of the calibration missed: {said}. Until explained, doubt"
        " the instrument, or how quiet the machine was."
    ]


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
    sure = [f"{percent(coverage(size))} with {size}" for size in sorted(sizes) if size >= FEWEST_TRIALS]
    none = f"; {FEWEST_TRIALS - 1} or fewer have none" if min(sizes) < FEWEST_TRIALS else ""
    return [
        f"Numbers are medians over {_span(sizes)}; their brackets hold the truth with a probability of at most"
        f" {' and '.join((sure[0], sure[-1])) if len(sure) > 1 else sure[0]}{none}. The brackets of a ratio are its"
        f" {percent(COMPARED_CONFIDENCE)} interval."
    ]


RULE = (
    "a difference is named only where the interval of the ratio excludes 1 and the ratio lies beyond the noise floor of"
    " its metric"
)


def _about_noise(cells: Cells) -> str:
    floors = [cells.floor(theme.metric, theme.scenario) for theme in THEMES.values()]
    if any(floor.measured for floor in floors):
        return f"{RULE[0].upper()}{RULE[1:]}, as twins of one cell show it."
    return f"No cell was run twice in a block, so the noise floor is assumed ({noise.share(ASSUMED_FLOOR)}): {RULE}."
