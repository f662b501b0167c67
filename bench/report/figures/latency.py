"""Freshness: the distribution of delivery latency or round trip, one curve per variant."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from bench.analysis.runs.cells import HARNESS, Cells
from bench.analysis.trials.metrics import METRICS
from bench.report import noise, palette
from bench.report.figures._canvas import MOST_SINGLE, Subject, named
from bench.report.figures._curves import SHARES, Curve, at_shares, band, drawn, pooled
from bench.report.figures._data import WHO, Field, Sheet, who
from bench.report.palette import Look
from bench.results import Distribution, VariantFacts
from bench.units import quantity


def one_way(cells: Cells) -> list[str]:
    """Scenarios whose latency runs from the publisher to a subscriber."""
    return [name for name in with_latency(cells) if METRICS["latency_p50"].applies(name)]


def one_by_one(cells: Cells) -> list[str]:
    """Of those, the scenarios in which messages come each by itself."""
    return [name for name in one_way(cells) if name not in bursts(cells)]


def in_bursts(cells: Cells) -> list[str]:
    """Scenarios in which many messages are due at once."""
    return [name for name in with_latency(cells) if name in bursts(cells)]


def bursts(cells: Cells) -> set[str]:
    """The scenarios of a run that publish in bursts."""
    return {scenario.name for scenario in cells.run.scenarios if "burst" in scenario.parameters}


def both_ways(cells: Cells) -> list[str]:
    """Scenarios whose latency is a round trip."""
    return [name for name in with_latency(cells) if METRICS["round_trip_p50"].applies(name)]


def with_latency(cells: Cells) -> list[str]:
    """Scenarios in which anything was delivered in a valid trial."""
    return [
        name for name in cells.scenarios if any(latencies(cells, name, variant) for variant in cells.measured(name))
    ]


def latencies(cells: Cells, scenario: str, variant: VariantFacts) -> list[Distribution]:
    """The latencies of every valid trial of a cell that delivered anything."""
    trials = cells.valid(scenario, variant.name)
    return [trial.latency for trial in trials if trial.latency is not None and trial.latency.count]


def curves_sentence(subject: Subject) -> str:
    """How to read the curves, and where they cross one half."""
    found = compared(subject)
    fastest, slowest = found[0], found[-1]
    sentence = (
        "Further left is fresher, steeper is steadier: a curve shows which share of deliveries had arrived after how"
        f" long. {single_trials(found)}."
    )
    if len(found) > 1 and not subject.doubt:
        sentence += (
            f" One half had arrived after {quantity(fastest.median_ns, 'ns')} with {fastest.name} and after"
            f" {quantity(slowest.median_ns, 'ns')} with {slowest.name}."
        )
    floors = [noise.floor_words(subject.cells, name, subject.scenario) for name in _metrics(subject)]
    return f"{sentence} Noise floor: {floors[0]} at the median, {floors[1]} at 99\u00a0%.{harness_sentence(subject)}"


def single_trials(found: list[Curve]) -> str:
    """How single trials are drawn beside all of them together."""
    single = any(len(curve.each_ns) <= MOST_SINGLE for curve in found)
    return "Thin lines are single trials" if single else "The band holds all single trials"


def harness_sentence(subject: Subject) -> str:
    """What the grey curve or line is; empty where the run does not have it."""
    parts = dict(noise.harness_parts(subject.cells, subject.scenario))
    if noise.MIDDLE not in parts:
        return ""
    told = f"{noise.MIDDLE} {parts[noise.MIDDLE]}, {noise.LATE} {parts[noise.LATE]}"
    return f" Grey: the harness itself, without any technique ({told})."


def curves(subject: Subject) -> Figure:
    """Cumulative distributions on a logarithmic axis, one curve per variant, named where there is room."""
    words = "round trip" if _returns(subject) else "delivery latency"
    return drawn(compared(subject), harness(subject), words, "share of deliveries")


def curves_alt(subject: Subject) -> str:
    """The median and the slow end of every curve in words."""
    p99 = int(np.searchsorted(SHARES, 0.99))
    told = [
        f"{curve.name} {quantity(curve.median_ns, 'ns')} and {quantity(float(curve.at_ns[p99]), 'ns')}"
        for curve in [*harness(subject), *compared(subject)]
    ]
    kind = "round trip" if _returns(subject) else "delivery latency"
    return f"Cumulative curves of {kind} on a logarithmic axis; median and 99 %: {'; '.join(told)}."


def curves_sheet(subject: Subject) -> Sheet:
    """A row per variant and share of deliveries: all trials together, and the least and the most of single trials."""
    kind = "round_trip" if _returns(subject) else "latency"
    facts = subject.cells.facts
    rows: list[list[Field]] = []
    for curve in [*harness(subject), *compared(subject)]:
        lowest, highest = band(curve)
        told = who(facts[curve.variant])
        rows += [
            [*told, len(curve.each_ns), share, at, least, most]
            for share, at, least, most in zip(
                SHARES.tolist(), curve.at_ns.tolist(), lowest.tolist(), highest.tolist(), strict=True
            )
        ]
    return Sheet([*WHO, "trials", "share", f"{kind}_ns", f"{kind}_least_trial_ns", f"{kind}_most_trial_ns"], rows)


def _returns(subject: Subject) -> bool:
    return METRICS["round_trip_p50"].applies(subject.scenario)


def compared(subject: Subject) -> list[Curve]:
    """The curves of the variants in order of their medians."""
    found = []
    for variant in subject.variants:
        distributions = latencies(subject.cells, subject.scenario, variant)
        if distributions:
            found.append(_curve(subject, variant.name, distributions, named(variant), subject.looks[variant.name]))
    return sorted(found, key=lambda curve: curve.median_ns)


def harness(subject: Subject) -> list[Curve]:
    """The curve of the harness itself, or none."""
    trials = subject.cells.harness(subject.scenario)
    distributions = [trial.latency for trial in trials if trial.latency is not None and trial.latency.count]
    return [_curve(subject, HARNESS, distributions, "harness floor", palette.HARNESS)] if distributions else []


def _curve(subject: Subject, variant: str, distributions: list[Distribution], name: str, look: Look) -> Curve:
    each = [at_shares(distribution) for distribution in distributions]
    together = at_shares(pooled(tuple(distributions)))
    estimate = subject.cells.estimate(_metrics(subject)[0], subject.scenario, variant)
    median = estimate.median if estimate else float(np.interp(0.5, SHARES, together))
    return Curve(variant, name, look, median, together, each)


def _metrics(subject: Subject) -> tuple[str, str]:
    """The metrics of the median and of 99 % in a scenario."""
    if _returns(subject):
        return "round_trip_p50", "round_trip_p99"
    return "latency_p50", "latency_p99"
