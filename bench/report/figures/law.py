"""Polling beside its law: the closed form drawn over the measurement."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.analysis.cells import Cells
from bench.analysis.distributions import quantile
from bench.analysis.laws import UniformLaw, poll_interval_ns, uniform_law
from bench.report.figures._canvas import Subject, canvas, linear_ticks, named, share_ticks
from bench.report.figures.latency import SHARES, at_shares, harness, latencies, one_way, pooled
from bench.report.palette import INK
from bench.results import Distribution, VariantFacts
from bench.units import quantity

TECHNIQUE = "polling"


def with_polling(cells: Cells) -> list[str]:
    """Scenarios in which a variant polls on a fixed schedule."""
    return [name for name in one_way(cells) if _polled(cells, name)]


def _polled(cells: Cells, scenario: str) -> list[tuple[VariantFacts, Distribution, UniformLaw]]:
    found = []
    for variant in cells.measured(scenario):
        distributions = latencies(cells, scenario, variant)
        if variant.technique == TECHNIQUE and distributions:
            interval_ns = poll_interval_ns(cells.valid(scenario, variant.name)[0])
            together = pooled(tuple(distributions))
            law = uniform_law(together, interval_ns) if interval_ns else None
            if law is not None:
                found.append((variant, together, law))
    return found


def law_sentence(subject: Subject) -> str:
    """The law and how far from it the measurement lies."""
    told = [
        f"{named(variant)} polls every {quantity(law.interval_ns, 'ns')}: the law (dashed) spreads its latency evenly"
        f" over that interval, after a service time estimated at {quantity(law.service_ns, 'ns')} (the measured mean"
        f" less half the interval). Largest distance between law and measurement (Kolmogorov-Smirnov):"
        f" {law.distance:.3f}."
        for variant, _, law in _polled(subject.cells, subject.scenario)
    ]
    return " ".join(told)


def _harness(axes: Axes, subject: Subject) -> None:
    """What the harness itself measures without any technique: a thin grey curve, where the run has it."""
    for curve in harness(subject):
        axes.plot(curve.at_ns, SHARES, color=curve.look.colour, linewidth=1.0)
        axes.annotate(
            f"{curve.name} {quantity(curve.median_ns, 'ns')}",
            xy=(float(curve.at_ns[-1]), 0.93),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
        )


def law(subject: Subject) -> Figure:
    """The uniform law drawn over what was measured, on a linear axis."""
    figure = canvas(2.9)
    axes = figure.add_subplot()
    for variant, latency, uniform in _polled(subject.cells, subject.scenario):
        look = subject.looks[variant.name]
        axes.fill_between(at_shares(latency), SHARES, 0, color=look.colour, alpha=0.16, linewidth=0)
        axes.plot(at_shares(latency), SHARES, color=look.colour)
        ends = np.array([uniform.service_ns, uniform.service_ns + uniform.interval_ns])
        axes.plot(ends, uniform.share(ends), color=INK, linestyle=(0, (5, 2.5)), linewidth=1.1)
        axes.annotate(
            "law",
            xy=(float(np.mean(ends)) + 0.22 * uniform.interval_ns, 0.72),
            xytext=(-7, 4),
            textcoords="offset points",
            ha="right",
        )
        axes.annotate(
            f"{named(variant)}, measured",
            xy=(quantile(latency, 0.3) or 0, 0.3),
            xytext=(9, -4),
            textcoords="offset points",
            va="top",
        )
    _harness(axes, subject)
    axes.set_xlim(left=0)
    axes.set_ylim(0, 1.01)
    axes.grid(axis="both")
    linear_ticks(axes.xaxis, "ns", 6)
    share_ticks(axes)
    axes.set_xlabel("delivery latency")
    axes.set_ylabel("share of deliveries")
    return figure
