"""A metric against a parameter: one line per variant, named at its right end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from bench.analysis.numbers.statistics import Estimate
from bench.analysis.trials.metrics import METRICS
from bench.report.figures._canvas import WIDTH_IN, linestyle
from bench.report.figures._labels import BESIDE_IN, end_labels
from bench.report.figures._scene import named
from bench.report.figures._text_width import text_width_in
from bench.report.figures._ticks import exact_ticks, linear_ticks, log_ticks
from bench.report.palette import Look
from bench.results import VariantFacts
from bench.units import Unit, tick


@dataclass(frozen=True, slots=True)
class Scale:
    """Display of a parameter: name in a heading, words on the axis, its unit after multiplication by `size`."""

    name: str
    words: str
    unit: Unit
    size: float = 1.0


# Words for parameters whose name alone is unclear.
PARAMETERS = {
    "subscribers": Scale("subscribers", "subscribers", "count"),
    "rate_hz": Scale("publish rate", "messages per second from each publisher", "count"),
    "payload_bytes": Scale("payload", "payload of a message", "wire bytes"),
    "hold_s": Scale("hold time", "hold time", "ns", 1e9),
}


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


def panel(
    axes: Axes, metric: str, parameter: Scale, lines: Sequence[Line], height_in: float, round_ticks: bool = False
) -> None:
    """A metric against a parameter, one line per variant, with its label at the right end; a dotted line leads there
    from a line that ends earlier.

    round_ticks: ticks stand at round numbers, where the values themselves are none.
    """
    ats = sorted({at for line in lines for at, _ in line.points})
    wide = ats[0] > 0 and ats[-1] / ats[0] >= 5
    if wide:
        axes.set_xscale("log")
        axes.set_xlim(ats[0] / (ats[-1] / ats[0]) ** 0.03, ats[-1])
    else:
        axes.set_xlim(ats[0] - 0.03 * (ats[-1] - ats[0]), ats[-1])
    _heights(axes, metric, lines, height_in)
    room_in = WIDTH_IN - BESIDE_IN - max(text_width_in(named(line.variant)) for line in lines)
    if round_ticks and wide:
        log_ticks(axes.xaxis, parameter.unit, ats[0], ats[-1], room_in)
    else:
        exact_ticks(axes, ats, [tick(at * parameter.size, parameter.unit) for at in ats], room_in)
    axes.grid(axis="both")
    labels = []
    for line in lines:
        _line(axes, line)
        (last, end), edge = line.points[-1], ats[-1]
        if last < edge:
            axes.plot([last, edge], [end.median] * 2, color=line.look.colour, linewidth=0.7, linestyle=(0, (1, 2.5)))
        labels.append((_fraction(axes, line.points[-1][1].median), named(line.variant), line.look))
    end_labels(axes, labels, height_in)
    axes.set_ylabel("\n".join(_halves(METRICS[metric].title)))


def _heights(axes: Axes, metric: str, lines: Sequence[Line], height_in: float) -> None:
    """Logarithmic where all is above zero and spans more than a factor of four, else from zero."""
    unit = METRICS[metric].unit
    values = [value for line in lines for _, estimate in line.points for value in _values_of(estimate)]
    low, high = min(values), max(values)
    if low > 0 and high / low > 4:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.4, high * 1.4)
        log_ticks(axes.yaxis, unit, low / 1.4, high * 1.4, height_in - 0.7)
    else:
        axes.set_ylim(min(0.0, low * 1.1), (high or 1.0) * 1.12)
        linear_ticks(axes.yaxis, unit)


def _values_of(estimate: Estimate) -> list[float]:
    return [value for value in (estimate.median, estimate.low, estimate.high) if value is not None]


def _line(axes: Axes, line: Line) -> None:
    ats, medians = [at for at, _ in line.points], [estimate.median for _, estimate in line.points]
    axes.plot(ats, medians, color=line.look.colour, linestyle=linestyle(line.look), linewidth=1.5, zorder=3)
    axes.plot(ats, medians, "o", color=line.look.colour, markersize=4.2, clip_on=False, zorder=4)
    for at, estimate in line.points:
        if estimate.low is not None and estimate.high is not None:
            axes.plot(
                [at, at], [estimate.low, estimate.high], color=line.look.colour, linewidth=1.0, clip_on=False, zorder=3
            )


def _fraction(axes: Axes, y: float) -> float:
    """The height of a value in the plot, from 0 to 1."""
    low, high = axes.get_ylim()
    forward = axes.yaxis.get_transform().transform
    at, bottom, top = (float(forward(value)) for value in (y, low, high))
    return min(1.0, max(0.0, (at - bottom) / (top - bottom)))


def _halves(title: str) -> list[str]:
    """A long title on two lines, split for the smallest width."""
    words = title.split(" ")
    if len(title) < 26 or len(words) < 2:
        return [title]
    cuts = [(" ".join(words[:cut]), " ".join(words[cut:])) for cut in range(1, len(words))]
    return list(min(cuts, key=lambda pair: max(map(len, pair))))
