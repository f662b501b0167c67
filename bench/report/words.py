"""The opening of the report: answers put into words. No sentence is true in advance; each states what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.analysis.answers import Answer, Entry, Standing
from bench.analysis.calibration import readings
from bench.analysis.cells import Cells
from bench.analysis.metrics import Metric
from bench.analysis.statistics import ASSUMED_FLOOR, COMPARED_CONFIDENCE, FEWEST_TRIALS, Verdict, coverage
from bench.report import noise, sections
from bench.report.palette import family_order
from bench.results import VariantFacts
from bench.units import DASH, counted, measured, percent, quantity, ratio, span

PROTAGONIST = "WebSocket"
"""The technique that the project asks about: does it win, here, on this stack?"""


@dataclass(frozen=True, slots=True)
class Item:
    """One variant in a claim: its name (for its label and colour) and what is said of it."""

    variant: VariantFacts
    text: str


@dataclass(frozen=True, slots=True)
class Claim:
    """One answer in words: the question, the verdict, and groups of variants under a few words each."""

    question: str
    verdict: str
    groups: list[tuple[str, list[Item]]]


@dataclass(frozen=True, slots=True)
class Opening:
    """What a report says first: how the protagonist stands, what to know before believing a number, and the claims.

    `alarms` are what would overturn the rest: too few trials, missed laws, twins that differ. `standings` are lines of
    (words, questions); `products` hold, for every question, the products beside their technique.
    """

    sentence: str
    standings: list[tuple[str, list[str]]]
    alarms: list[str]
    cautions: list[str]
    claims: list[Claim]
    products: list[Claim]


def opening(cells: Cells, given: list[Answer]) -> Opening:
    """The opening of a run's report."""
    sentence, standings = _protagonist(given) if cells.scenarios else (INSTRUMENT_ALONE, [])
    return Opening(
        sentence,
        standings,
        _alarms(cells, given),
        _cautions(cells, given),
        [_claim(found) for found in given if found.entries],
        [_added(found) for found in given if found.products],
    )


def _protagonist(given: list[Answer]) -> tuple[str, list[tuple[str, list[str]]]]:
    """How the protagonist stands over all questions: a sentence, and the questions by standing with the distance."""
    held: dict[Standing, list[str]] = {standing: [] for standing in Standing}
    for answer in given:
        entry = next((entry for entry in answer.entries if entry.variant.technique == PROTAGONIST), None)
        if entry is not None:
            standing = answer.standing(entry.variant.name)
            held[standing].append(f"{answer.question.words}{DISTANCES[standing](answer, entry)}")
    asked = sum(map(len, held.values()))
    if not asked:
        return f"This run has no valid trial of {PROTAGONIST} on neutral ground, so nothing is said about it.", []
    decided = asked - len(held[Standing.OPEN])
    if not decided:
        return f"{PROTAGONIST} on neutral ground was measured, but this run cannot rank it.", []
    parts = [f"{len(held[standing])} {standing}" for standing in (Standing.ALONE, Standing.LEVEL, Standing.BEHIND)]
    sentence = (
        f"Of {counted(decided, 'comparison')} between techniques on neutral ground, {PROTAGONIST} is in"
        f" {parts[0]}, in {parts[1]} and in {parts[2]}."
    )
    return sentence, [(f"{PROTAGONIST} {standing}", questions) for standing, questions in held.items() if questions]


def _ahead(answer: Answer, entry: Entry) -> str:
    """By how much the best leads the next."""
    runner_up = answer.entries[1]
    number = quantity(entry.estimate.median, answer.metric.unit)
    return f": {number}; {runner_up.variant.label}, the next, {_beside(runner_up, answer.metric)}"


def _with(answer: Answer, entry: Entry) -> str:
    """With whom an entry is in front."""
    others = [leader.label for leader in answer.leaders if leader.name != entry.variant.name]
    return f": {_number(entry, answer.metric)}, with {_listed(others)}"


def _behind(answer: Answer, entry: Entry) -> str:
    """By how much an entry is behind the best."""
    relation = "that of" if entry.comparison and entry.comparison.ratio else "beside"
    return f": {_beside(entry, answer.metric)} {relation} {answer.entries[0].variant.label}"


def _alone(answer: Answer, entry: Entry) -> str:
    """What was measured, where nothing can be said of the distance."""
    return f": {_number(entry, answer.metric)}"


DISTANCES: dict[Standing, Callable[[Answer, Entry], str]] = {
    Standing.ALONE: _ahead,
    Standing.LEVEL: _with,
    Standing.BEHIND: _behind,
    Standing.OPEN: _alone,
}


def _alarms(cells: Cells, given: list[Answer]) -> list[str]:
    """What would overturn everything else: too few trials, a missed law, twins that differ."""
    sizes = _sizes(given)
    few = sizes and max(sizes) < FEWEST_TRIALS
    said = [f"Each number rests on {_span(sizes)}: too few trials for an interval or a comparison."] if few else []
    return [*said, *sections.about_laws(cells), *noise.flagged(cells)]


def _cautions(cells: Cells, given: list[Answer]) -> list[str]:
    """What must be known before a number is believed."""
    if not cells.scenarios:
        return _about_calibration(cells)
    if not given:
        return ["No trial of this run is valid."]
    return [*_about_trials(_sizes(given)), _about_noise(cells, given), *_about_calibration(cells)]


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


def _sizes(given: list[Answer]) -> set[int]:
    """How many trials the numbers rest on."""
    return {len(entry.estimate.values) for answer in given for entry in (*answer.entries, *answer.products)}


def _span(sizes: set[int]) -> str:
    fewest, most = min(sizes), max(sizes)
    return counted(most, "trial") if fewest == most else f"{fewest}{DASH}{counted(most, 'trial')}"


def _about_trials(sizes: set[int]) -> list[str]:
    if max(sizes) < FEWEST_TRIALS:
        return []
    sure = [f"{percent(coverage(size))} with {size}" for size in sorted(sizes) if size >= FEWEST_TRIALS]
    none = f"; {FEWEST_TRIALS - 1} or fewer have none" if min(sizes) < FEWEST_TRIALS else ""
    return [
        f"Numbers are medians over {_span(sizes)}. The brackets hold the true median with a probability of at most"
        f" {' and '.join((sure[0], sure[-1])) if len(sure) > 1 else sure[0]}{none}. The brackets of a ratio are its"
        f" {percent(COMPARED_CONFIDENCE)} interval."
    ]


INSTRUMENT_ALONE = "This run calibrates the instrument and compares nothing."
RULE = (
    "only a ratio whose interval excludes 1, and which lies beyond the noise floor of its metric, is called a"
    " difference"
)


def _about_noise(cells: Cells, given: list[Answer]) -> str:
    floors = [(answer, cells.floor(answer.question.metric, answer.question.scenario)) for answer in given]
    if not any(floor.measured for _, floor in floors):
        assumed = noise.share(ASSUMED_FLOOR)
        return f"No cell was run twice in a block, so the noise floor is assumed ({assumed}): {RULE}."
    ratios = [floor.ratio for answer, floor in floors if floor.measured and _positive(answer)]
    if not ratios:
        return f"One cell of every scenario was run twice in each block: {RULE}."
    least, most = (noise.share(end) for end in (min(ratios), max(ratios)))
    return f"By the scatter of twins, the noise floors of the metrics above are {least} to {most}: {RULE}."


def _positive(answer: Answer) -> bool:
    """Whether all numbers have ratios; else the floor is one of differences."""
    return all(min(entry.estimate.values) > 0 for entry in (*answer.entries, *answer.products))


def _claim(answer: Answer) -> Claim:
    best = answer.entries[0]
    if len(answer.entries) > 1 and all(_untold(entry) for entry in answer.entries[1:]):
        items = [Item(entry.variant, _number(entry, answer.metric)) for entry in _unranked(answer)]
        return Claim(answer.question.words, _verdict(answer), [("too few trials to compare", items)])
    groups = [(_best_words(answer), [Item(best.variant, _number(best, answer.metric))])]
    for words, shown in (
        ("no difference shown", Verdict.NONE_SHOWN),
        (_worse_words(answer.metric), _worse(answer.metric)),
        ("too few trials to compare", Verdict.TOO_FEW),
    ):
        held = [entry for entry in answer.entries[1:] if entry.comparison and entry.comparison.verdict is shown]
        if held:
            groups.append((words, [Item(entry.variant, _beside(entry, answer.metric)) for entry in held]))
    return Claim(answer.question.words, _verdict(answer), groups)


def _unranked(answer: Answer) -> list[Entry]:
    """The techniques in the order of the report, where the order of their medians would look like a ranking."""
    held = {entry.variant.name: entry for entry in answer.entries}
    return [held[variant.name] for variant in family_order(entry.variant for entry in answer.entries)]


def _untold(entry: Entry) -> bool:
    return entry.comparison is None or entry.comparison.verdict is Verdict.TOO_FEW


def _added(answer: Answer) -> Claim:
    """The products of an answer, each beside its technique on neutral ground."""
    items = [Item(entry.variant, _product(entry, answer.metric)) for entry in answer.products]
    return Claim(answer.question.words, "", [("", items)])


def _verdict(answer: Answer) -> str:
    names = [leader.label for leader in answer.leaders]
    if len(answer.entries) == 1:
        return f"{names[0]} only"
    if not answer.decided:
        return "not decided"
    if len(names) == len(answer.entries):
        return "no difference shown"
    return f"{_listed(names)} in front"


def _listed(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def _worse(metric: Metric) -> Verdict:
    return Verdict.HIGHER if metric.better == "lower" else Verdict.LOWER


def _best_words(answer: Answer) -> str:
    if len(answer.entries) == 1:
        return "measured"
    return "lowest" if answer.metric.better == "lower" else "highest"


def _worse_words(metric: Metric) -> str:
    return "more" if metric.better == "lower" else "less"


def _number(entry: Entry, metric: Metric) -> str:
    return measured(entry.estimate, metric.unit)


def _beside(entry: Entry, metric: Metric) -> str:
    """The number of an entry and how it compares with the best, or with its technique."""
    number, compared = quantity(entry.estimate.median, metric.unit), entry.comparison
    if compared is not None and compared.ratio is not None and not compared.ratio.too_few:
        return f"{number}, {ratio(compared.ratio)}"
    if compared is not None and compared.difference is not None and not compared.difference.too_few:
        return f"{number} (difference {span(compared.difference, metric.unit)})"
    return number


def _product(entry: Entry, metric: Metric) -> str:
    if entry.comparison is None:
        return _number(entry, metric)
    if _untold(entry):
        return f"{_number(entry, metric)} ({entry.comparison.verdict})"
    relation = "that of" if entry.comparison.ratio else "beside"
    shown = entry.comparison.verdict
    note = f"; {shown}" if shown in (Verdict.NONE_SHOWN, Verdict.TOO_FEW) else ""
    return f"{_beside(entry, metric)} {relation} {entry.comparison.reference.label}{note}"
