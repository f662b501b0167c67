"""Steadiness: how latency moves while a trial runs."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from bench.analysis.cells import Cells
from bench.report.figures._canvas import Subject, canvas, end_labels, linear_ticks, linestyle, log_ticks, named
from bench.report.figures.latency import with_latency
from bench.results import Trial, VariantFacts
from bench.units import quantity

Course = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Nanoseconds into the measured part; median latency over trials there, and the lowest and highest of the trials."""


def with_series(cells: Cells) -> list[str]:
    """Scenarios with a time series worth a line: at least two intervals with deliveries."""
    return [name for name in with_latency(cells) if any(_courses(cells, name, v) for v in cells.measured(name))]


def _courses(cells: Cells, scenario: str, variant: VariantFacts) -> Course | None:
    rows = [_medians(trial) for trial in cells.valid(scenario, variant.name) if trial.series is not None]
    rows = [row for row in rows if row.size]
    if not rows:
        return None
    longest = max(row.size for row in rows)
    table = np.full((len(rows), longest), np.nan)
    for place, row in enumerate(rows):
        table[place, : row.size] = row
    seen = ~np.all(np.isnan(table), axis=0)
    if seen.sum() < 2:
        return None
    series = next(trial.series for trial in cells.valid(scenario, variant.name) if trial.series is not None)
    moments = (np.arange(longest) + 0.5)[seen] * series.interval_ns
    kept = np.maximum(table[:, seen], 1.0)
    return moments, np.nanmedian(kept, axis=0), np.nanmin(kept, axis=0), np.nanmax(kept, axis=0)


def _medians(trial: Trial) -> np.ndarray:
    assert trial.series is not None
    return np.array([np.nan if value is None else float(value) for value in trial.series.latency_p50_ns])


def time_sentence(subject: Subject) -> str:
    """What a steady server looks like."""
    trials = [trial for variant in subject.variants for trial in subject.cells.valid(subject.scenario, variant.name)]
    series = next(trial.series for trial in trials if trial.series is not None)
    return (
        f"A flat line is a server that keeps up, a rising one a queue that grows: median latency of every"
        f" {quantity(series.interval_ns, 'ns')}, median over trials, with the range of the trials as a band."
    )


def over_time(subject: Subject) -> Figure:
    """Median latency of every interval, one line per variant, named at its right end."""
    found = [
        (variant, course)
        for variant in subject.variants
        if (course := _courses(subject.cells, subject.scenario, variant)) is not None
    ]
    height_in = max(2.9, 0.17 * len(found) + 1.0)
    figure = canvas(height_in)
    axes = figure.add_subplot()
    axes.set_yscale("log")
    low = min(float(course[2].min()) for _, course in found) / 1.6
    high = max(float(course[3].max()) for _, course in found) * 1.6
    axes.set_ylim(low, high)
    log_ticks(axes.yaxis, "ns", low, high)
    axes.grid(axis="y")
    labels = []
    for variant, (moments, middle, least, most) in found:
        look = subject.looks[variant.name]
        axes.fill_between(moments, least, most, color=look.colour, alpha=0.18, linewidth=0)
        axes.plot(moments, middle, color=look.colour, linestyle=linestyle(look))
        height = math.log(middle[-1] / low) / math.log(high / low)
        labels.append((float(height), named(variant), look))
    end = max(float(course[0][-1]) for _, course in found)
    axes.set_xlim(0, end)
    linear_ticks(axes.xaxis, "ns")
    end_labels(axes, labels, height_in)
    axes.set_xlabel("time into the measured part")
    axes.set_ylabel("median latency")
    return figure
