"""A scenario, and one with faults, that are files outside the repository: listed, measured and reported by their file
alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.results import load
from tests._contributing import example

# `python -m bench` on a machine whose other work makes no trial invalid
EXCUSING = """
import sys
from bench.analysis.trials import findings
from bench.cli import main
from tests._noise import EXCUSED

findings.CHECKS = tuple(check for check in findings.CHECKS if check.name not in EXCUSED)
sys.exit(main(sys.argv[1:]))
"""


class Outside:
    """A folder with both scenarios, and `python -m bench` with it in its environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "scenarios").mkdir()
        (folder / "scenarios" / "pulse.py").write_text(example("Pulse"), encoding="utf-8")
        (folder / "scenarios" / "hiccup.py").write_text(example("Hiccup"), encoding="utf-8")

    def bench(self, *arguments: str, known: bool = True) -> str:
        """What the command prints."""
        named = {"PUSHBENCH_SCENARIOS": str(self.folder / "scenarios")} if known else {}
        command = [sys.executable, "-c", EXCUSING, *arguments]
        ended = subprocess.run(
            command, env=os.environ | named, capture_output=True, text=True, timeout=300, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    @property
    def run(self) -> Path:
        """The folder of the run."""
        return self.folder / "results" / "outside"

    def page(self) -> str:
        """The text of the report, without tags."""
        text = (self.folder / "reports" / "outside" / "index.html").read_text(encoding="utf-8")
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)).replace("\N{NO-BREAK SPACE}", " ")


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Outside:
    """One run of both scenarios, and its report."""
    outside = Outside(tmp_path_factory.mktemp("outside"))
    outside.bench(
        "run", "-v", "sse", "-s", "pulse", "-s", "hiccup", "--repetitions", "1", "--name", "outside", "--no-wait",
        "--results", str(outside.folder / "results"),
    )  # fmt: skip
    outside.bench("report", str(outside.run), "--reports", str(outside.folder / "reports"))
    return outside


def test_they_are_listed_with_their_question(outside: Outside) -> None:
    lines = outside.bench("list")
    assert "Pulse: a slow broadcast to a few subscribers." in lines
    assert "Hiccup: the server stops for a moment" in lines


def test_they_are_measured(outside: Outside) -> None:
    _, trials = load(outside.run)
    by_scenario = {trial.planned.scenario: trial for trial in trials if trial.planned.variant == "sse"}
    assert all(trial.failure is None for trial in trials)
    assert by_scenario["pulse"].ledger.delivered
    outage = by_scenario["hiccup"].outage
    assert outage is not None
    assert outage.ended_ns - outage.began_ns >= 0.3e9


def test_a_plain_one_has_its_load_and_its_paragraph(outside: Outside) -> None:
    page = outside.page()
    assert "Pulse: 8 messages/s to each of 3 subscribers" in page
    assert re.search(r"Median latency of a pulse for 3 subscribers: [^.]*SSE", page)


def test_one_with_faults_has_its_row_its_paragraph_and_its_figure(outside: Outside) -> None:
    page = outside.page()
    assert "The server of 3 subscribers was stopped for 300 ms." in page
    assert "From the end of the hiccup until every subscriber received messages again, it took" in page
    assert "server hiccup" in (outside.folder / "reports" / "outside" / "summary.md").read_text(encoding="utf-8")
    assert (outside.folder / "reports" / "outside" / "figures" / "away-hiccup.svg").stat().st_size


def test_a_run_is_reported_where_their_files_are_not_known(outside: Outside) -> None:
    outside.bench("report", str(outside.run), "--reports", str(outside.folder / "reports"), known=False)
    page = outside.page()
    assert "pulse" in page
    assert "Server hiccup" not in page
