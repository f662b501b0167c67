"""The page and the summary: the opening and every section of a run, put into the templates."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from bench.report import origin, palette, sections, shell
from bench.report.opening import opening
from bench.report.sections import Sources


def facts(sources: Sources, name: str, links: origin.Links, csv: str) -> dict[str, Any]:
    """What all templates of a run are given. Everything in it is data; only the templates know markup.

    The facts of every section stand under its name. name: of the run's folder; links, csv: of what stands beside it.
    """
    given = {
        "name": name,
        "run": sources.cells.run,
        "opening": opening(sources.cells, sources.claims),
        "instrument": sources.instrument,
        "links": links,
        "csv": csv,
        "sections": sections.every(),
    }
    return given | {section.name: section.facts(sources) for section in sections.every()}


def page(given: dict[str, Any], sources: Sources) -> str:
    """The self-contained HTML page of a run."""
    drawings = {figure.name: Markup(figure.inline) for figure in sources.figures}  # noqa: S704  # our renderer's
    looks = palette.looks(sources.cells.shown)
    return shell.page("page.html.j2", {**given, "drawings": drawings}, looks, [*shell.SCRIPTS, *sections.scripts()])


def summary(given: dict[str, Any]) -> str:
    """The answer, and every section that has a template for it, in Markdown."""
    return shell.text("summary.md.j2", given)


def prose(template: str, given: dict[str, Any], folder: str) -> str:
    """What a run shows, in Markdown, for the README and its like; `folder` is where the report is, for their links."""
    return shell.text(template, {**given, "folder": folder})
