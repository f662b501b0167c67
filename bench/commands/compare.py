"""Compare two stored runs: what became worse beyond noise, and what better.

Compares two runs of the same machine and parameters by their headline metrics. Prints what changed as Markdown and
writes a page with every number to REPORTS/compare-OLD-NEW/. Exits with 0 if nothing became worse beyond noise, with 1
if something did, with 2 if the runs cannot be compared.

examples:
  python -m bench compare before after
  python -m bench compare before after --metric cpu --variant flask_socketio
  python -m bench compare results/a ../elsewhere/b --force
Five blocks and more (`bench run --repetitions 5`) detect far smaller changes than three: the output says how small.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from pathlib import Path

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.comparability import obstacles
from bench.analysis.runs.regressions import ChangeVerdict
from bench.analysis.trials import stored
from bench.analysis.trials.metrics import METRICS
from bench.commands._options import add_folders
from bench.commands._stored import folder_of
from bench.planning.request import Refused
from bench.report import comparison
from bench.results import Run
from bench.scenarios import nearest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which runs, what is judged, and where the page goes."""
    parser.add_argument("old", help="name or folder of the run to compare with")
    parser.add_argument("new", help="name or folder of the run to be judged")
    parser.add_argument(
        "--force", action="store_true", help="compare also across machines, parameters or pinning, and say so"
    )
    parser.add_argument(
        "--metric", action="append", default=[],
        help="judge this metric only, headline or not (repeatable; named as in the column metric of `bench export`)",
    )  # fmt: skip
    parser.add_argument(
        "-v", "--variant", action="append", default=[],
        help="judge this variant only; the others still show what the machine did (repeatable)",
    )  # fmt: skip
    add_folders(parser)


def run(options: argparse.Namespace) -> int:
    """Compare. Returns 1 if something became worse. Raises Refused if the runs cannot be compared, and ResultsError."""
    folders = [folder_of(run, options.results) for run in (options.old, options.new)]
    (old, old_trials), (new, new_trials) = (stored.load(folder) for folder in folders)
    names = (folders[0].resolve().name, folders[1].resolve().name)
    _check_known(options.metric, METRICS, "metric")
    _check_known(options.variant, {variant.name for variant in (*old.variants, *new.variants)}, "variant of these runs")
    differing = _differing(old, new, names, options.force)
    written = _write((Cells(old, old_trials), Cells(new, new_trials)), names, differing, options)
    print(f"{written.text.strip()}\n\nall of it: {written.page}")
    if not written.seen.judged:
        why = "; ".join(comparison.counts(written.seen)) or "the runs have no cell in common"
        raise Refused(f"nothing could be judged: {why}")
    return int(bool(written.seen.of(ChangeVerdict.REGRESSION)))


def _check_known(names: Sequence[str], known: Collection[str], kind: str) -> None:
    """Raises Refused for the first name that is not known."""
    for name in names:
        if name not in known:
            raise Refused(f"no {kind} {name!r}; {nearest(name, known)}")


def _differing(old: Run, new: Run, names: tuple[str, str], force: bool) -> list[str]:
    """The conditions in which two runs differ. Raises Refused if there are any, unless by force."""
    differing = obstacles(old, new)
    if differing and not force:
        raise Refused(
            f"{names[0]} and {names[1]} were made under different conditions and cannot be compared:"
            f" {'; '.join(differing)} (--force compares them all the same, and says so on top)"
        )
    return differing


def _write(
    cells: tuple[Cells, Cells], names: tuple[str, str], differing: list[str], options: argparse.Namespace
) -> comparison.Written:
    reports: Path = options.reports
    try:
        return comparison.write(*cells, names, reports, differing, options.metric, options.variant)
    except OSError as error:
        raise Refused(f"cannot write the comparison to {reports}: {error.strerror}") from error
