"""Links from a report to its raw records and to the texts on method, where these are beside it.

A link is relative and stays within the folder that holds both `results/` and `reports/`: a report that is
written elsewhere has none, because a reader cannot follow a path of this machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Links:
    """Each relative to the page, empty for what is not there."""

    method: str = ""
    bias: str = ""
    run: str = ""
    trials: str = ""


def links(run_folder: Path, reports: Path) -> Links:
    """The links of the page `reports/<run>/index.html`."""
    run, root = run_folder.resolve(), reports.resolve().parent

    def to(path: Path) -> str:
        return f"../../{path.relative_to(root).as_posix()}" if path.exists() else ""

    beside = run.parent.parent == root
    return Links(
        to(root / "METHODOLOGY.md"),
        to(root / "BIAS.md"),
        to(run / "run.json") if beside else "",
        to(run / "trials") if beside else "",
    )
