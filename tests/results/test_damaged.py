"""A stored run with random damage is an error that names the file, or has an invalid or missing trial, or has the same
numbers. It is never a traceback."""

import contextlib
import io
import logging

import pytest

from bench import cli
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.long_table import rows
from bench.analysis.trials import stored
from bench.results import ResultsError
from tests._damage import damages
from tests._natures import NATURES
from tests._synthetic import instrumented, synthetic, write
from tests.report._pages import without_drawings

CHANGES = 400
EVERY = 12  # of those that can be read, every twelfth goes through all commands


@pytest.fixture
def folder(tmp_path):
    run, trials = instrumented(*synthetic(NATURES[2:5], blocks=1, troubles=False, twins=True))
    write(tmp_path, run, trials, "before")
    return write(tmp_path, run, trials, "run")


def table(cells):
    return {tuple(row.values()) for row in rows(cells)}


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
    outcomes = {"error": 0, "read": 0}
    unnamed: list[str] = []
    for damage in damages(folder, CHANGES, seed=1):
        try:
            table(Cells(*stored.load(folder)))
            outcomes["read"] += 1
            if outcomes["read"] % EVERY == 0:
                with without_drawings():
                    ended = list(commands(tmp_path, reports))
                assert all(code in (0, 1, 2) for _, code in ended), (damage.words, ended)
        except ResultsError as refusal:
            outcomes["error"] += 1
            unnamed += [damage.words] if str(folder) not in str(refusal) else []
        except Exception as error:
            raise AssertionError(f"{damage.path.name}: {damage.words}") from error
        damage.undo()
    assert unnamed == []
    assert outcomes["error"] > CHANGES // 3
