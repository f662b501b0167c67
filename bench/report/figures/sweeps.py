"""Sweeps: a metric against a parameter, one line per variant. One drawing for all metrics and parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matplotlib.figure import Figure as Canvas

from bench.analysis.runs.cells import Cells
from bench.analysis.trials.metrics import METRICS
from bench.report.figures._canvas import canvas
from bench.report.figures._figure import Figure
from bench.report.figures._parameter_lines import Line, panel, scale
from bench.report.figures._scene import Scene, named
from bench.report.figures._sheet import WHO, Field, Sheet, ends, who
from bench.units import factor, quantity, tick

# A parameter of polling only, which has its own figures.
OF_POLLING = "poll_interval_s"


def lines(scene: Scene, metric: str) -> list[Line]:
    """The variants with the metric at two values or more."""
    drawn = [
        Line(variant, scene.looks[variant.name],
             scene.cells.along(metric, scene.scenario, variant.name, scene.parameter))
        for variant in scene.variants
    ]  # fmt: skip
    return [line for line in drawn if len(line.points) > 1]


def swept(*metrics: str) -> Callable[[Cells], list[str]]:
    """Scenarios with a sweep in which one of these metrics is defined."""

    def scenarios(cells: Cells) -> list[str]:
        return [name for name in cells.scenarios if parameters(*metrics)(cells, name)]

    return scenarios


def parameters(*metrics: str, only: str = "") -> Callable[[Cells, str], list[str]]:
    """The swept parameters of a scenario along which one of these metrics makes a line."""

    def names_in(cells: Cells, scenario: str) -> list[str]:
        names = [name for where, name in cells.swept if where == scenario and name != OF_POLLING]
        return [
            name
            for name in names
            if only in ("", name)
            and any(
                len(cells.along(metric, scenario, variant.name, name)) > 1
                for metric in metrics
                for variant in cells.measured(scenario)
            )
        ]

    return names_in


def _shown(scene: Scene, metrics: Sequence[str]) -> list[str]:
    return [metric for metric in metrics if lines(scene, metric)]


def sentence(*metrics: str) -> Callable[[Scene], str]:
    """The variants whose metric changes least and most from one end of the parameter to the other."""

    def words(scene: Scene) -> str:
        (first, *_), shown = _shown(scene, metrics), scale(scene.parameter)
        drawn = lines(scene, first)
        ats = [at for line in drawn for at, _ in line.points]
        low, high = (tick(at * shown.size, shown.unit) for at in (min(ats), max(ats)))
        opening = f"A flat line does not depend on the {shown.name}. From {low} to {high} ({shown.words}),"
        opening += f" {METRICS[first].title}"
        moved = [
            (line.points[-1][1].median / line.points[0][1].median, line)
            for line in drawn
            if line.points[0][1].median > 0
        ]
        if not moved:
            return f"{opening} has no ratio, because it starts at 0."
        least, most = min(moved, key=lambda pair: pair[0]), max(moved, key=lambda pair: pair[0])
        if len(moved) == 1:
            return f"{opening} changes to {factor(least[0])} its first value with {named(least[1].variant)}."
        return (
            f"{opening} changes to between {factor(least[0])} ({named(least[1].variant)}) and {factor(most[0])}"
            f" ({named(most[1].variant)}) its first value."
        )

    return words


def draw(*metrics: str) -> Callable[[Scene], Canvas]:
    """One panel per metric over the parameter."""

    def drawn(scene: Scene) -> Canvas:
        shown = _shown(scene, metrics)
        tall = [max(2.6, 0.175 * len(lines(scene, metric)) + 1.0) for metric in shown]
        figure = canvas(sum(tall))
        panels = figure.subplots(len(shown), 1, squeeze=False, height_ratios=tall)[:, 0]
        for axes, metric, height_in in zip(panels, shown, tall, strict=True):
            panel(axes, metric, scale(scene.parameter), lines(scene, metric), height_in)
        panels[-1].set_xlabel(scale(scene.parameter).words)
        return figure

    return drawn


def alt(*metrics: str) -> Callable[[Scene], str]:
    """Both ends of every line in words."""

    def words(scene: Scene) -> str:
        parts = []
        for metric in _shown(scene, metrics):
            unit = METRICS[metric].unit
            moves = [
                f"{named(line.variant)} {quantity(line.points[0][1].median, unit)} to"
                f" {quantity(line.points[-1][1].median, unit)}"
                for line in lines(scene, metric)
            ]
            parts.append(f"{METRICS[metric].title}: {', '.join(moves)}.")
        return f"One line per variant against {scale(scene.parameter).words}. {' '.join(parts)}"

    return words


def sheet(*metrics: str) -> Callable[[Scene], Sheet]:
    """A row per variant, metric and value of the parameter. Estimates are in the unit of their metric."""

    def table(scene: Scene) -> Sheet:
        rows: list[list[Field]] = [
            [*who(line.variant), metric, METRICS[metric].unit, at, len(estimate.values), *ends(estimate)]
            for metric in _shown(scene, metrics)
            for line in lines(scene, metric)
            for at, estimate in line.points
        ]
        return Sheet([*WHO, "metric", "unit", scene.parameter, "trials", "median", "low", "high"], rows)

    return table


LATENCIES = ("latency_p50", "latency_p99", "round_trip_p50", "round_trip_p99")
OVERHEADS = ("wire_framing", "wire_segments")

FIGURES = (
    Figure("sweep-latency", "Latency", 140, sentence(*LATENCIES), draw(*LATENCIES), alt(*LATENCIES), sheet(*LATENCIES),
           swept(*LATENCIES), parameters(*LATENCIES)),
    Figure("sweep-cpu", "Server CPU per message", 150, sentence("cpu"), draw("cpu"), alt("cpu"), sheet("cpu"),
           swept("cpu"), parameters("cpu")),
    Figure("sweep-wire", "Bytes beyond the payload", 160, sentence(*OVERHEADS), draw(*OVERHEADS),
           alt("wire", *OVERHEADS), sheet("wire", *OVERHEADS), swept(*OVERHEADS),
           parameters(*OVERHEADS, only="payload_bytes")),
)  # fmt: skip
