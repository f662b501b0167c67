"""Writing the report of a stored run, for the commands that end with one."""

from __future__ import annotations

from pathlib import Path

from bench.planning.request import Refused


def rehearse_report(reports: Path, results: Path) -> None:
    """Check that a report can be written to `reports`, before anything is measured for it. Raises Refused."""
    from bench.report import rehearse

    if reports.resolve() == results.resolve():
        raise Refused(f"{reports} cannot hold both results and reports; choose another folder with --reports")
    try:
        rehearse(reports)
    except OSError as error:
        raise Refused(
            f"cannot write reports to {reports}: {error.strerror}; choose another folder with --reports"
        ) from error


def write_report(folder: Path, reports: Path) -> Path:
    """Write the report of the run in `folder`, print where it is, and return its page. Raises Refused, ResultsError."""
    from bench.report import build  # only now: a command that measures must not load matplotlib before it has measured

    try:
        page = build(folder, reports)
    except OSError as error:
        again = f"python -m bench report {folder.name} --reports FOLDER"
        raise Refused(f"cannot write the report to {reports}: {error.strerror}; try `{again}`") from error
    print(f"report: {page}")
    return page
