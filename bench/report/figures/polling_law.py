"""Polling and its law: the closed form over the measurement."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure as Canvas

from bench.analysis.numbers.distributions import quantile
from bench.analysis.numbers.uniform_law import UniformLaw, uniform_law
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.laws import poll_interval_ns
from bench.report.figures._canvas import canvas
from bench.report.figures._curves import SHARES, at_shares, pooled
from bench.report.figures._figure import Figure
from bench.report.figures._labels import Mark, beside
from bench.report.figures._latency_curves import harness
from bench.report.figures._polling import TECHNIQUE
from bench.report.figures._scenarios import latencies, one_way
from bench.report.figures._scene import Scene, named
from bench.report.figures._sheet import WHO, Field, Sheet, who
from bench.report.figures._ticks import linear_ticks, share_ticks
from bench.report.palette import INK
from bench.results import Distribution, VariantFacts
from bench.units import quantity


def with_polling(cells: Cells) -> list[str]:
    """Scenarios in which a variant polls on a fixed schedule, over the direct path."""
    return [name for name in one_way(cells) if _polled(cells, name) and not cells.off_loopback(name)]


def _polled(cells: Cells, scenario: str) -> list[tuple[VariantFacts, Distribution, UniformLaw]]:
    polled = []
    for variant in cells.measured(scenario):
        distributions = latencies(cells, scenario, variant)
        if variant.technique == TECHNIQUE and distributions:
            interval_ns = poll_interval_ns(cells.valid(scenario, variant.name)[0])
            together = pooled(tuple(distributions))
            law = uniform_law(together, interval_ns) if interval_ns else None
            if law is not None:
                polled.append((variant, together, law))
    return polled


def sentence(scene: Scene) -> str:
    """The law and the distance of the measurement from it."""
    sentences = [
        f"{named(variant)} polls every {quantity(law.interval_ns, 'ns')}. The law (dashed) is a uniform latency over"
        f" that interval plus an estimated service time of {quantity(law.service_ns, 'ns')} (measured mean minus half"
        f" the interval). Largest distance between law and measurement (Kolmogorov-Smirnov): {law.distance:.3f}."
        for variant, _, law in _polled(scene.cells, scene.scenario)
    ]
    return " ".join(sentences)


def draw(scene: Scene) -> Canvas:
    """The uniform law over the measurement, on a linear axis."""
    figure = canvas(2.9)
    axes = figure.add_subplot()
    marks, avoid = [], []
    for variant, latency, uniform in _polled(scene.cells, scene.scenario):
        look, at = scene.looks[variant.name], at_shares(latency)
        axes.fill_between(at, SHARES, 0, color=look.colour, alpha=0.16, linewidth=0)
        axes.plot(at, SHARES, color=look.colour)
        ends = np.array([uniform.service_ns, uniform.service_ns + uniform.interval_ns])
        axes.plot(ends, uniform.share(ends), color=INK, linestyle=(0, (5, 2.5)), linewidth=1.1)
        law_at = uniform.service_ns + 0.72 * uniform.interval_ns
        marks += [
            Mark(float(law_at), 0.72, "law", INK),
            Mark(float(quantile(latency, 0.3) or 0), 0.3, f"{named(variant)}, measured", look.colour),
        ]
        avoid += list(zip(at[::6].tolist(), SHARES[::6].tolist(), strict=True))
    for curve in harness(scene):
        axes.plot(curve.at_ns, SHARES, color=curve.look.colour, linewidth=1.0)
        marks.append(
            Mark(float(np.interp(0.9, SHARES, curve.at_ns)), 0.9, f"{curve.name} {quantity(curve.median_ns, 'ns')}",
                 curve.look.colour)
        )  # fmt: skip
        avoid += list(zip(curve.at_ns[::6].tolist(), SHARES[::6].tolist(), strict=True))
    axes.set_xlim(left=0)
    axes.set_ylim(0, 1.01)
    axes.grid(axis="both")
    linear_ticks(axes.xaxis, "ns", 6)
    share_ticks(axes)
    axes.set_xlabel("delivery latency")
    axes.set_ylabel("share of deliveries")
    beside(axes, marks, avoid)
    return figure


def alt(scene: Scene) -> str:
    """The measured curve and its law in words."""
    parts = [
        f"{named(variant)}: the law rises linearly from 0 to 100 % between {quantity(law.service_ns, 'ns')}"
        f" and {quantity(law.service_ns + law.interval_ns, 'ns')}; the measured median is"
        f" {quantity(quantile(latency, 0.5), 'ns')}, the largest distance {law.distance:.3f}"
        for variant, latency, law in _polled(scene.cells, scene.scenario)
    ]
    return f"Cumulative curve of polling with its law drawn over it. {'; '.join(parts)}."


def sheet(scene: Scene) -> Sheet:
    """A row per variant and share of deliveries: measured, and by the law."""
    rows: list[list[Field]] = [
        [*who(variant), share, at, law.service_ns + share * law.interval_ns]
        for variant, latency, law in _polled(scene.cells, scene.scenario)
        for share, at in zip(SHARES.tolist(), at_shares(latency).tolist(), strict=True)
    ]
    return Sheet([*WHO, "share", "latency_ns", "law_ns"], rows)


FIGURES = (Figure("law", "Polling and its law", 120, sentence, draw, alt, sheet, with_polling, missing=False),)
