"""Which stored run a command reads."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

from bench.planning.request import Refused
from bench.results import ResultsError, begun_at
from bench.scenarios import nearest


def folder_of(run: str | None, results: Path) -> Path:
    """The folder of a run that is given by its name or its folder; without either, that of the newest run.

    Raises Refused with the nearest name, and ResultsError where there is no run at all.
    """
    if run is None:
        return newest(results)
    for folder in (results / run, Path(run)):
        if (folder / "run.json").exists():
            return folder
    there = [path.parent.name for path in results.glob("*/run.json")]
    raise Refused(f"no run {run!r} in {results}; {nearest(Path(run).name, there) if there else 'it holds none'}")


def newest(results: Path) -> Path:
    """The folder of the run that was begun last, by the start that each records: a copy changes the time of a file.

    A run that cannot be read is passed over, with its name on the standard error stream. Raises ResultsError if there
    is no run, or none that can be read.
    """
    runs = [path.parent for path in results.glob("*/run.json") if path.parent.name != "reference"]
    runs = runs or [path.parent for path in results.glob("*/run.json")]
    if not runs:
        raise ResultsError(f"there is no run in {results}; make one with `python -m bench run`")
    starts: dict[Path, datetime.datetime] = {}
    errors: list[ResultsError] = []
    for folder in sorted(runs):
        try:
            starts[folder] = begun_at(folder)
        except ResultsError as error:
            errors.append(error)
    if not starts:
        raise errors[0]
    for unread in errors:
        print(f"passed over: {unread}", file=sys.stderr)
    return max(starts, key=lambda folder: starts[folder])
