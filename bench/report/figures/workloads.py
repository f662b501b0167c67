"""Rooms and storms: the figures of workloads that are neither a broadcast nor an echo."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from bench.analysis.numbers.statistics import Estimate
from bench.analysis.runs.cells import Cells
from bench.report.figures import _panels
from bench.report.figures._canvas import MOST_SINGLE, Subject, named
from bench.report.figures._curves import SHARES, Curve, at_shares, band, drawn, pooled
from bench.report.figures._data import WHO, Field, Sheet, who
from bench.report.figures._panels import Panel
from bench.results import Distribution, VariantFacts
from bench.units import quantity

ECHO = "echo"


def _in_echo(metric: str) -> _panels.Beside:
    """The same variant's number in the echo of the run."""

    def beside(subject: Subject, variant: VariantFacts) -> Estimate | None:
        return subject.cells.estimate(metric, ECHO, variant.name)

    return beside


CHAT = (
    Panel("latency_p50", "median latency", _in_echo("round_trip_p50")),
    Panel("cpu", "server and broker CPU\nper delivered message", _in_echo("cpu")),
)
STORM = (
    Panel("arrivals_rate", "connects per second"),
    Panel("arrival_cpu", "server and broker CPU\nper connect"),
)


def in_rooms(cells: Cells) -> list[str]:
    """Scenarios whose subscribers write to rooms."""
    rooms = {scenario.name for scenario in cells.run.scenarios if "room" in scenario.parameters}
    return [
        name
        for name in cells.scenarios
        if name in rooms
        and any(cells.values(panel.metric, name, one.name) for panel in CHAT for one in cells.measured(name))
    ]


def parameter(subject: Subject, name: str) -> float | None:
    """A parameter of the scenario as a number."""
    held = next(scenario for scenario in subject.cells.run.scenarios if scenario.name == subject.scenario)
    value = held.parameters.get(name)
    return float(value) if isinstance(value, int | float) else None


def chat_sentence(subject: Subject) -> str:
    """What is drawn, and how large a room is."""
    size = parameter(subject, "room")
    members = f"{size:,.0f} members" if size else "its members"
    echo = any(panel.beside(subject, variant) for panel in CHAT if panel.beside for variant in subject.variants)
    beside = " The hollow marks are the echo, in which a message goes up once and comes back to its sender alone."
    return (
        f"Further left is fresher and cheaper: a message goes up once and down to all {members} of its room; its CPU is"
        f" shared out among the deliveries.{beside if echo else ''}"
    )


CHAT_KEY = ("in a room", "echo")


def storm_curves(subject: Subject) -> list[Curve]:
    """How long connecting took, in the order of the medians."""
    found = []
    for variant in subject.variants:
        held = connects(subject, variant)
        if held:
            together = at_shares(pooled(tuple(held)))
            median = float(np.interp(0.5, SHARES, together))
            each = [at_shares(one) for one in held]
            found.append(Curve(variant.name, named(variant), subject.looks[variant.name], median, together, each))
    return sorted(found, key=lambda curve: curve.median_ns)


def connects(subject: Subject, variant: VariantFacts) -> list[Distribution]:
    """The times to connect of every storm of a variant that shows when a subscription stands."""
    trials = subject.cells.valid(subject.scenario, variant.name)
    return [trial.connect for trial in trials if trial.storm and trial.connect and trial.connect.count]


def with_storms(cells: Cells) -> list[str]:
    """Scenarios with a storm in which somebody was shown to be subscribed."""
    return [
        name
        for name in cells.scenarios
        if any(
            trial.storm and trial.connect and trial.connect.count
            for variant in cells.measured(name)
            for trial in cells.valid(name, variant.name)
        )
    ]


def storm_sentence(subject: Subject) -> str:
    """How to read the curves, and who has none."""
    count = parameter(subject, "subscribers")
    silent = [named(variant) for variant in subject.variants if not connects(subject, variant)]
    who_not = f" Not in it, since it does not show it before the first message: {', '.join(silent)}." if silent else ""
    single = any(len(curve.each_ns) <= MOST_SINGLE for curve in storm_curves(subject))
    return (
        f"{count:,.0f} subscribers" if count else "All subscribers"
    ) + (
        " connect at once; a curve shows which share of them the server had shown to be subscribed after how long,"
        f" {'thin lines are single trials' if single else 'the band holds all single trials'}.{who_not}"
    )  # fmt: skip


def storm(subject: Subject) -> Figure:
    """Cumulative curves of the time to connect."""
    return drawn(storm_curves(subject), [], "time from the start of a connect", "share of subscribers")


def storm_alt(subject: Subject) -> str:
    """Median and end of every curve in words."""
    told = [
        f"{curve.name} {quantity(curve.median_ns, 'ns')} and {quantity(float(curve.at_ns[-1]), 'ns')}"
        for curve in storm_curves(subject)
    ]
    return f"Cumulative curves of the time to connect on a logarithmic axis; median and last: {'; '.join(told)}."


def storm_sheet(subject: Subject) -> Sheet:
    """A row per variant and share of subscribers: all trials together, the least and the most of single trials."""
    rows: list[list[Field]] = []
    for curve in storm_curves(subject):
        lowest, highest = band(curve)
        told = who(subject.cells.facts[curve.variant])
        rows += [
            [*told, len(curve.each_ns), share, at, least, most]
            for share, at, least, most in zip(
                SHARES.tolist(), curve.at_ns.tolist(), lowest.tolist(), highest.tolist(), strict=True
            )
        ]
    return Sheet([*WHO, "trials", "share", "connect_ns", "connect_least_trial_ns", "connect_most_trial_ns"], rows)


def storm_cost_sentence(_: Subject) -> str:
    """What the two panels are."""
    return (
        "Further right is faster on the left, further left is cheaper on the right: subscribers over the time until the"
        " last of them was subscribed, and what the server side spent on each."
    )
