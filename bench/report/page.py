"""The page and the summary: everything that is known of a run, put into the templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.claim_verdicts import claims
from bench.report import advising, instrument, origin, palette, sections, shell
from bench.report.figures import Drawn

SCRIPTS = ("sort.js", "advise.js")
"""What a page can do besides being read, each a file beside the templates."""


def facts(cells: Cells, figures: Sequence[Drawn], name: str) -> dict[str, Any]:
    """What all templates of a run are given. Everything in it is data; only the templates know markup.

    `instrument`, `links` and `csv` are of what stands beside a run or its report; whoever knows that puts it in.
    """
    held = claims(cells)
    return {
        "name": name,
        "run": cells.run,
        "opening": sections.opening(cells, held),
        "claimed": sections.claimed(held, [figure.name for figure in figures]),
        "decision": sections.decision(cells),
        "compact": sections.decision(cells, compact=True),
        "headline": sections.tables(cells, headline=True),
        "every": sections.tables(cells, headline=False),
        "figures": figures,
        "workloads": sections.workloads(cells),
        "faults": sections.faults(cells),
        "classics": sections.classics(cells),
        "predictions": sections.predictions(cells),
        "calibration": sections.calibration(cells),
        "outcomes": sections.outcomes(cells),
        "trust": sections.trust(cells),
        "variants": palette.family_order(cells.shown),
        "hidden": [variant for variant in cells.run.variants if variant.hidden],
        "instrument": instrument.NOTHING,
        "links": origin.Links(),
        "csv": "",
    }


def page(given: dict[str, Any], cells: Cells) -> str:
    """The self-contained HTML page of a run."""
    drawings = {figure.name: Markup(figure.inline) for figure in given["figures"]}  # noqa: S704  # our renderer's
    given = {**given, "drawings": drawings, "advising": advising.section(cells)}
    return shell.page("page.html.j2", given, palette.looks(cells.shown), SCRIPTS)


def summary(given: dict[str, Any]) -> str:
    """The answer and the headline tables in Markdown."""
    return shell.text("summary.md.j2", given)


def prose(template: str, given: dict[str, Any], folder: str) -> str:
    """What a run shows, in Markdown, for the README and its like; `folder` is where the report is, for their links."""
    return shell.text(template, {**given, "folder": folder})
