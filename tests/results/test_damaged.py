"""A stored run with random damage is an error that names the file, or has an invalid or missing trial, or has the same
numbers. It is never a traceback.

Files of before there were checksums can hold a changed number that contradicts no other; these are tested, too.
"""

import contextlib
import io
import json
import logging

import pytest

from bench import cli
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.long_table import rows
from bench.analysis.trials import stored
from bench.results import CHECKSUM, ResultsError
from tests._damage import damages, without_checksum
from tests._natures import NATURES
from tests._synthetic import instrumented, synthetic, write
from tests.report._pages import without_drawings

CHANGES = 200
EVERY = 12  # of those that can be read, every twelfth goes through all commands


@pytest.fixture(params=["with checksums", "without checksums"])
def folder(request, tmp_path):
    run, trials = instrumented(*synthetic(NATURES[2:5], blocks=1, troubles=False, twins=True))
    write(tmp_path, run, trials, "before")
    folder = write(tmp_path, run, trials, "run")
    if request.param == "without checksums":
        for path in folder.rglob("*.json"):
            path.write_text(json.dumps(without_checksum(path)), encoding="utf-8")
    return folder


def valid_numbers(folder):
    """The rows of the long table that are of valid trials. Where one of twins is missing, the other takes its place."""
    table = [{**row, "twin": None} for row in rows(Cells(*stored.load(folder))) if row["valid"]]
    return {tuple(row.values()) for row in table}


def commands(results, reports):
    """(words, exit code) of every command that reads a run; raises what is not an error of the person."""
    arguments = {
        "report": ["run", "--reports", str(reports)],
        "compare": ["before", "run", "--reports", str(reports)],
        "export": ["run", "--json", "--out", str(reports / "out.json")],
        "advise": ["run", "--subscribers", "1000", "--rate", "1"],
    }
    for command, words in arguments.items():
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield command, cli.main([command, *words, "--results", str(results)])


def test_random_damage_is_an_error_or_flagged_and_never_a_traceback(folder, tmp_path, caplog):
    caplog.set_level(logging.CRITICAL)
    reports = tmp_path / "reports"
    reports.mkdir()
    outcomes, before = {"error": 0, "read": 0}, valid_numbers(folder)
    checked = CHECKSUM in json.loads((folder / "run.json").read_text())
    unnamed: list[str] = []
    for damage in damages(folder, CHANGES, seed=1):
        try:
            numbers = valid_numbers(folder)
            outcomes["read"] += 1
            assert not checked or numbers <= before, damage.words
            if outcomes["read"] % EVERY == 0:
                with without_drawings():
                    ended = list(commands(tmp_path, reports))
                assert all(code in (0, 1, 2) for _, code in ended), (damage.words, ended)
        except AssertionError:
            raise
        except ResultsError as refusal:
            outcomes["error"] += 1
            unnamed += [damage.words] if str(folder) not in str(refusal) else []
        except Exception as error:
            raise AssertionError(f"{damage.path.name}: {damage.words}") from error
        damage.undo()
    assert unnamed == []
    assert outcomes["error"] > CHANGES // 3
