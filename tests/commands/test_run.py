"""How `bench run` ends."""

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.cli import parse
from bench.commands import _measuring, run


@pytest.mark.parametrize(
    ("words", "outcome", "code"),
    [([], 0, 0), ([], 3, 3), (["--exit-zero"], 3, 0), (["--exit-zero"], 0, 0), (["--exit-zero"], 1, 1)],
)
def test_a_cell_without_a_valid_trial_is_a_failure_unless_the_report_is_to_say_so(words, outcome, code, monkeypatch):
    begun = SimpleNamespace(store=SimpleNamespace(folder=Path("results/busy")))
    monkeypatch.setattr(_measuring, "alone", lambda options: nullcontext())
    monkeypatch.setattr(_measuring, "resumed", lambda options: begun)
    monkeypatch.setattr(_measuring, "carry_out", lambda run, options: outcome)
    assert run.run(parse(["run", "--resume", "busy", *words])) == code
