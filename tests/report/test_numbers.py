"""The table of a run as CSV and JSON: the numbers of the cells, every trial, and nothing that acts."""

import csv
import io
import json

import msgspec
import pytest

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.long_table import COLUMNS, PARAMETERS
from bench.analysis.trials.metrics import METRICS
from bench.report.numbers import FORMULA, csv_text, json_text
from tests._natures import NATURES
from tests._synthetic import HOSTILE, hostile, instrumented, synthetic
from tests.report._pages import worded


@pytest.fixture(scope="module")
def cells():
    return Cells(*instrumented(*synthetic(twins=True)))


def of_csv(cells):
    return list(csv.DictReader(io.StringIO(csv_text(cells))))


def test_the_columns_are_those_that_are_explained(cells):
    rows = of_csv(cells)
    assert list(rows[0]) == list(COLUMNS)
    assert set(PARAMETERS) <= set(COLUMNS)
    assert list(json.loads(json_text(cells))["rows"][0]) == list(COLUMNS)


def test_the_numbers_are_those_of_the_cells(cells):
    """What a reader of the file gets who takes the rows that reports take."""
    blocks = {}
    for row in sorted(of_csv(cells), key=lambda row: row["trial"]):
        if row["valid"] == "true" and row["hidden"] == "false" and row["changes"] == "" and row["value"] != "":
            cell = blocks.setdefault((row["metric"], row["scenario"], row["variant"]), {})
            cell.setdefault(int(row["block"]), float(row["value"]))
    seen = 0
    for metric in METRICS:
        for scenario in cells.scenarios:
            for variant in cells.measured(scenario):
                expected = cells.by_block(metric, scenario, variant.name)
                assert blocks.get((metric, scenario, variant.name), {}) == expected
                seen += len(expected)
    assert seen > 500


def test_json_holds_the_same_records_and_the_head_of_the_run(cells):
    held = json.loads(json_text(cells))
    assert held["run"]["name"] == cells.run.name
    assert held["run"]["environment"]["facts"]["cpu"] == "Example CPU"
    assert "plan" not in held["run"]
    assert held["columns"] == dict(COLUMNS)
    for one, other in zip(of_csv(cells), held["rows"], strict=True):
        assert one["trial"] == other["trial"]
        assert one["valid"] == str(other["valid"]).lower()
        assert (one["value"] == "") is (other["value"] is None)
        assert other["value"] is None or float(one["value"]) == other["value"]
        assert one["subscribers"] == ("" if other["subscribers"] is None else str(other["subscribers"]))


def test_nothing_is_left_out(cells):
    rows = of_csv(cells)
    assert {row["trial"] for row in rows} == {trial.planned.id for trial in cells.trials}
    failed = [row for row in rows if row["failure"]]
    assert failed
    assert all(row["valid"] == "false" and row["value"] == "" for row in failed)
    assert {row["findings"] for row in rows} == {"", "lost messages"}
    assert {row["trial"] for row in rows if row["twin"] == "true"} == {
        trial.planned.id for trial in cells.trials if trial.planned.id.endswith("-twin")
    }
    assert {row["variant"] for row in rows if row["hidden"] == "true"} == {"null", "calibration"}


def test_points_of_a_sweep_say_in_what_they_differ():
    run, trials = synthetic(NATURES[2:4], ["broadcast"], troubles=False)
    planned = msgspec.structs.replace(trials[0].planned, changes={"rate_hz": 40.0})
    rows = of_csv(Cells(run, [msgspec.structs.replace(trials[0], planned=planned), *trials[1:]]))
    assert {row["trial"]: row["changes"] for row in rows if row["changes"]} == {planned.id: "rate_hz=40.0"}


@pytest.mark.parametrize("label", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r\n=1", "\u202e=1", "\uff1d1"])
def test_a_label_that_a_spreadsheet_would_take_for_a_formula_is_made_a_text(label):
    run, trials = synthetic(NATURES[2:3], ["idle"], blocks=1, troubles=False)
    run = msgspec.structs.replace(run, variants=[msgspec.structs.replace(run.variants[0], label=label)])
    cells = Cells(run, trials)
    (written,) = {row["label"] for row in of_csv(cells)}
    assert written.startswith("'")
    assert not written.lstrip().startswith(FORMULA)
    (kept,) = {row["label"] for row in json.loads(json_text(cells))["rows"]}
    assert kept == label


def test_hostile_strings_stay_in_their_column():
    cells = Cells(*hostile(NATURES[2:5], blocks=2))
    rows = of_csv(cells)
    assert all(None not in row and None not in row.values() for row in rows)
    assert len(csv_text(cells).splitlines()) == len(rows) + 1
    assert any(row["findings"] and "\u202e" not in row["findings"] for row in rows)
    assert json.loads(json_text(cells))["rows"][0]["label"].endswith(HOSTILE)


def test_negative_numbers_stay_numbers():
    run, trials = synthetic(NATURES[2:3], ["idle"], blocks=1, troubles=False)
    steps = [msgspec.structs.replace(step, subscribers=400 - step.subscribers) for step in trials[0].idle]
    rows = of_csv(Cells(run, [msgspec.structs.replace(trials[0], idle=steps)]))
    (memory,) = (row["value"] for row in rows if row["metric"] == "connection_memory")
    assert float(memory) < 0


def test_the_table_stands_beside_the_page(tmp_path):
    run, trials = synthetic(NATURES[2:4], ["broadcast"], troubles=False)
    page = worded(tmp_path, run, trials)
    assert (page.parent / "numbers.csv").read_text(encoding="utf-8") == csv_text(Cells(run, trials))
