"""The page and the summary: everything that is known of a run, put into the templates."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bench.analysis.answers import answers
from bench.analysis.cells import Cells
from bench.report import instrument, palette, sections, words
from bench.report.figures import Drawn
from bench.report.text import clean, markdown, slug
from bench.units import counted

TEMPLATES = Path(__file__).parent / "templates"


def facts(cells: Cells, figures: Sequence[Drawn], name: str) -> dict[str, Any]:
    """What both templates are given. Everything in it is data; only the templates know markup."""
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
        "looks": palette.looks(cells.shown),
        "variants": palette.family_order(cells.shown),
        "hidden": [variant for variant in cells.run.variants if variant.hidden],
    }


def page(given: dict[str, Any]) -> str:
    """The self-contained HTML page. Everything is escaped but the style sheet and the figures, which are our own."""
    environment = _environment(autoescape=True, finalize=_shown)
    style = (TEMPLATES / "page.css").read_text(encoding="utf-8") + _colours(given["looks"])
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.get_template("page.html.j2").render(
        **given,
        style=Markup(style),  # noqa: S704  # our own file and palette
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        drawings=[Markup(figure.inline) for figure in given["figures"]],  # noqa: S704  # written by our renderer
    )


def summary(given: dict[str, Any]) -> str:
    """The answer and the headline tables in Markdown, every value escaped."""
    environment = _environment(autoescape=False, finalize=lambda value: markdown(value) if value is not None else "")
    return environment.get_template("summary.md.j2").render(**given)


def prose(template: str, given: dict[str, Any], folder: str) -> str:
    """What a run shows, in Markdown, for the README and its like; `folder` is where the report is, for their links."""
    environment = _environment(autoescape=False, finalize=lambda value: markdown(value) if value is not None else "")
    return environment.get_template(template).render(**given, folder=folder)


def _environment(autoescape: bool, finalize: Any) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=autoescape,  # noqa: S701  # where it is off, `finalize` escapes every expression for Markdown
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"slug": slug, "counted": counted, "told": instrument.told}
    return environment


def _shown(value: object) -> object:
    """What an expression of the page becomes: markup of ours as it is, everything else without hidden characters."""
    return value if isinstance(value, Markup) else clean(value)


def _colours(looks: dict[str, palette.Look]) -> str:
    """The colours of the variants as variables and classes, for light, dark and paper."""
    light = "".join(f"{look.css}:{look.colour};" for look in looks.values())
    dark = "".join(f"{look.css}:{look.dark};" for look in looks.values())
    classes = "".join(f".v{look.css[3:]}{{background-color:var({look.css})}}" for look in looks.values())
    return f"\n:root{{{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{classes}\n"
