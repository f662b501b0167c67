"""`python -m bench advise`: its arguments, its output, its exit code."""

from __future__ import annotations

import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cli import parse
from bench.commands import _quantities, advise
from bench.planning.request import Refused
from tests._natures import NATURES
from tests._priced import PRICES, priced
from tests._synthetic import HOSTILE, synthetic, write

ARGUMENTS = {
    "subscribers": "100", "rate": "10", "payload": "200", "upstream_rate": "0", "max_staleness": "2s", "fan_out": None,
    "cores": None,
}  # fmt: skip


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", "advise", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    write(folder, *priced(), "priced")
    write(folder / "bare", *synthetic(NATURES[2:4], troubles=False), "bare")
    return folder


@given(st.integers(1, 10**6), st.sampled_from([("s", 1.0), ("ms", 0.001), ("", 1.0), ("min", 60.0)]))
def test_a_duration_is_its_number_in_its_unit(number: int, unit: tuple[str, float]) -> None:
    assert _quantities.seconds(f"{number}{unit[0]}") == pytest.approx(number * unit[1])


@given(st.integers(1, 10**6), st.sampled_from([("B", 1), ("kB", 1000), ("", 1), ("KiB", 1024), ("MB", 10**6)]))
def test_a_size_is_its_number_in_its_unit(number: int, unit: tuple[str, int]) -> None:
    assert _quantities.size(f"{number} {unit[0]}") == number * unit[1]


@given(st.sampled_from(sorted(advise.READERS)), st.text(max_size=12))
def test_whatever_is_typed_is_a_need_or_a_refusal_of_one_line(option: str, typed: str) -> None:
    try:
        need = advise.need_of(Namespace(**{**ARGUMENTS, option: typed}))
    except Refused as refused:
        output = str(refused.args[0])
    else:
        output = "--" if need.subscribers >= need.fan_out >= 1 else "a need that cannot be"
    assert output.startswith("--")
    assert len(output.splitlines()) == 1


def test_a_message_goes_to_all_subscribers_by_default() -> None:
    assert advise.need_of(Namespace(**{**ARGUMENTS, "subscribers": "5,000"})).fan_out == 5000
    assert advise.need_of(Namespace(**{**ARGUMENTS, "fan_out": "1"})).fan_out == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["--max-staleness", "soon"], "--max-staleness takes a duration such as 2s or 500ms, not 'soon'"),
        (["--payload", "2 furlongs"], "--payload takes bytes such as 300 or 2kB"),
        (["--subscribers", "many"], "--subscribers takes a whole number, not 'many'"),
        (["--fan-out", "9999"], "--fan-out takes 1 to 5,000, not 9999"),
        (["--rate", "0"], "--rate takes"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(results: Path, changes: list[str], message: str) -> None:
    ended = bench("priced", "--results", str(results), "--subscribers", "5000", *changes)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert message in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_without_subscribers_nothing_can_be_advised(results: Path) -> None:
    ended = bench("--results", str(results))
    assert ended.returncode == 2
    assert "--subscribers is missing" in ended.stderr


def test_a_run_without_sweeps_is_refused_with_the_command(results: Path) -> None:
    ended = bench("--results", str(results / "bare"), "--subscribers", "100")
    assert ended.returncode == 2
    assert "python -m bench run --sweep broadcast." in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_the_advice_of_a_run_is_a_table_with_its_reasons(results: Path) -> None:
    ended = bench("priced", "--results", str(results), "--subscribers", "100", "--rate", "10", "--payload", "200")
    assert (ended.returncode, ended.stderr) == (0, "")
    output = ended.stdout
    table = [line for line in output.splitlines() if line.startswith("|")]
    assert len(table) == 2 + len(PRICES)
    assert len({line.count("|") for line in table}) == 1
    for words in ("Typical error of a prediction:", "True of all that do not say otherwise:", "comes first with",
                  "One server process uses one core"):  # fmt: skip
        assert words in output


def test_the_newest_run_is_used_by_default(results: Path) -> None:
    assert bench("--results", str(results), "--subscribers", "10").stdout.startswith("Advice from run")


def test_nothing_that_meets_the_need_is_exit_code_1(results: Path) -> None:
    ended = bench("priced", "--results", str(results), "--subscribers", "100", "--max-staleness", "1ms")
    assert ended.returncode == 1
    assert "Nothing that was measured meets this need." in ended.stdout
    crowded = bench("priced", "--results", str(results), "--subscribers", "90000", "--rate", "10", "--max-staleness",
                    "60s", "--cores", "1")  # fmt: skip
    assert crowded.returncode == 1
    assert "cores; there is 1" in crowded.stdout


def test_the_conclusion_stands_before_the_table(results: Path) -> None:
    output = bench("priced", "--results", str(results), "--subscribers", "100", "--rate", "10").stdout
    first, product, table = (output.index(words) for words in ("comes first", "Best off the shelf:", "\n| rank"))
    assert first < product < table
    assert "write it yourself, see servers/sse.py" in output
    assert "pip install Flask-SocketIO" in output


def test_hostile_labels_do_not_reach_the_terminal(tmp_path: Path) -> None:
    folder = write(tmp_path, *priced(PRICES[2:4], label=HOSTILE))
    output, met = advise.advised(folder, advise.need_of(Namespace(**ARGUMENTS)))
    assert met
    assert "\x07" not in output
    assert "\u202e" not in output


def examples() -> list[list[str]]:
    output = subprocess.run(
        [sys.executable, "-m", "bench", "advise", "--help"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    return [line.split()[3:] for line in output.splitlines() if line.startswith("  python -m bench advise")]


def test_the_examples_of_the_help_can_be_typed() -> None:
    commands = examples()
    assert len(commands) >= 3
    for words in commands:
        options = parse(words)
        assert advise.need_of(options).subscribers > 0
