"""Figures have the style of the project, whatever matplotlib is told to do by the person's settings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests._natures import NATURES
from tests._synthetic import synthetic, write

ROOT = Path(__file__).parents[2]
STYLE = "lines.linewidth: 9\nfont.size: 30\nsvg.fonttype: path\nsavefig.bbox: tight\nfigure.dpi: 300\n"


def figures(run: Path, folder: Path, **settings: str) -> dict[str, bytes]:
    """The files of the figures of a report that was made in `folder`."""
    command = [sys.executable, "-m", "bench", "report", str(run), "--reports", str(folder / "reports")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | settings
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return {path.name: path.read_bytes() for path in (folder / "reports" / run.name / "figures").iterdir()}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("styled")
    return write(base / "results", *synthetic(NATURES[2:4], ["broadcast"], blocks=1, troubles=False))


@pytest.fixture(scope="module")
def plain(run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return figures(run, tmp_path_factory.mktemp("plain"))


@pytest.mark.parametrize("where", ["backend of a notebook", "working folder", "variable"])
def test_settings_of_the_person_change_no_figure(
    where: str, run: Path, plain: dict[str, bytes], tmp_path: Path
) -> None:
    settings = {}
    if where == "backend of a notebook":
        settings = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    elif where == "working folder":
        (tmp_path / "matplotlibrc").write_text(STYLE)
    else:
        (tmp_path / "my_style").write_text(STYLE + "backend: nonsense\n")
        settings = {"MATPLOTLIBRC": str(tmp_path / "my_style")}
    assert figures(run, tmp_path, **settings) == plain


def test_a_style_that_the_process_had_before_changes_no_figure(
    run: Path, plain: dict[str, bytes], tmp_path: Path
) -> None:
    code = (
        "import matplotlib; matplotlib.rcParams.update({'lines.linewidth': 9, 'font.size': 30});"
        " from bench.cli import main; import sys; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "report", str(run), "--reports", str(tmp_path / "reports")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=tmp_path, env=environment, timeout=300, check=True, capture_output=True)
    drawn = {path.name: path.read_bytes() for path in (tmp_path / "reports" / run.name / "figures").iterdir()}
    assert drawn == plain
