"""One row of a figure file: its drawing, its scenarios, and its position on the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure as Canvas

from bench.analysis.runs.cells import Cells
from bench.report.figures._scene import Scene
from bench.report.figures._sheet import Sheet

EVIDENCE, WORKLOADS, FAULTS = "figures", "workloads", "faults"  # sections of the page that show figures


def _once(_: Cells, __: str) -> list[str]:
    return [""]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure, drawn once for every scenario that `scenarios` returns, and for each of its `parameters`.

    name: the beginning of its file names. order: figures are in ascending order.
    sentence, alt: the caption, and the description for screen readers. data: its numbers.
    parameters: the swept parameters that it shows; [""] for a figure without one.
    missing: whether the caption also lists the variants that are absent. section: the name of its page section.
    """

    name: str
    title: str
    order: int
    sentence: Callable[[Scene], str]
    draw: Callable[[Scene], Canvas]
    alt: Callable[[Scene], str]
    data: Callable[[Scene], Sheet]
    scenarios: Callable[[Cells], list[str]]
    parameters: Callable[[Cells, str], list[str]] = _once
    missing: bool = True
    section: str = EVIDENCE
