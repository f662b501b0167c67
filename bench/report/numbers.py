"""A run as one long table, in CSV and JSON (see `bench.analysis.runs.long_table`)."""

from __future__ import annotations

import csv
import io
import json

import msgspec

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.long_table import COLUMNS, Value, rows
from bench.report.text import clean

# The name of the table beside the page of a run.
FILE = "numbers.csv"

# The first characters by which a spreadsheet recognises a formula (OWASP, *CSV Injection*).
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001  # the full-width ones count as the others


def csv_text(cells: Cells) -> str:
    """The table as CSV with a header. Empty: not known; truth is written `true` or `false`.

    A text is brought onto one line, without hidden characters; one that a spreadsheet would take for a formula gets an
    apostrophe in front.
    """
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows(cells):
        writer.writerow([_written(row[name]) for name in COLUMNS])
    return written.getvalue()


def json_text(cells: Cells) -> str:
    """The same records as JSON, texts as they are: `run` (the head, without its plan), `columns` and `rows`."""
    head = msgspec.to_builtins(cells.run)
    del head["plan"]
    return json.dumps({"run": head, "columns": dict(COLUMNS), "rows": rows(cells)}, indent=1, allow_nan=False) + "\n"


def _written(value: Value) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return _safe(value) if isinstance(value, str) else value


def _safe(text: str) -> str:
    """The text on one line, and no formula."""
    line = clean(text)
    return f"'{line}" if line.lstrip().startswith(FORMULA) else line
