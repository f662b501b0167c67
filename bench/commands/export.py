"""Write a run as one long table, in CSV or JSON.

The table has one row per trial and metric, in base units. Invalid trials are in it, marked as invalid.

examples:
  python -m bench export reference --csv --out reference.csv
  python -m bench export --json | jq '.rows[] | select(.metric == "cpu" and .valid)'
  python -c "import pandas; print(pandas.read_csv('reference.csv').query('valid and not twin and not hidden')
    .groupby(['scenario', 'variant', 'metric']).value.median())"
In CSV, a text that a spreadsheet would take for a formula (= + - @ in front) begins with an apostrophe.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from bench import files
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.long_table import COLUMNS
from bench.analysis.trials import stored
from bench.commands._options import add_results, add_stored_run
from bench.commands._stored import folder_of
from bench.planning.request import Refused
from bench.report import numbers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which run, in which form, and where to; the help also explains the columns."""
    columns = "\n".join(f"  {name:<16} {meaning}" for name, meaning in COLUMNS.items())
    parser.epilog = f"{parser.epilog}\n\ncolumns:\n{columns}\n"
    add_stored_run(parser)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--csv", action="store_true", help="comma-separated values with a header (default)")
    kind.add_argument("--json", action="store_true", help="the same records, with the head of the run and the columns")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to (default: standard output)")
    add_results(parser)


def run(options: argparse.Namespace) -> int:
    """Write the table to standard output or to a file. Raises Refused, ResultsError."""
    cells = Cells(*stored.load(folder_of(options.run, options.results)))
    text = numbers.json_text(cells) if options.json else numbers.csv_text(cells)
    try:
        if options.out is None:
            sys.stdout.buffer.write(text.encode())
            sys.stdout.buffer.flush()
        else:
            files.replace(options.out, text.encode())
    except BrokenPipeError:  # the reader of the pipe has closed it, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise Refused(f"cannot write {options.out or 'the table'}: {error.strerror}") from error
    return 0
