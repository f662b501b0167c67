"""One section of the page, as its file declares it, and what its facts are computed from."""

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
    """A section; `name`, its anchor and what templates call its facts, is that of its file, and filled in from there.

    Beside the file `<name>.py` stands `<name>.html.j2`, the section without its heading, and, if the summary is to show
    it too, `<name>.md.j2`.

    link: what the navigation calls it. order: sections stand in ascending order. facts: everything that its templates
    are given beside what all are given. scripts: the names of files beside it that the page runs.
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
