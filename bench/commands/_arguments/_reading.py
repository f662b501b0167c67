"""What can be asked of the commands that read what was measured."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bench.analysis.runs.long_table import COLUMNS
from bench.commands._arguments._shared import add_folders, add_results

if TYPE_CHECKING:
    from bench.commands._arguments._shared import Commands

ADVISE_EPILOG = """\
examples:
  python -m bench advise --subscribers 5000 --rate 0.2 --payload 300 --max-staleness 2s
  python -m bench advise --subscribers 50000 --rate 0.01 --fan-out 1 --max-staleness 10s --cores 4
  python -m bench advise reference --subscribers 1000 --rate 2 --fan-out 20 --upstream-rate 0.1 --payload 2kB
"""

REPORT_EPILOG = """\
examples:
  python -m bench report                        the newest run
  python -m bench report reference --open       and show the page
  python -m bench report results/mine --reports /tmp/pages
"""

COMPARE_EPILOG = """\
examples:
  python -m bench compare before after
  python -m bench compare before after --metric cpu --variant flask_socketio
  python -m bench compare results/a ../elsewhere/b --force
Five blocks and more (`bench run --repetitions 5`) find far smaller changes than three: the output says how small.
"""

EXPORT_EPILOG = """\
examples:
  python -m bench export reference --csv --out reference.csv
  python -m bench export --json | jq '.rows[] | select(.metric == "cpu" and .valid)'
  python -c "import pandas; print(pandas.read_csv('reference.csv').query('valid and not twin and not hidden')
    .groupby(['scenario', 'variant', 'metric']).value.median())"
In CSV, a text that a spreadsheet would take for a formula (= + - @ in front) begins with an apostrophe.

"""


def add_advise(commands: Commands) -> None:
    """`advise`: what meets a need."""
    advise = commands.add_parser(
        "advise",
        help="what meets a need, ranked by what it costs, from the costs measured in a run",
        description="Rank the variants that meet a need by the server cores they cost, from what a run measured. Every"
        " number is predicted from fitted costs, and says which cells it comes from and what is extrapolated; how far"
        " predictions are off is checked on cells that are left out of the fit. The run needs the sweeps of the profile"
        " full. Messages published per second = subscribers x rate / fan-out. Exits with 1 if nothing meets the need.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=ADVISE_EPILOG,
    )
    advise.add_argument("run", nargs="?", help="name or folder of a run (default: the newest)")
    for option, default, words in (
        ("--subscribers", None, "how many there are"),
        ("--rate", "1", "messages per second that each subscriber receives"),
        ("--payload", "100", "bytes of a message: 300, 2kB"),
        ("--upstream-rate", "0", "messages per second that each subscriber sends"),
        ("--max-staleness", "2s", "how old a message may be when it arrives: 2s, 500ms"),
        ("--fan-out", None, "how many subscribers one message goes to; 1: everybody has messages of their own"
                            " (default: all subscribers)"),
        ("--cores", None, "refuse what does not fit into so many cores; a server process uses one"),
    ):  # fmt: skip
        shown = f"{words} (default: {default})" if default else words
        advise.add_argument(option, default=default, metavar="N", help=shown)
    advise.add_argument("--results", type=Path, default=Path("results"), help="where runs are (default: %(default)s)")


def add_report(commands: Commands) -> None:
    """`report`: the page of a run."""
    report = commands.add_parser(
        "report",
        help="write the report of a run from its stored records",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=REPORT_EPILOG,
    )
    report.add_argument("run", nargs="?", help="name or folder of a run (default: the newest)")
    report.add_argument("--open", action="store_true", help="then open the page in your browser")
    report.add_argument(
        "--prose", type=Path, action="append", default=[], metavar="FILE",
        help="also put what the run shows between the marks of this file (repeatable)",
    )  # fmt: skip
    add_folders(report)


def add_compare(commands: Commands) -> None:
    """`compare`: two runs."""
    compare = commands.add_parser(
        "compare",
        help="compare two stored runs: what became worse beyond noise, what better",
        description="Compare two runs of the same machine and parameters. Prints what changed as Markdown and writes a"
        " page with every number to REPORTS/compare-OLD-NEW/. Exits with 0 if nothing became worse beyond noise, 1 if"
        " something did, 2 if the runs cannot be compared. Judged are the headline metrics.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=COMPARE_EPILOG,
    )
    compare.add_argument("old", help="name or folder of the run to compare with")
    compare.add_argument("new", help="name or folder of the run to be judged")
    compare.add_argument(
        "--force", action="store_true", help="compare other machines, parameters or pinning all the same, and say so"
    )
    compare.add_argument(
        "--metric", action="append", default=[],
        help="judge this metric only, headline or not (repeatable; named as in the column metric of `bench export`)",
    )  # fmt: skip
    compare.add_argument(
        "-v", "--variant", action="append", default=[],
        help="judge this variant only; the others still witness what the machine did (repeatable)",
    )  # fmt: skip
    add_folders(compare)


def add_export(commands: Commands) -> None:
    """`export`: one long table."""
    columns = "\n".join(f"  {name:<16} {meaning}" for name, meaning in COLUMNS.items())
    export = commands.add_parser(
        "export",
        help="a run as one long table, in CSV or JSON",
        description="Write one row per trial and metric, in base units. Invalid trials are in it and say so.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"{EXPORT_EPILOG}columns:\n{columns}\n",
    )
    export.add_argument("run", nargs="?", help="name or folder of a run (default: the newest)")
    kind = export.add_mutually_exclusive_group()
    kind.add_argument("--csv", action="store_true", help="comma-separated values with a header (default)")
    kind.add_argument("--json", action="store_true", help="the same records, with the head of the run and the columns")
    export.add_argument("--out", type=Path, metavar="FILE", help="where to (default: standard output)")
    add_results(export)
