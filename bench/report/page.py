"""The page and the summary: everything that is known of a run, put into the templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from bench.analysis.answers import answers
from bench.analysis.cells import Cells
from bench.report import palette, sections, shell, words
from bench.report.figures import Drawn

SCRIPTS = ("sort.js",)
"""What a page can do besides being read, each a file beside the templates."""


def facts(cells: Cells, figures: Sequence[Drawn], name: str) -> dict[str, Any]:
    """What all templates of a run are given. Everything in it is data; only the templates know markup."""
    return {
        "name": name,
        "run": cells.run,
        "opening": words.opening(cells, answers(cells)),
        "headline": sections.tables(cells, headline=True),
        "every": sections.tables(cells, headline=False),
        "figures": figures,
        "predictions": sections.predictions(cells),
        "calibration": sections.calibration(cells),
        "outcomes": sections.outcomes(cells),
        "trust": sections.trust(cells),
        "variants": palette.family_order(cells.shown),
        "hidden": [variant for variant in cells.run.variants if variant.hidden],
    }


def page(given: dict[str, Any], cells: Cells) -> str:
    """The self-contained HTML page of a run."""
    drawings = [Markup(figure.inline) for figure in given["figures"]]  # noqa: S704  # written by our renderer
    return shell.page("page.html.j2", {**given, "drawings": drawings}, palette.looks(cells.shown), SCRIPTS)


def summary(given: dict[str, Any]) -> str:
    """The answer and the headline tables in Markdown."""
    return shell.text("summary.md.j2", given)


def prose(template: str, given: dict[str, Any], folder: str) -> str:
    """What a run shows, in Markdown, for the README and its like; `folder` is where the report is, for their links."""
    return shell.text(template, {**given, "folder": folder})
