"""What a command that measures prints when it ends early: how to continue, where that is possible."""

import argparse
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.commands import _measuring
from bench.execution import run as runs
from bench.processes.interrupts import Ended
from bench.results import ResultsError, Store

OPTIONS = argparse.Namespace(command="run", no_wait=True)


def full_disk():
    try:
        raise OSError(28, "No space left on device")
    except OSError as error:
        raise ResultsError("cannot write a record: No space left on device") from error


def in_progress():
    raise ResultsError("mine is in progress: wait for the process that measures it")


def interrupted():
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("end", "error", "hint"),
    [(full_disk, ResultsError, True), (in_progress, ResultsError, False), (interrupted, KeyboardInterrupt, True)],
)
def test_a_run_that_ends_early_says_how_to_continue_it(monkeypatch, capsys, end, error, hint):
    monkeypatch.setattr(runs, "carry_out", lambda *_: end())
    begun = SimpleNamespace(store=Store(Path("results/mine")))
    with pytest.raises((error, Ended)):
        _measuring.carry_out(begun, OPTIONS)
    assert ("python -m bench run --resume mine" in capsys.readouterr().err) == hint
