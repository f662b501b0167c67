"""A comparison of load generators as values and as a Markdown table: medians over the repetitions."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.runs.generator_search import bracket, tried
from bench.results import GeneratorComparison, GeneratorPass, GeneratorRow

OURS = "pushbench"  # the name of our own load generator in a comparison

HEAD = (
    "| load generator | on | CPU per message | times ours | received | sustained on one core | fed by |\n"
    "|---|---|---:|---:|---:|---:|---|"
)


@dataclass(frozen=True, slots=True)
class Sustained:
    """Messages per second that a generator sustains on one core. lower_bound: its own limit was not reached."""

    per_s: float
    lower_bound: bool
    server: str

    def __str__(self) -> str:
        if not self.per_s:
            return "none"
        return f"{'≥ ' if self.lower_bound else ''}{float(f'{self.per_s:.2g}'):,.0f}/s"


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table; None for values that were not measured, with the reason."""

    generator: str
    variant: str
    cpu_us: float | None
    times_ours: float | None
    received_share: float | None
    sustained: Sustained | None
    reason: str


def lines(comparison: GeneratorComparison) -> list[Line]:
    """The rows, the lowest cost first and rows without one last; a ratio is to ours on the same variant."""
    ours = {row.variant: cpu_us(row.costs) for row in comparison.rows if row.generator == OURS}
    unsorted = [_line(row, ours.get(row.variant)) for row in comparison.rows]
    return sorted(unsorted, key=lambda line: (line.cpu_us is None, line.cpu_us or 0.0))


def _line(row: GeneratorRow, ours_us: float | None) -> Line:
    cost_us = cpu_us(row.costs)
    return Line(
        generator=row.generator,
        variant=row.variant,
        cpu_us=cost_us,
        times_ours=cost_us / ours_us if cost_us and ours_us else None,
        received_share=statistics.median(one.delivered / one.expected for one in row.costs) if row.costs else None,
        sustained=sustained(row.searches),
        reason=row.reason,
    )


def cpu_us(costs: Sequence[GeneratorPass]) -> float | None:
    """CPU time per received message in µs; None if no message was received."""
    shares = [one.generator_cpu_ns / one.received / 1e3 for one in costs if one.received]
    return statistics.median(shares) if shares else None


def sustained(searches: Sequence[Sequence[GeneratorPass]]) -> Sustained | None:
    """The median result of the searches; None without a search."""
    brackets = [bracket(tried(passes)) for passes in searches if passes]
    if not brackets:
        return None
    lower_bound = any(one.lower_bound for one in brackets)
    server = next(passes[0].server for passes in searches if passes)
    return Sustained(statistics.median(one.sustained_per_s for one in brackets), lower_bound, server)


def markdown(comparison: GeneratorComparison) -> str:
    """The comparison as Markdown, with notes on rows that failed after a part was measured."""
    table = lines(comparison)
    notes = [
        f"{line.generator} on {line.variant}: {line.reason}"
        for line in table
        if line.reason and line.cpu_us is not None
    ]
    return "\n".join([HEAD, *map(_markdown_row, table), *(["", *notes] if notes else [])])


def _markdown_row(line: Line) -> str:
    cells = [
        line.generator,
        line.variant,
        f"{line.cpu_us:.1f} µs" if line.cpu_us is not None else line.reason or "not measured",
        f"{line.times_ours:.1f}" if line.times_ours is not None else "",
        f"{line.received_share:.1%}" if line.received_share is not None else "",
        str(line.sustained) if line.sustained else "",
        line.sustained.server if line.sustained else "",
    ]
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
