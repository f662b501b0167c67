"""The commands that read results and measure nothing: report."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.request import Refused
from bench.results import ResultsError
from bench.scenarios import nearest


def report(options: argparse.Namespace) -> int:
    """Write the report of a stored run."""
    folder = found(options.run, options.results)
    write_report(folder, options.reports)
    for prose in options.prose:
        _splice(prose, folder, options.reports)
    return 0


def found(run: str | None, results: Path) -> Path:
    """The folder of a run, which is named or given itself; without either, of the newest. Raises Refused with the
    nearest name, and ResultsError where there is no run at all."""
    if run is None:
        return newest(results)
    for folder in (results / run, Path(run)):
        if (folder / "run.json").exists():
            return folder
    known = [path.parent.name for path in results.glob("*/run.json")]
    raise Refused(f"no run {run!r} in {results}; {nearest(Path(run).name, known) if known else 'it holds none'}")


def newest(results: Path) -> Path:
    """The run that was begun last. Raises ResultsError if there is none."""
    runs = [path.parent for path in results.glob("*/run.json") if path.parent.name != "reference"]
    runs = runs or [path.parent for path in results.glob("*/run.json")]
    if not runs:
        raise ResultsError(f"there is no run in {results}; make one with `python -m bench run`")
    return max(runs, key=lambda folder: (folder / "run.json").stat().st_mtime)


def write_report(folder: Path, reports: Path) -> Path:
    """Write the report of the run in `folder`, and print where it is; its page. Raises Refused, ResultsError."""
    from bench.report import build

    try:
        page = build(folder, reports)
    except OSError as error:
        again = f"python -m bench report {folder.name} --reports FOLDER"
        raise Refused(f"cannot write the report to {reports}: {error.strerror}; try `{again}`") from error
    print(f"report: {page}")
    return page


def _splice(prose: Path, folder: Path, reports: Path) -> None:
    from bench.report import spliced

    try:
        text = spliced(prose.read_text(encoding="utf-8"), folder, f"{reports.as_posix()}/{folder.name}")
    except (OSError, ValueError) as mistake:
        raise Refused(f"{prose}: {mistake}") from mistake
    prose.write_text(text, encoding="utf-8")
