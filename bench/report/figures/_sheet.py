"""The numbers behind a figure as comma-separated values: a header row that names base units, then plain numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.numbers.statistics import Estimate
from bench.analysis.trials.metrics import METRICS
from bench.report.figures._scene import Scene
from bench.report.text import clean
from bench.results import VariantFacts
from bench.units import Unit

Field = str | int | float | None

SUFFIXES: dict[Unit, str] = {
    "ns": "_ns",
    "wire bytes": "_bytes",
    "memory bytes": "_bytes",
    "share": "_share",
    "count": "",
    "ns per s": "_ns_per_s",
    "per s": "_per_s",
}
WHO = ("variant", "label", "technique", "product")
_FORMULA = ("=", "+", "-", "@")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of plain values; None is an empty field."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Field]]

    @property
    def text(self) -> str:
        """The table as RFC 4180 has it, but with plain line ends. Text that a spreadsheet would run as a formula gets
        an apostrophe in front."""
        written = io.StringIO()
        writer = csv.writer(written, lineterminator="\n")
        writer.writerow([_written(name) for name in self.columns])
        writer.writerows([[_written(field) for field in row] for row in self.rows])
        return written.getvalue()


def _written(field: Field) -> Field:
    """A field as it is stored: a measurement has at most nine significant digits."""
    if isinstance(field, str):
        whole = clean(field)
        return f"'{whole}" if whole.startswith(_FORMULA) else whole
    return float(f"{field:.9g}") if isinstance(field, float) else field


def who(variant: VariantFacts) -> tuple[str, str, str, str]:
    """The fields of `WHO`."""
    return variant.name, variant.label, variant.technique, variant.product


def column(metric: str) -> str:
    """The name of a column that holds a metric, its unit at the end."""
    return metric + SUFFIXES[METRICS[metric].unit]


def bounds(metric: str) -> tuple[str, str, str]:
    """The columns of an estimate: median, and both ends of its interval."""
    suffix = SUFFIXES[METRICS[metric].unit]
    return f"{metric}{suffix}", f"{metric}_low{suffix}", f"{metric}_high{suffix}"


def ends(estimate: Estimate | None) -> tuple[Field, Field, Field]:
    """The fields of `bounds`."""
    return (None, None, None) if estimate is None else (estimate.median, estimate.low, estimate.high)


def median(scene: Scene, metric: str, variant: VariantFacts) -> float:
    """The median of a metric in the figure's cell; 0 where it has none."""
    estimate = scene.cells.estimate(metric, scene.scenario, variant.name)
    return estimate.median if estimate else 0.0
