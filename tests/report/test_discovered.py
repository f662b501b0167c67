"""A figure and a section that are files outside the repository, named by the environment, stand in a report."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import discovery
from bench.report import figures
from tests._contributing import example
from tests._natures import NATURES
from tests._synthetic import synthetic, write


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run, made by the command with both folders in its environment."""
    folder = tmp_path_factory.mktemp("outside")
    for name, text in (
        ("figures/mine.py", example("The number of variants")),
        ("sections/added.py", example("The scenarios of the run")),
        ("sections/added.html.j2", "<p>Measured: {{ added|join(', ') }}.</p>\n"),
        ("sections/added.md.j2", "## Added\n\nMeasured: {{ added|join(', ') }}.\n\n"),
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    run = write(folder / "results", *synthetic(NATURES[2:4], ["broadcast"], blocks=1, troubles=False))
    command = [sys.executable, "-m", "bench", "report", str(run), "--reports", str(folder / "reports")]
    named = {"PUSHBENCH_FIGURES": str(folder / "figures"), "PUSHBENCH_SECTIONS": str(folder / "sections")}
    ended = subprocess.run(command, env=os.environ | named, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    return folder / "reports" / run.name / "index.html"


def test_a_figure_from_outside_is_drawn_and_stands_in_its_place(page: Path) -> None:
    files = [page.parent / "figures" / f"mine-broadcast.{kind}" for kind in ("svg", "png", "csv")]
    assert all(file.stat().st_size for file in files)
    assert files[-1].read_text(encoding="utf-8") == "variant\nsse\nwebsocket\n"
    text = page.read_text(encoding="utf-8")
    places = [text.index(f'<figure id="{name}-broadcast">') for name in ("tradeoff", "mine", "latency")]
    assert places == sorted(places)
    assert "What I want to see." in text


def test_a_section_from_outside_stands_in_its_place_and_in_the_navigation(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    places = [text.index(f'<section id="{name}">') for name in ("decision", "added", "claims")]
    assert places == sorted(places)
    assert '<a href="#added">Mine</a>' in text
    assert "<p>Measured: broadcast.</p>" in text
    assert "## Added\n\nMeasured: broadcast." in page.with_name("summary.md").read_text(encoding="utf-8")


def test_two_figures_of_one_name_are_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = figures.every()
    monkeypatch.setattr("bench.report.figures.latency.FIGURES", (first,))
    figures.every.cache_clear()
    with pytest.raises(discovery.DiscoveryError, match=f"2 figures are called {first.name}"):
        figures.every()
    monkeypatch.undo()
    figures.every.cache_clear()
    assert figures.every() == (first, *others)
