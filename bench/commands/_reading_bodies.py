"""The commands that read results and measure nothing: report, compare, advise, export."""

from __future__ import annotations

import argparse
import os
import sys
import webbrowser
from collections.abc import Collection, Sequence
from pathlib import Path

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.comparability import hindrances
from bench.analysis.runs.regressions import Shown
from bench.analysis.trials.metrics import METRICS
from bench.planning.request import Refused
from bench.results import ResultsError, load
from bench.scenarios import nearest


def report(options: argparse.Namespace) -> int:
    """Write the report of a stored run, and open it if asked."""
    folder = found(options.run, options.results)
    page = write_report(folder, options.reports)
    for prose in options.prose:
        _splice(prose, folder, options.reports)
    if options.open:
        _open(page)
    return 0


def compare(options: argparse.Namespace) -> int:
    """Compare two stored runs; 1 if something became worse beyond noise, 2 if they cannot be compared."""
    folders = [found(run, options.results) for run in (options.old, options.new)]
    (old, old_trials), (new, new_trials) = (load(folder) for folder in folders)
    names = (folders[0].resolve().name, folders[1].resolve().name)
    _known(options.metric, METRICS, "metric")
    _known(options.variant, {variant.name for variant in (*old.variants, *new.variants)}, "variant of these runs")
    differing = hindrances(old, new)
    if differing and not options.force:
        raise Refused(
            f"{names[0]} and {names[1]} were made under other conditions and say nothing about each other:"
            f" {'; '.join(differing)} (--force compares them all the same, and says so on top)"
        )
    from bench.report import comparison

    cells = Cells(old, old_trials), Cells(new, new_trials)
    try:
        written = comparison.write(*cells, names, options.reports, differing, options.metric, options.variant)
    except OSError as error:
        raise Refused(f"cannot write the comparison to {options.reports}: {error.strerror}") from error
    print(f"{written.text.strip()}\n\nall of it: {written.page}")
    if not written.seen.judged:
        why = "; ".join(comparison.counts(written.seen)) or "the runs have no cell in common"
        raise Refused(f"nothing could be judged: {why}")
    return int(bool(written.seen.of(Shown.REGRESSION)))


def advise(options: argparse.Namespace) -> int:
    """Print what meets a need, the cheapest first; 1 if nothing does."""
    from bench.commands import _advising as advices

    need = advices.need_of({name: getattr(options, name) for name in advices.READERS})
    said, met = advices.advised(found(options.run, options.results), need)
    print(said)
    return 0 if met else 1


def export(options: argparse.Namespace) -> int:
    """Write a run as one long table, to standard output or to a file."""
    from bench.report import numbers

    cells = Cells(*load(found(options.run, options.results)))
    text = numbers.json_text(cells) if options.json else numbers.csv_text(cells)
    try:
        if options.out is None:
            sys.stdout.buffer.write(text.encode())
            sys.stdout.buffer.flush()
        else:
            options.out.write_bytes(text.encode())
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise Refused(f"cannot write {options.out or 'the table'}: {error.strerror}") from error
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


def _known(asked: Sequence[str], known: Collection[str], kind: str) -> None:
    """Raises Refused for the first name that nobody knows."""
    for name in asked:
        if name not in known:
            raise Refused(f"no {kind} {name!r}; {nearest(name, known)}")


def _open(page: Path) -> None:
    """Show a page in the person's browser, or say in one line that there is none here."""
    try:
        opened = webbrowser.open(page.resolve().as_uri())
    except (webbrowser.Error, OSError):
        opened = False
    if not opened:
        print("there is no browser here to open it in")
