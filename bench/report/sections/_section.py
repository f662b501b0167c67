"""One section of the page, as its file declares it, and the sources of its facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.claim_verdicts import Claims

if TYPE_CHECKING:
    from bench.report.figures import Drawn
    from bench.report.instrument import Instrument


@dataclass(frozen=True, slots=True)
class Sources:
    """A run, its judged claims, its figures, and what is stored beside it."""

    cells: Cells
    claims: Claims
    figures: Sequence[Drawn]
    instrument: Instrument


def _nothing(_: Sources) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Section:
    """A section; `name`, its anchor and what templates call its facts, is the name of its file.

    The template `<name>.html.j2` beside its file is the section without its heading. `<name>.md.j2`, if present, is its
    part of the summary.

    link: its name in the navigation. order: sections are in ascending order. facts: the facts that only its templates
    get. scripts: the names of files beside it that the page runs.
    """

    heading: str
    link: str
    order: int
    facts: Callable[[Sources], Any] = _nothing
    scripts: tuple[str, ...] = ()
    name: str = ""

    @property
    def template(self) -> str:
        """Its template for the page."""
        return f"sections/{self.name}.html.j2"

    @property
    def markdown(self) -> str:
        """Its template for the summary, which need not exist."""
        return f"sections/{self.name}.md.j2"
