"""Write the report of a run from its stored records.

examples:
  python -m bench report                        the newest run
  python -m bench report reference --open       and show the page
  python -m bench report results/mine --reports /tmp/pages
"""

from __future__ import annotations

import argparse
import webbrowser
from pathlib import Path

from bench import files
from bench.commands._options import add_folders, add_stored_run
from bench.commands._reporting import write_report
from bench.commands._stored import folder_of
from bench.planning.request import Refused


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which run, and where its report goes."""
    add_stored_run(parser)
    parser.add_argument("--open", action="store_true", help="then open the page in your browser")
    parser.add_argument(
        "--prose", type=Path, action="append", default=[], metavar="FILE",
        help="also put what the run shows between the marks of this file (repeatable)",
    )  # fmt: skip
    add_folders(parser)


def run(options: argparse.Namespace) -> int:
    """Write the report of a stored run, and open it if that is asked for. Raises Refused, ResultsError."""
    folder = folder_of(options.run, options.results)
    page = write_report(folder, options.reports)
    for prose in options.prose:
        _splice(prose, folder, options.reports)
    if options.open:
        _open(page)
    return 0


def _splice(prose: Path, folder: Path, reports: Path) -> None:
    from bench.report import spliced

    try:
        text = spliced(prose.read_text(encoding="utf-8"), folder, f"{reports.as_posix()}/{folder.name}")
        files.replace(prose, text.encode())
    except (OSError, ValueError) as mistake:
        raise Refused(f"{prose}: {mistake}") from mistake


def _open(page: Path) -> None:
    """Show a page in the person's browser, or say in one line that there is none here."""
    try:
        opened = webbrowser.open(page.resolve().as_uri())
    except (webbrowser.Error, OSError):
        opened = False
    if not opened:
        print("there is no browser here to open it in")
