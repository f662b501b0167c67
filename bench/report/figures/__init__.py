"""The figures of a report, a file each, discovered: every public file here, and in the folders of PUSHBENCH_FIGURES,
holds its rows as `FIGURES`. `drawn` draws all figures whose facts a run has.
"""

from __future__ import annotations

import functools
import importlib
from collections import Counter
from collections.abc import Iterator

from bench import discovery
from bench.analysis.runs.cells import Cells
from bench.report import neutral_matplotlib, palette  # noqa: F401  # the first must come before the figures
from bench.report.figures._figure import FAULTS, Figure
from bench.report.figures._rendering import Drawn, painted
from bench.report.figures._scene import Scene
from bench.scenarios import of_record

__all__ = ["Drawn", "Figure", "Scene", "drawn", "every", "painted", "scenes"]

__path__ = discovery.extended(__path__, "PUSHBENCH_FIGURES")


@functools.cache
def every() -> tuple[Figure, ...]:
    """Every figure in the order of the page. Raises DiscoveryError where two have one name."""
    rows: list[Figure] = []
    for module in discovery.names(__path__):
        rows += importlib.import_module(f"{__name__}.{module}").FIGURES
    for name, count in Counter(row.name for row in rows).items():
        if count > 1:
            raise discovery.DiscoveryError(f"{count} figures are called {name}; rename all but one of them")
    return tuple(sorted(rows, key=lambda row: (row.order, row.name)))


def drawn(cells: Cells) -> Iterator[Drawn]:
    """Every figure that the run has facts for, in the order of the page."""
    looks = palette.looks(cells.shown)
    colours = palette.THEME | {look.colour: look.css for look in looks.values()}
    for figure, scene in scenes(cells):
        yield Drawn(figure, scene, colours)


def scenes(cells: Cells) -> Iterator[tuple[Figure, Scene]]:
    """Every figure with each scene that it is to be drawn from, in the order of the page. Of a scenario in which faults
    are injected only the figures of the section on faults: the others show no delivery class beside their numbers."""
    looks = palette.looks(cells.shown)
    for figure in every():
        for scenario in figure.scenarios(cells):
            if of_record(scenario).faults and figure.section != FAULTS:
                continue
            for parameter in figure.parameters(cells, scenario):
                yield figure, Scene(cells, scenario, looks, parameter)
