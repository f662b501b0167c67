"""The shell of every page: one self-contained file, whose policy allows only our own style and scripts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup

from bench.report import instrument, palette, sections
from bench.report.text import Verbatim, clean, code, markdown, slug
from bench.units import counted

TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = (TEMPLATES / "sort.js",)  # the scripts of every page


def page(template: str, given: Mapping[str, Any], looks: Mapping[str, palette.Look], scripts: Sequence[Path]) -> str:
    """A self-contained HTML page. Everything given is escaped; the style sheet and the scripts are files of ours.

    The policy of the page names both by their digests: nothing else can run, and nothing can be fetched or sent.
    """
    style = (TEMPLATES / "page.css").read_text(encoding="utf-8") + _colours(looks)
    sources = [script.read_text(encoding="utf-8") for script in scripts]
    allowed = [f"style-src {_digest(style)}", *([f"script-src {' '.join(map(_digest, sources))}"] if sources else [])]
    return (
        environment(html=True)
        .get_template(template)
        .render(
            **given,
            looks=looks,
            style=Markup(style),  # noqa: S704  # our own file and palette
            scripts=[Markup(source) for source in sources],  # noqa: S704  # our own files
            policy=f"default-src 'none'; {'; '.join(allowed)}; base-uri 'none'; form-action 'none'",
        )
    )


def text(template: str, given: Mapping[str, Any]) -> str:
    """A Markdown text, every value escaped."""
    return environment(html=False).get_template(template).render(**given)


def environment(html: bool) -> Environment:
    """The template environment; templates of sections are named `sections/...`. Values are escaped
    for HTML, or for Markdown."""
    environment = Environment(
        loader=ChoiceLoader(
            [FileSystemLoader(TEMPLATES), PrefixLoader({"sections": FileSystemLoader(sections.folders())})]
        ),
        autoescape=html,  # noqa: S701  # where it is off, `finalize` escapes every expression for Markdown
        finalize=_shown if html else _written,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "slug": slug,
        "counted": counted,
        "sensitivity_row": instrument.sensitivity_row,
        "code": code,
    }
    return environment


def _shown(value: object) -> object:
    """The value of an expression in a page: our own markup unchanged, all else without hidden characters."""
    return value if isinstance(value, Markup) else clean(value)


def _written(value: object) -> str:
    """The value of an expression in a Markdown text."""
    if isinstance(value, Verbatim):
        return value
    return "" if value is None else markdown(value)


def _digest(source: str) -> str:
    """The name of an inline style or script in a policy (Content Security Policy Level 3, section 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def _colours(looks: Mapping[str, palette.Look]) -> str:
    """The colours of the variants as variables and classes, for light, dark and paper."""
    light = "".join(f"{look.css}:{look.colour};" for look in looks.values())
    dark = "".join(f"{look.css}:{look.dark};" for look in looks.values())
    classes = "".join(f".v{look.css[3:]}{{background-color:var({look.css})}}" for look in looks.values())
    return f"\n:root{{{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{classes}\n"
