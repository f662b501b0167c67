"""A comparison of two runs: the verdict, the changes, and a page with every number that both have."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.analysis.numbers.unpaired import FEWEST_OTHERS, RUNS_CONFIDENCE, Change
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.comparability import other_differences
from bench.analysis.runs.panels import Drift
from bench.analysis.runs.regressions import DRIFT_SHARE, CellChange, ChangeVerdict, Regressions, compare_runs
from bench.report import palette, put_in_place, shell
from bench.report.sections.missing import outcomes
from bench.report.text import capitalized
from bench.results import ResultsError, VariantFacts
from bench.units import DASH, counted, factor, percent, quantity

# The class of a verdict in the page.
CLASSES = {ChangeVerdict.REGRESSION: "missed", ChangeVerdict.IMPROVEMENT: "met"}


@dataclass(frozen=True, slots=True)
class Number:
    """One cell of the table: the text, the small text below it, and the value in base units to sort by."""

    text: str
    below: str = ""
    value: float | str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison in words. `old`, `new`: means over blocks; `plain`: new beside old; `change`: that, corrected for
    the drift of the other cells; `least`: the smallest detectable change."""

    scenario: str
    point: str
    variant: VariantFacts
    title: str
    old: Number
    new: Number
    plain: Number
    change: Number
    least: Number
    p_value: Number
    shown: ChangeVerdict
    css: str


@dataclass(frozen=True, slots=True)
class Moved:
    """The drift of one metric between the runs, in words."""

    scenario: str
    title: str
    harness: Number
    middle: Number
    ends: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Written:
    """A written comparison: its page, its short form in Markdown, and its result."""

    page: Path
    text: str
    seen: Regressions


def write(
    old: Cells, new: Cells, names: tuple[str, str], reports: Path, forced: Sequence[str],
    metrics: Collection[str] = (), variants: Collection[str] = (),
) -> Written:  # fmt: skip
    """Write `reports/compare-OLD-NEW/` (page, summary), in place of an earlier one; returns the result.

    forced: the conditions in which the runs differ although they are compared. Raises OSError if it cannot be written,
    and bench.results.ResultsError if the folder holds results.
    """
    folder = reports / f"compare-{names[0]}-{names[1]}"
    if (folder / "run.json").exists():
        raise ResultsError(f"{reports} holds results: a comparison written there would replace them")
    regressions = compare_runs(old, new, metrics, variants)
    given = facts(old, new, names, regressions, forced)
    html = shell.page("compare.html.j2", given, palette.looks(new.shown), shell.SCRIPTS)
    reports.mkdir(parents=True, exist_ok=True)
    summary = shell.text("compare.md.j2", given)
    put_in_place(folder, {Path("index.html"): html.encode(), Path("summary.md"): summary.encode()})
    return Written(folder / "index.html", shell.text("compare-short.md.j2", given), regressions)


def facts(
    old: Cells, new: Cells, names: tuple[str, str], regressions: Regressions, forced: Sequence[str]
) -> dict[str, Any]:
    """The values that all templates of a comparison get."""
    lines = [_line(one) for one in regressions.changes]
    return {
        "names": names,
        "verdict": verdict(regressions),
        "forced": forced,
        "news": other_differences(old.run, new.run),
        "worse": [line for line in lines if line.shown is ChangeVerdict.REGRESSION],
        "better": [line for line in lines if line.shown is ChangeVerdict.IMPROVEMENT],
        "lines": [line for line in lines if line.shown is not ChangeVerdict.NOT_JUDGED],
        "others": [line for line in lines if line.shown is ChangeVerdict.NOT_JUDGED],
        "machine": machine(regressions.drifts),
        "moved": [_moved(drift) for drift in regressions.drifts],
        "findable": findable(regressions),
        "counts": counts(regressions),
        "alone": alone(old, new, names),
        "trials": [(name, outcomes(cells).sentence) for name, cells in zip(names, (old, new), strict=True)],
        "confidence": percent(RUNS_CONFIDENCE),
        "chance": percent(1 - RUNS_CONFIDENCE),
        "witnesses": FEWEST_OTHERS,
        "unlike": percent(DRIFT_SHARE),
    }


def verdict(regressions: Regressions) -> str:
    """The one sentence that comes first."""
    worse, better, judged = (len(changes) for changes in (
        regressions.of(ChangeVerdict.REGRESSION), regressions.of(ChangeVerdict.IMPROVEMENT), regressions.judged
    ))  # fmt: skip
    if not judged:
        return (
            "No comparison could be judged: no metric has enough valid trials and enough other variants in both runs."
        )
    counts = counted(worse, "regression")
    return (
        f"{capitalized(counts)} in {counted(judged, 'comparison')}; {counted(better, 'improvement')}; no"
        f" change shown in {judged - worse - better:,}."
    )


def counts(regressions: Regressions) -> list[str]:
    """The numbers of comparisons by verdict, without those in the first sentence."""
    sentences = {
        ChangeVerdict.TOO_FEW: "too few valid trials in one of the runs",
        ChangeVerdict.TOO_FEW_OTHERS: f"fewer than {FEWEST_OTHERS} other variants, the harness included, to estimate"
        " the drift of the machine; measure more variants in both runs",
        ChangeVerdict.NOT_JUDGED: "other metrics, on the page but not judged",
    }
    return [
        f"{counted(len(regressions.of(shown)), 'comparison')}: {words}"
        for shown, words in sentences.items()
        if regressions.of(shown)
    ]


def machine(drifts: Sequence[Drift]) -> list[str]:
    """The common drift between the runs, which is removed before a comparison is judged."""
    if not drifts:
        return ["The runs share too few variants to estimate whether the state of the machine changed."]
    middles = [drift.middle for drift in drifts]
    sentences = [
        "State of the machine, estimated from all variants: times and CPU of the new run are, in the median,"
        f" {factor(min(middles))} to {factor(max(middles))} those of the old run, by metric. This drift is removed."
    ]
    return sentences + [
        f"{drift.metric.title}, {drift.scenario}: the variants changed together ({factor(drift.middle)}), the harness"
        f" did not ({_ratio(drift.harness).text}). A part that all variants share may have changed; this comparison"
        " does not judge such a change."
        for drift in drifts
        if drift.harness_differs and drift.harness is not None
    ]


def findable(regressions: Regressions) -> list[tuple[str, str, str]]:
    """(metric, scenario, the median over the cells of the smallest detectable change), where that is a ratio."""
    by_metric: dict[tuple[str, str], list[float]] = {}
    for one in regressions.judged:
        if one.ratios and one.detectable is not None and not one.point:
            by_metric.setdefault((one.metric.title, one.scenario), []).append(one.detectable)
    return [
        (title, scenario, factor(math.exp(min(sorted(least)[len(least) // 2], 300.0))))
        for (title, scenario), least in by_metric.items()
    ]


def alone(old: Cells, new: Cells, names: tuple[str, str]) -> list[tuple[str, list[str]]]:
    """The cells with a valid trial in one run only: (name of the run, scenarios, variants and points)."""
    measured = [_measured_cells(cells) for cells in (old, new)]
    return [
        (name, [words for words in ours if words not in theirs])
        for name, ours, theirs in zip(names, measured, reversed(measured), strict=True)
        if set(ours) - set(theirs)
    ]


def _measured_cells(cells: Cells) -> list[str]:
    base = [f"{scenario} {variant.name}" for scenario in cells.scenarios for variant in cells.measured(scenario)]
    return [*base, *(f"{scenario} {variant} {point}" for scenario, variant, point in cells.points)]


def _line(one: CellChange) -> Line:
    unit = one.metric.unit
    return Line(
        one.scenario,
        one.point,
        one.variant,
        one.metric.title,
        Number(quantity(one.old, unit), counted(one.blocks[0], "trial"), one.old),
        Number(quantity(one.new, unit), counted(one.blocks[1], "trial"), one.new),
        _beside(one, one.plain),
        _beside(one, one.change),
        Number(DASH) if one.detectable is None else _size(one, one.detectable),
        Number(DASH) if one.p_value is None else Number(f"{one.p_value:.2g}", "", one.p_value),
        one.verdict,
        CLASSES.get(one.verdict, ""),
    )


def _beside(one: CellChange, change: Change | None) -> Number:
    if change is None:
        return Number(DASH)
    if one.ratios:
        return _ratio(change)
    unit, reach = one.metric.unit, change.half_width()
    ends = " to ".join(quantity(end, unit) for end in (change.delta - reach, change.delta + reach))
    return Number(quantity(change.delta, unit), ends, change.delta)


def _ratio(change: Change) -> Number:
    reach = change.half_width()
    middle, low, high = (_exp(value) for value in (change.delta, change.delta - reach, change.delta + reach))
    return Number(factor(middle), f"{factor(low)} to {factor(high)}", middle)


def _size(one: CellChange, least: float) -> Number:
    if one.ratios:
        return Number(factor(_exp(least)), "", _exp(least))
    return Number(quantity(least, one.metric.unit), "", least)


def _exp(value: float) -> float:
    """A ratio from its logarithm, limited so that it stays a finite number."""
    return math.exp(max(-300.0, min(value, 300.0)))


def _moved(drift: Drift) -> Moved:
    return Moved(
        drift.scenario,
        drift.metric.title,
        Number(DASH) if drift.harness is None else _ratio(drift.harness),
        Number(factor(drift.middle), "", drift.middle),
        f"{factor(drift.least)} to {factor(drift.most)}",
        drift.harness_differs,
    )
