"""Freshness: the distribution of delivery latency or round trip, one curve per variant."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from bench.analysis.cells import HARNESS, Cells
from bench.analysis.metrics import METRICS
from bench.report import noise, palette
from bench.report.figures._canvas import MOST_SINGLE, Subject, canvas, linestyle, named
from bench.report.figures._curves import SHARES, Curve, at_shares, bounds, labels, pooled, write
from bench.report.figures._data import WHO, Field, Sheet, who
from bench.report.figures._ticks import log_ticks, share_ticks
from bench.report.palette import Look
from bench.results import Distribution, VariantFacts
from bench.units import quantity

HEIGHT_IN = 3.5


def one_way(cells: Cells) -> list[str]:
    """Scenarios whose latency runs from the publisher to a subscriber."""
    return [name for name in with_latency(cells) if METRICS["latency_p50"].applies(name)]


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
    found = _curves(subject)
    fastest, slowest = found[0], found[-1]
    single = any(len(curve.each_ns) <= MOST_SINGLE for curve in found)
    thin = "thin lines are single trials" if single else "the band holds all single trials"
    sentence = (
        "Further left is fresher, steeper is steadier: a curve shows which share of deliveries had arrived after how"
        f" long; {thin}."
    )
    if len(found) > 1 and not subject.doubt:
        sentence += (
            f" One half had arrived after {quantity(fastest.median_ns, 'ns')} with {fastest.name} and after"
            f" {quantity(slowest.median_ns, 'ns')} with {slowest.name}."
        )
    floors = [noise.floor_words(subject.cells, name, subject.scenario) for name in _metrics(subject)]
    return f"{sentence} Noise floor: {floors[0]} at the median, {floors[1]} at 99\u00a0%.{harness_sentence(subject)}"


def harness_sentence(subject: Subject) -> str:
    """What the grey curve or line is; empty where the run does not have it."""
    parts = dict(noise.harness_parts(subject.cells, subject.scenario))
    if "p50" not in parts:
        return ""
    return f" Grey: the harness itself, without any technique (p50 {parts['p50']}, p99 {parts['p99']})."


def curves(subject: Subject) -> Figure:
    """Cumulative distributions on a logarithmic axis, one curve per variant, named where there is room."""
    floor = harness(subject)
    found = [*floor, *_curves(subject)]
    height_in = max(HEIGHT_IN, 0.2 * len(found) + 0.55)
    names = labels(found, height_in)
    figure = canvas(height_in)
    axes = figure.add_subplot()
    limits = bounds(found, names)
    axes.set_xscale("log")
    axes.set_xlim(*limits)
    axes.set_ylim(0, 1.01)
    log_ticks(axes.xaxis, "ns", *limits)
    share_ticks(axes)
    axes.grid(axis="both")
    for curve in reversed(found):
        if len(curve.each_ns) > MOST_SINGLE:
            lowest, highest = _band(curve)
            axes.fill_betweenx(SHARES, lowest, highest, color=curve.look.colour, alpha=0.16, linewidth=0)
        else:
            for alone in curve.each_ns:
                axes.plot(alone, SHARES, color=curve.look.colour, linewidth=0.6, alpha=0.4)
        width = 1.0 if curve in floor else 1.7
        axes.plot(curve.at_ns, SHARES, color=curve.look.colour, linestyle=linestyle(curve.look), linewidth=width)
    for label in names:
        write(axes, label, limits)
    axes.set_xlabel("round trip" if _returns(subject) else "delivery latency")
    axes.set_ylabel("share of deliveries")
    return figure


def curves_alt(subject: Subject) -> str:
    """The median and the slow end of every curve in words."""
    p99 = int(np.searchsorted(SHARES, 0.99))
    told = [
        f"{curve.name} {quantity(curve.median_ns, 'ns')} and {quantity(float(curve.at_ns[p99]), 'ns')}"
        for curve in [*harness(subject), *_curves(subject)]
    ]
    kind = "round trip" if _returns(subject) else "delivery latency"
    return f"Cumulative curves of {kind} on a logarithmic axis; median and 99 %: {'; '.join(told)}."


def curves_sheet(subject: Subject) -> Sheet:
    """A row per variant and share of deliveries: all trials together, and the least and the most of single trials."""
    kind = "round_trip" if _returns(subject) else "latency"
    facts = subject.cells.facts
    rows: list[list[Field]] = []
    for curve in [*harness(subject), *_curves(subject)]:
        lowest, highest = _band(curve)
        told = who(facts[curve.variant])
        rows += [
            [*told, len(curve.each_ns), share, at, least, most]
            for share, at, least, most in zip(
                SHARES.tolist(), curve.at_ns.tolist(), lowest.tolist(), highest.tolist(), strict=True
            )
        ]
    return Sheet([*WHO, "trials", "share", f"{kind}_ns", f"{kind}_least_trial_ns", f"{kind}_most_trial_ns"], rows)


def _band(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """What lies between the fastest and the slowest trial, at every share."""
    each = np.stack(curve.each_ns)
    return each.min(axis=0), each.max(axis=0)


def _returns(subject: Subject) -> bool:
    return METRICS["round_trip_p50"].applies(subject.scenario)


def _curves(subject: Subject) -> list[Curve]:
    """The curves in order of their medians."""
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
