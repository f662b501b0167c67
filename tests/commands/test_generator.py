"""The comparison of load generators as a command: what is refused before it, and the exit code after it."""

import errno
import os

import pytest

from bench import cli, generators
from bench.generators import Candidate
from bench.measure import machine
from tests.generators.test_generators import ABSENT, K6, OURS, OVERRUN, comparison
from tests.results.test_store import fail


@pytest.fixture
def bench(monkeypatch, capsys):
    """`python -m bench generator` with what `compare` returns; without it, nothing may be measured."""
    handlers = []
    monkeypatch.setattr(cli, "raise_on_signals", lambda: handlers)

    def run(*arguments, rows=()):
        def compare(*_):
            assert rows, "the measurement began"
            return comparison(*rows)

        monkeypatch.setattr(generators, "compare", compare)
        code = cli.main(["generator", *arguments])
        return code, *capsys.readouterr()

    return run


@pytest.mark.parametrize(
    ("rows", "code"), [((OURS, K6), 0), ((OURS, ABSENT), 0), ((OURS, OVERRUN), 3), ((OVERRUN, ABSENT), 3)]
)
def test_the_exit_code_says_that_a_generator_that_is_here_could_not_be_measured(bench, rows, code):
    ended, printed, _ = bench("--only", "on websocket", rows=rows)
    assert ended == code
    assert ("not measured: slow on websocket" in printed) == (code == 3)


def test_a_comparison_that_failed_in_part_is_stored(bench, tmp_path):
    code, printed, _ = bench("--only", "on websocket", "--json", str(tmp_path / "one.json"), rows=(OURS, OVERRUN))
    assert code == 3
    assert "raw measurements" in printed
    assert [path.name for path in tmp_path.iterdir()] == ["one.json"]


@pytest.mark.parametrize(
    ("arguments", "ports", "words"),
    [
        (["--only", "Pushbench", "--subscribers", "285"], 300, "285 ports for 285 subscribers, but 284 of 300"),
        (["--only", "greenlet", "--subscribers", "285"], 300, "use at most 284 (--subscribers)"),
        (["--only", "greenlet", "--subscribers", "15000"], 14_000, "need 15000 ports"),
    ],
)
def test_more_subscribers_than_ports_are_refused_before_anything_starts(bench, monkeypatch, arguments, ports, words):
    monkeypatch.setattr(machine, "ephemeral_ports", lambda: ports)
    monkeypatch.setattr(machine, "raise_descriptor_limit", lambda needed: needed)
    monkeypatch.setattr(Candidate, "missing", lambda _: None)
    code, _, mistake = bench(*arguments)
    assert code == 2
    assert words in mistake
    assert len(mistake.strip().splitlines()) == 1


def test_our_generator_spreads_its_subscribers_over_addresses_and_another_does_not():
    load = generators.Load(subscribers=15_000)
    ports = {
        one.label: [route.ports for route in one.needs(load).routes] for one in generators.candidates(["websocket"])
    }
    assert ports.pop(generators.OURS) == [10_000, 5_000]
    assert set(map(tuple, ports.values())) == {(15_000,)}


def test_more_subscribers_than_open_files_are_refused(bench, monkeypatch):
    monkeypatch.setattr(machine, "raise_descriptor_limit", lambda _: 1024)
    code, _, mistake = bench("--only", "on websocket")
    assert code == 2
    assert "1000 subscribers need 1256 open files per process, but the limit is 1024" in mistake


def test_without_any_generator_that_can_run_here_nothing_is_measured(bench, monkeypatch):
    monkeypatch.setattr(Candidate, "missing", lambda _: "it is not installed")
    code, _, mistake = bench("--only", "k6")
    assert code == 2
    assert mistake.strip() == "bench generator: k6, one virtual user on websocket: it is not installed"


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_measured(bench, tmp_path, monkeypatch, error):
    monkeypatch.setattr(os, "link", fail(error))
    code, _, mistake = bench("--only", "on websocket", "--json", str(tmp_path / "one.json"))
    assert code == 2
    assert f"cannot write {tmp_path / 'one.json'}: {os.strerror(error)}" in mistake
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_exists_is_refused_before_anything_is_measured(bench, tmp_path):
    (tmp_path / "one.json").write_text("older")
    code, _, mistake = bench("--only", "on websocket", "--json", str(tmp_path / "one.json"))
    assert code == 2
    assert "exists already" in mistake


@pytest.mark.parametrize(
    "arguments", [["--subscribers", "100001"], ["--subscribers", "0"], ["--repetitions", "1001"], ["--rate", "nan"]]
)
def test_a_number_out_of_bounds_is_refused_with_the_bounds(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.parse(["generator", *arguments])
    assert ended.value.code == 2
    assert "must be" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--repetitions", "1001"],
        ["run", "--workers", "0"],
        ["calibrate", "--repetitions", "100000"],
        ["sensitivity", "--blocks", "1000000"],
    ],
)
def test_more_than_a_record_can_hold_is_refused_with_the_bounds(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.parse(arguments)
    assert ended.value.code == 2
    assert "must be" in capsys.readouterr().err
