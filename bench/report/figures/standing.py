"""What a connection costs that nobody talks on: memory, and the time to open it."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.analysis.cells import Cells
from bench.analysis.metrics import held_bytes
from bench.report import noise
from bench.report.figures import _bars
from bench.report.figures._canvas import Subject, canvas, end_labels, linear_ticks, linestyle, named
from bench.report.palette import NEUTRAL, PAPER
from bench.results import Trial, VariantFacts
from bench.units import counted, quantity


def memory_sentence(subject: Subject) -> str:
    """What the slope is."""
    sentence = (
        "A steeper line is a dearer connection: memory of server and broker above that of the empty server, against"
        " connected subscribers; every dot is one step of one trial, every line a least-squares fit with the median"
        " slope."
    )
    words = noise.floor_words(subject.cells, "connection_memory", subject.scenario)
    floor = f" The grey wedge is the noise floor ({words}) above the least dear technique."
    return sentence + (floor if len(_slopes(subject)) > 1 else "")


def memory(subject: Subject) -> Figure:
    """Points over the number of subscribers, a line through them, the slope beside its end."""
    height_in = max(3.0, 0.17 * len(subject.variants) + 1.0)
    figure = canvas(height_in)
    axes = figure.add_subplot()
    ends: list[tuple[VariantFacts, float]] = []
    reach = 1
    for variant in subject.variants:
        slope = subject.cells.estimate("connection_memory", subject.scenario, variant.name)
        if slope is None:
            continue
        look = subject.looks[variant.name]
        points = [_above_empty(trial) for trial in subject.cells.valid(subject.scenario, variant.name)]
        counts, held = np.concatenate([part for part in points if part.size], axis=1)
        axes.plot(counts, held, "o", markersize=3.6, color=look.colour, markeredgecolor=PAPER, markeredgewidth=0.4)
        last = float(counts.max())
        axes.plot([0, last], [0, slope.median * last], color=look.colour, linestyle=linestyle(look))
        ends.append((variant, slope.median))
        reach = max(reach, int(last))
    _floor(axes, subject, reach)
    axes.set_xlim(0, reach * 1.015)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    low, high = axes.get_ylim()
    end_labels(
        axes,
        [
            (
                (slope * reach - low) / (high - low),
                f"{named(variant)}  {quantity(slope, 'memory bytes')} each",
                subject.looks[variant.name],
            )
            for variant, slope in ends
        ],
        height_in,
    )
    axes.grid(axis="both")
    linear_ticks(axes.yaxis, "memory bytes")
    linear_ticks(axes.xaxis, "count")
    axes.set_xlabel("connected subscribers")
    axes.set_ylabel("memory above the empty server")
    return figure


def _floor(axes: Axes, subject: Subject, reach: int) -> None:
    """A grey wedge from the line of the best technique to where the noise floor ends."""
    slopes = _slopes(subject)
    if len(slopes) > 1 and min(slopes) > 0:
        best, ratio = min(slopes), subject.cells.floor("connection_memory", subject.scenario).ratio
        axes.fill_between(
            [0, reach], [0, best * reach], [0, best * ratio * reach], color=NEUTRAL, alpha=0.6, linewidth=0, zorder=0.7
        )


def _slopes(subject: Subject) -> list[float]:
    """The memory per connection of the techniques that can be ranked; none where nobody can."""
    held = [
        subject.cells.estimate("connection_memory", subject.scenario, variant.name)
        for variant in subject.variants
        if not (variant.product or subject.doubt)
    ]
    return [found.median for found in held if found is not None]


def _above_empty(trial: Trial) -> np.ndarray:
    """(2, steps): subscribers, and bytes above the intercept of the trial's own line."""
    known = [(step.subscribers, held) for step in trial.idle if (held := held_bytes(step)) is not None]
    if len({count for count, _ in known}) < 2:
        return np.zeros((2, 0))
    counts, held = np.array(known, dtype=np.float64).T
    _, intercept = np.polyfit(counts, held, 1)
    return np.stack([counts, held - intercept])


def most_connects(cells: Cells) -> list[str]:
    """The one scenario whose trials opened the most connections."""
    opened = {
        scenario: max(
            (
                trial.connect.count
                for variant in cells.measured(scenario)
                for trial in cells.valid(scenario, variant.name)
                if trial.connect is not None
            ),
            default=0,
        )
        for scenario in cells.scenarios
    }
    most = max(opened, key=lambda scenario: opened[scenario], default=None)
    return [most] if most is not None and opened[most] else []


def connect_sentence(subject: Subject) -> str:
    """Whose connects are shown, and whose cannot be."""
    silent = [
        named(variant)
        for variant in subject.variants
        if not subject.cells.values("connect_p50", subject.scenario, variant.name)
    ]
    sentence = "Median time from the start of a connect until the server has shown that the subscription stands"
    if not silent:
        return sentence + "."
    return (
        f"{sentence}; {counted(len(silent), 'variant')} cannot show it before the first message ({', '.join(silent)})."
    )


def connect(subject: Subject) -> Figure:
    """One bar per variant."""
    chart = _bars.rows(subject, "connect_p50")
    figure = canvas(chart.height_in)
    _bars.simple(figure.add_subplot(), subject, "connect_p50", chart)
    return figure
