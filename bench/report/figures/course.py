"""Steadiness: how latency moves while a trial runs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.analysis.runs.cells import HARNESS, Cells
from bench.report import palette
from bench.report.figures._canvas import MOST_SINGLE, Subject, canvas, linestyle, named
from bench.report.figures._data import WHO, Field, Sheet, who
from bench.report.figures._labels import end_labels
from bench.report.figures._ticks import linear_ticks, log_ticks
from bench.report.figures.latency import harness_sentence, with_latency
from bench.report.palette import Look
from bench.results import Trial
from bench.units import quantity


@dataclass(frozen=True, slots=True)
class Course:
    """One trial: moments into the measured part and the median latency of the interval around each, in ns."""

    trial: Trial
    moments_ns: np.ndarray
    median_ns: np.ndarray


@dataclass(frozen=True, slots=True)
class Line:
    """A variant's trials, each a course of its own: a median of medians would be the course of no trial."""

    variant: str
    name: str
    look: Look
    courses: list[Course]

    @property
    def middle(self) -> Course:
        """The trial that ends in the middle of all: where it ends stands the name."""
        return sorted(self.courses, key=lambda course: float(course.median_ns[-1]))[len(self.courses) // 2]


def with_series(cells: Cells) -> list[str]:
    """Scenarios with a time series worth a line: at least two intervals with deliveries."""
    return [
        name
        for name in with_latency(cells)
        if any(courses(cells.valid(name, variant.name)) for variant in cells.measured(name))
    ]


def courses(trials: list[Trial]) -> list[Course]:
    """A course for every trial with a series of at least two intervals with deliveries."""
    found = []
    for trial in trials:
        if trial.series is None:
            continue
        values = [(place, value) for place, value in enumerate(trial.series.latency_p50_ns) if value is not None]
        if len(values) > 1:
            places, medians = np.array(values, dtype=np.float64).T
            found.append(Course(trial, (places + 0.5) * trial.series.interval_ns, np.maximum(medians, 1.0)))
    return found


def time_sentence(subject: Subject) -> str:
    """What a steady server looks like."""
    found = _lines(subject)
    series = found[-1].courses[0].trial.series
    interval_ns = series.interval_ns if series else 0
    many = max(len(line.courses) for line in found) > MOST_SINGLE
    shown = "a band holds all trials, the line is the one that ends in their middle" if many else "one line per trial"
    return (
        f"A flat line is a server that keeps up, a rising one a queue that grows: median latency of every"
        f" {quantity(interval_ns, 'ns')}, {shown}.{harness_sentence(subject)}"
    )


def over_time(subject: Subject) -> Figure:
    """Median latency of every interval, one line per trial; the name of a variant at their right end."""
    found = _lines(subject)
    height_in = max(2.9, 0.175 * len(found) + 1.0)
    figure = canvas(height_in)
    axes = figure.add_subplot()
    axes.set_yscale("log")
    low = min(float(course.median_ns.min()) for line in found for course in line.courses) / 1.6
    high = max(float(course.median_ns.max()) for line in found for course in line.courses) * 1.6
    axes.set_ylim(low, high)
    log_ticks(axes.yaxis, "ns", low, high, height_in - 0.7)
    axes.grid(axis="y")
    for line in found:
        _draw(axes, line)
    axes.set_xlim(0, max(float(course.moments_ns[-1]) for line in found for course in line.courses))
    linear_ticks(axes.xaxis, "ns", 4)
    ends = [float(line.middle.median_ns[-1]) for line in found]
    heights = [math.log(end / low) / math.log(high / low) for end in ends]
    end_labels(axes, [(height, line.name, line.look) for height, line in zip(heights, found, strict=True)], height_in)
    axes.set_xlabel("time into the measured part")
    axes.set_ylabel("median latency")
    return figure


def _lines(subject: Subject) -> list[Line]:
    """The harness itself, where the run has it, and the variants."""
    lines = [Line(HARNESS, "harness floor", palette.HARNESS, courses(subject.cells.harness(subject.scenario)))]
    for variant in subject.variants:
        trials = subject.cells.valid(subject.scenario, variant.name)
        lines.append(Line(variant.name, named(variant), subject.looks[variant.name], courses(trials)))
    return [line for line in lines if line.courses]


def _draw(axes: Axes, line: Line) -> None:
    """Every trial as a line; many trials as a band, where all have the same moments, and the middle one as a line."""
    shown = line.courses
    if len(shown) > MOST_SINGLE:
        _band(axes, line)
        shown = [line.middle]
    for course in shown:
        axes.plot(
            course.moments_ns,
            course.median_ns,
            color=line.look.colour,
            linestyle=linestyle(line.look),
            linewidth=0.9,
            alpha=0.8,
        )


def _band(axes: Axes, line: Line) -> None:
    """From the least to the most of all trials at every moment that any of them has."""
    held: dict[float, list[float]] = {}
    for course in line.courses:
        for at, value in zip(course.moments_ns.tolist(), course.median_ns.tolist(), strict=True):
            held.setdefault(at, []).append(value)
    moments = sorted(held)
    lowest, highest = [min(held[at]) for at in moments], [max(held[at]) for at in moments]
    axes.fill_between(moments, lowest, highest, color=line.look.colour, alpha=0.16, linewidth=0)


def time_alt(subject: Subject) -> str:
    """Where the middle trial of every variant begins and ends."""
    told = [
        f"{line.name} {quantity(float(line.middle.median_ns[0]), 'ns')} to"
        f" {quantity(float(line.middle.median_ns[-1]), 'ns')}"
        for line in _lines(subject)
    ]
    return f"Median latency against time on a logarithmic axis, first and last of the middle trial: {'; '.join(told)}."


def time_sheet(subject: Subject) -> Sheet:
    """A row per trial and interval."""
    facts = subject.cells.facts
    rows: list[list[Field]] = [
        [*who(facts[line.variant]), course.trial.planned.id, course.trial.planned.block, at, value]
        for line in _lines(subject)
        for course in line.courses
        for at, value in zip(course.moments_ns.tolist(), course.median_ns.tolist(), strict=True)
    ]
    return Sheet([*WHO, "trial", "block", "at_ns", "latency_p50_ns"], rows)
