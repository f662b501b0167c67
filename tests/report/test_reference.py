"""The report of the reference run that stands in version control has the numbers of its stored records."""

import csv
import io
import re
from pathlib import Path

import pytest

from bench.analysis.runs.cells import Cells
from bench.report import numbers
from bench.report.figures import drawn
from bench.results import load

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "reports" / "reference"
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")


@pytest.fixture(scope="module")
def cells():
    return Cells(*load(ROOT / "results" / "reference"))


def table(text):
    """Every cell of a CSV that is a number, as it is written, by row and column; any other as None."""
    rows = csv.reader(io.StringIO(text))
    return [[cell if NUMBER.fullmatch(cell) else None for cell in row] for row in rows]


def test_the_long_table_has_the_same_numbers(cells):
    stored = table((REPORT / numbers.FILE).read_text(encoding="utf-8"))
    assert len(stored) > 10_000
    assert table(numbers.csv_text(cells)) == stored


def test_every_figure_has_the_same_numbers(cells):
    stored = {path.stem: table(path.read_text(encoding="utf-8")) for path in (REPORT / "figures").glob("*.csv")}
    assert len(stored) > 40
    assert {figure.name: table(figure.csv) for figure in drawn(cells)} == stored
