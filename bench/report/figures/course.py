"""Steadiness: how latency moves while a trial runs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.analysis.cells import Cells
from bench.report import palette
from bench.report.figures._canvas import Subject, canvas, end_labels, linear_ticks, linestyle, log_ticks, named
from bench.report.figures.latency import harness_sentence, with_latency
from bench.report.palette import Look
from bench.results import Trial
from bench.units import quantity


@dataclass(frozen=True, slots=True)
class Course:
    """One trial: moments into the measured part and the median latency of the interval around each, in ns."""

    moments_ns: np.ndarray
    median_ns: np.ndarray


@dataclass(frozen=True, slots=True)
class Line:
    """A variant's trials, each a course of its own: a median of medians would be the course of no trial."""

    name: str
    look: Look
    courses: list[Course]

    @property
    def last_ns(self) -> float:
        """Where its name stands: at the end of the trial that ends in the middle of all."""
        ends = sorted(float(course.median_ns[-1]) for course in self.courses)
        return ends[len(ends) // 2]


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
            found.append(Course((places + 0.5) * trial.series.interval_ns, np.maximum(medians, 1.0)))
    return found


def time_sentence(subject: Subject) -> str:
    """What a steady server looks like."""
    trials = [trial for variant in subject.variants for trial in subject.cells.valid(subject.scenario, variant.name)]
    series = next(trial.series for trial in trials if trial.series is not None)
    return (
        f"A flat line is a server that keeps up, a rising one a queue that grows: median latency of every"
        f" {quantity(series.interval_ns, 'ns')}, one line per trial.{harness_sentence(subject)}"
    )


def over_time(subject: Subject) -> Figure:
    """Median latency of every interval, one line per trial; the name of a variant at their right end."""
    found = _lines(subject)
    height_in = max(2.9, 0.17 * len(found) + 1.0)
    figure = canvas(height_in)
    axes = figure.add_subplot()
    axes.set_yscale("log")
    low = min(float(course.median_ns.min()) for line in found for course in line.courses) / 1.6
    high = max(float(course.median_ns.max()) for line in found for course in line.courses) * 1.6
    axes.set_ylim(low, high)
    log_ticks(axes.yaxis, "ns", low, high)
    axes.grid(axis="y")
    for line in found:
        _draw(axes, line)
    axes.set_xlim(0, max(float(course.moments_ns[-1]) for line in found for course in line.courses))
    linear_ticks(axes.xaxis, "ns")
    heights = [math.log(line.last_ns / low) / math.log(high / low) for line in found]
    end_labels(axes, [(height, line.name, line.look) for height, line in zip(heights, found, strict=True)], height_in)
    axes.set_xlabel("time into the measured part")
    axes.set_ylabel("median latency")
    return figure


def _lines(subject: Subject) -> list[Line]:
    """The harness itself, where the run has it, and the variants."""
    named_trials = [("harness floor", palette.HARNESS, subject.cells.harness(subject.scenario))] + [
        (named(variant), subject.looks[variant.name], subject.cells.valid(subject.scenario, variant.name))
        for variant in subject.variants
    ]
    lines = [Line(name, look, courses(trials)) for name, look, trials in named_trials]
    return [line for line in lines if line.courses]


def _draw(axes: Axes, line: Line) -> None:
    for course in line.courses:
        axes.plot(
            course.moments_ns,
            course.median_ns,
            color=line.look.colour,
            linestyle=linestyle(line.look),
            linewidth=0.9,
            alpha=0.8,
        )
