"""Sweeps: how a metric moves with a parameter, one line per variant. One drawing for every metric and parameter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.analysis.numbers.statistics import Estimate
from bench.analysis.runs.cells import Cells
from bench.analysis.trials.metrics import METRICS
from bench.report.figures._canvas import WIDTH_IN, Subject, canvas, linestyle, named
from bench.report.figures._data import WHO, Field, Sheet, ends, who
from bench.report.figures._labels import BESIDE_IN, end_labels
from bench.report.figures._texts import text_width_in
from bench.report.figures._ticks import exact_ticks, linear_ticks, log_ticks
from bench.report.palette import Look
from bench.results import VariantFacts
from bench.units import Unit, factor, quantity, tick

OF_POLLING = "poll_interval_s"
"""Only polling feels it: it has figures of its own."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How a parameter is shown: its name in a heading, its words on the axis, its unit after multiplying by `size`."""

    name: str
    words: str
    unit: Unit
    size: float = 1.0


PARAMETERS = {
    "subscribers": Scale("subscribers", "subscribers", "count"),
    "rate_hz": Scale("publish rate", "messages per second from each publisher", "count"),
    "payload_bytes": Scale("payload", "payload of a message", "wire bytes"),
    "hold_s": Scale("hold time", "hold time", "ns", 1e9),
}
"""Parameters whose name is no word. Others are shown by their name."""


def scale(parameter: str) -> Scale:
    """How a parameter is shown."""
    words = parameter.replace("_", " ")
    return PARAMETERS.get(parameter, Scale(words, words, "count"))


@dataclass(frozen=True, slots=True)
class Line:
    """One variant: the estimate of a metric at every value of the parameter, ascending."""

    variant: VariantFacts
    look: Look
    points: list[tuple[float, Estimate]]


def lines(subject: Subject, metric: str) -> list[Line]:
    """The variants with the metric at two values at least."""
    found = [
        Line(variant, subject.looks[variant.name],
             subject.cells.along(metric, subject.scenario, variant.name, subject.parameter))
        for variant in subject.variants
    ]  # fmt: skip
    return [line for line in found if len(line.points) > 1]


def swept(*metrics: str) -> Callable[[Cells], list[str]]:
    """Scenarios with a sweep in which one of these metrics means anything."""

    def scenarios(cells: Cells) -> list[str]:
        return [name for name in cells.scenarios if parameters(*metrics)(cells, name)]

    return scenarios


def parameters(*metrics: str, only: str = "") -> Callable[[Cells, str], list[str]]:
    """The swept parameters of a scenario along which one of these metrics makes a line."""

    def held(cells: Cells, scenario: str) -> list[str]:
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

    return held


def _shown(subject: Subject, metrics: Sequence[str]) -> list[str]:
    return [metric for metric in metrics if lines(subject, metric)]


def sentence(*metrics: str) -> Callable[[Subject], str]:
    """Whose metric moves least and most from one end of the parameter to the other."""

    def told(subject: Subject) -> str:
        (first, *_), shown = _shown(subject, metrics), scale(subject.parameter)
        found = lines(subject, first)
        ats = [at for line in found for at, _ in line.points]
        low, high = (tick(at * shown.size, shown.unit) for at in (min(ats), max(ats)))
        opening = f"A flat line is indifferent to the {shown.name}. From {low} to {high} ({shown.words}),"
        opening += f" {METRICS[first].title}"
        moved = [
            (line.points[-1][1].median / line.points[0][1].median, line)
            for line in found
            if line.points[0][1].median > 0
        ]
        if not moved:
            return f"{opening} has no factor to tell: it begins at 0."
        least, most = min(moved, key=lambda pair: pair[0]), max(moved, key=lambda pair: pair[0])
        if len(moved) == 1:
            return f"{opening} becomes {factor(least[0])} what it was with {named(least[1].variant)}."
        return (
            f"{opening} becomes between {factor(least[0])} ({named(least[1].variant)}) and {factor(most[0])}"
            f" ({named(most[1].variant)}) what it was."
        )

    return told


def draw(*metrics: str) -> Callable[[Subject], Figure]:
    """One panel per metric over the parameter."""

    def drawn(subject: Subject) -> Figure:
        shown = _shown(subject, metrics)
        tall = [max(2.6, 0.175 * len(lines(subject, metric)) + 1.0) for metric in shown]
        figure = canvas(sum(tall))
        panels = figure.subplots(len(shown), 1, squeeze=False, height_ratios=tall)[:, 0]
        for axes, metric, height_in in zip(panels, shown, tall, strict=True):
            panel(axes, metric, scale(subject.parameter), lines(subject, metric), height_in)
        panels[-1].set_xlabel(scale(subject.parameter).words)
        return figure

    return drawn


def panel(
    axes: Axes, metric: str, parameter: Scale, found: Sequence[Line], height_in: float, round_ticks: bool = False
) -> None:
    """A metric against a parameter, one line per variant, named at the right end; what ends before it is led there.

    round_ticks: ticks stand at round numbers, where the values themselves are none.
    """
    ats = sorted({at for line in found for at, _ in line.points})
    wide = ats[0] > 0 and ats[-1] / ats[0] >= 5
    if wide:
        axes.set_xscale("log")
        axes.set_xlim(ats[0] / (ats[-1] / ats[0]) ** 0.03, ats[-1])
    else:
        axes.set_xlim(ats[0] - 0.03 * (ats[-1] - ats[0]), ats[-1])
    _heights(axes, metric, found, height_in)
    room_in = WIDTH_IN - BESIDE_IN - max(text_width_in(named(line.variant)) for line in found)
    if round_ticks and wide:
        log_ticks(axes.xaxis, parameter.unit, ats[0], ats[-1], room_in)
    else:
        exact_ticks(axes, ats, [tick(at * parameter.size, parameter.unit) for at in ats], room_in)
    axes.grid(axis="both")
    labels = []
    for line in found:
        _line(axes, line)
        (last, end), edge = line.points[-1], ats[-1]
        if last < edge:
            axes.plot([last, edge], [end.median] * 2, color=line.look.colour, linewidth=0.7, linestyle=(0, (1, 2.5)))
        labels.append((_fraction(axes, line.points[-1][1].median), named(line.variant), line.look))
    end_labels(axes, labels, height_in)
    axes.set_ylabel("\n".join(_halves(METRICS[metric].title)))


def _heights(axes: Axes, metric: str, found: Sequence[Line], height_in: float) -> None:
    """Logarithmic where all is above zero and spans more than a factor of four, else from zero."""
    unit = METRICS[metric].unit
    values = [value for line in found for _, known in line.points for value in _seen(known)]
    low, high = min(values), max(values)
    if low > 0 and high / low > 4:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.4, high * 1.4)
        log_ticks(axes.yaxis, unit, low / 1.4, high * 1.4, height_in - 0.7)
    else:
        axes.set_ylim(min(0.0, low * 1.1), (high or 1.0) * 1.12)
        linear_ticks(axes.yaxis, unit)


def _seen(known: Estimate) -> list[float]:
    return [value for value in (known.median, known.low, known.high) if value is not None]


def _line(axes: Axes, line: Line) -> None:
    ats, medians = [at for at, _ in line.points], [known.median for _, known in line.points]
    axes.plot(ats, medians, color=line.look.colour, linestyle=linestyle(line.look), linewidth=1.5, zorder=3)
    axes.plot(ats, medians, "o", color=line.look.colour, markersize=4.2, clip_on=False, zorder=4)
    for at, known in line.points:
        if known.low is not None and known.high is not None:
            axes.plot([at, at], [known.low, known.high], color=line.look.colour, linewidth=1.0, clip_on=False, zorder=3)


def _fraction(axes: Axes, y: float) -> float:
    """How high a value stands in the plot, from 0 to 1."""
    low, high = axes.get_ylim()
    forward = axes.yaxis.get_transform().transform
    at, bottom, top = (float(forward(value)) for value in (y, low, high))
    return min(1.0, max(0.0, (at - bottom) / (top - bottom)))


def _halves(title: str) -> list[str]:
    """A long title on two lines, parted where it is shortest."""
    words = title.split(" ")
    if len(title) < 26 or len(words) < 2:
        return [title]
    cuts = [(" ".join(words[:cut]), " ".join(words[cut:])) for cut in range(1, len(words))]
    return list(min(cuts, key=lambda pair: max(map(len, pair))))


def alt(*metrics: str) -> Callable[[Subject], str]:
    """Both ends of every line in words."""

    def told(subject: Subject) -> str:
        parts = []
        for metric in _shown(subject, metrics):
            unit = METRICS[metric].unit
            moves = [
                f"{named(line.variant)} {quantity(line.points[0][1].median, unit)} to"
                f" {quantity(line.points[-1][1].median, unit)}"
                for line in lines(subject, metric)
            ]
            parts.append(f"{METRICS[metric].title}: {', '.join(moves)}.")
        return f"One line per variant against {scale(subject.parameter).words}. {' '.join(parts)}"

    return told


def sheet(*metrics: str) -> Callable[[Subject], Sheet]:
    """A row per variant, metric and value of the parameter. Estimates are in the unit of their metric."""

    def held(subject: Subject) -> Sheet:
        rows: list[list[Field]] = [
            [*who(line.variant), metric, METRICS[metric].unit, at, len(known.values), *ends(known)]
            for metric in _shown(subject, metrics)
            for line in lines(subject, metric)
            for at, known in line.points
        ]
        return Sheet([*WHO, "metric", "unit", subject.parameter, "trials", "median", "low", "high"], rows)

    return held
