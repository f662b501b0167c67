"""Writing the report of a stored run, for the commands that end with one."""

from __future__ import annotations

from pathlib import Path

from bench.planning.request import Refused


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
