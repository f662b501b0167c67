"""The commands that read results, for a person and for a pipeline."""

import errno
import json
import signal
import subprocess
import sys
import webbrowser
from pathlib import Path

import msgspec
import pytest

from bench import cli
from tests._natures import NATURES
from tests._synthetic import synthetic, write
from tests.report.test_comparison import dearer
from tests.results.test_store import fail

CHOSEN = NATURES[:5]


def stored(folder, name, factor=1.0, seed=1, blocks=5, **environment):
    run, trials = synthetic(CHOSEN, ["broadcast"], blocks, seed, troubles=False, twins=True, harness=True)
    environment = msgspec.structs.replace(run.environment, **environment)
    run = msgspec.structs.replace(run, name=name, environment=environment)
    return write(folder, run, dearer(trials, "sse", factor), name)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stored") / "results"
    stored(folder, "before")
    stored(folder, "same", seed=2)
    stored(folder, "slow", 1.6, seed=3)
    stored(folder, "short", blocks=1)
    facts = {**synthetic(CHOSEN, ["broadcast"], 1)[0].environment.facts, "kernel": "6.99", "cpu": "Other"}
    stored(folder, "elsewhere", facts=facts)
    return folder


@pytest.fixture
def bench(results, tmp_path, capsys):
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*arguments, reports=True):
        code = cli.main([*arguments, "--results", str(results), *(["--reports", str(tmp_path)] if reports else [])])
        return code, *capsys.readouterr()

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_a_comparison_without_a_regression_exits_with_0(bench, tmp_path):
    code, printed, _ = bench("compare", "before", "same")
    assert code == 0
    assert printed.startswith("**No regression in ")
    assert (tmp_path / "compare-before-same" / "index.html").is_file()
    assert printed.strip().splitlines()[-1].endswith("index.html")


def test_a_regression_exits_with_1_and_names_the_cell(bench):
    code, printed, _ = bench("compare", "before", "slow")
    assert code == 1
    assert "| broadcast | sse | server and broker CPU per delivered message |" in printed


def test_in_the_other_direction_it_is_an_improvement(bench):
    code, printed, _ = bench("compare", "slow", "before")
    assert code == 0
    assert "1 improvement" in printed


def test_a_run_can_be_named_by_its_folder(bench, results):
    assert bench("compare", str(results / "before"), str(results / "slow"))[0] == 1


def test_a_choice_judges_that_alone(bench):
    assert bench("compare", "before", "slow", "--variant", "websocket")[0] == 0
    assert bench("compare", "before", "slow", "--metric", "wire")[0] == 0
    assert bench("compare", "before", "slow", "--metric", "server_cpu", "-v", "sse")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["before", "samee"], "did you mean 'same'"),
        (["before", "slow", "--metric", "cpuu"], "did you mean 'cpu'"),
        (["before", "slow", "--variant", "ssse"], "did you mean 'sse'"),
        (["before", "elsewhere"], "cpu: Example CPU -> Other; kernel: 6.18 -> 6.99 (--force compares them"),
        (["before", "short"], "nothing could be judged"),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_exit_code_2(bench, arguments, message):
    code, _, mistake = bench("compare", *arguments)
    assert code == 2
    assert message in mistake
    assert len(mistake.strip().splitlines()) == 1


def test_force_compares_them_and_reports_it(bench):
    code, printed, _ = bench("compare", "before", "elsewhere", "--force")
    assert code == 0
    assert "Forced comparison" in printed
    assert "kernel: 6.18" in printed


def test_a_damaged_run_is_named(bench, results, tmp_path):
    (tmp_path / "broken" / "trials").mkdir(parents=True)
    head = json.loads((results / "before" / "run.json").read_text())
    (tmp_path / "broken" / "run.json").write_text(json.dumps({**head, "schema": 1}))
    code, _, mistake = bench("compare", "before", str(tmp_path / "broken"))
    assert code == 2
    assert "has schema 1; this version of Pushbench reads" in mistake


def test_an_export_goes_to_standard_output_or_to_a_file(results, tmp_path):
    def export(*arguments):
        command = [sys.executable, "-m", "bench", "export", "before", "--results", str(results), *arguments]
        ended = subprocess.run(command, capture_output=True, timeout=60, check=False)
        assert (ended.returncode, ended.stderr) == (0, b"")
        return ended.stdout

    table = export()
    assert table.startswith(b"run,commit,scenario,")
    assert export("--csv", "--out", str(tmp_path / "t.csv")) == b""
    assert (tmp_path / "t.csv").read_bytes() == table
    assert json.loads(export("--json"))["run"]["name"] == "before"


def test_an_export_that_cannot_be_written_is_one_line(bench, tmp_path):
    code, _, mistake = bench("export", "before", "--out", str(tmp_path / "no" / "t.csv"), reports=False)
    assert code == 2
    assert "cannot write" in mistake


def test_an_export_that_fails_leaves_the_older_file_as_it_was(bench, tmp_path, monkeypatch):
    (tmp_path / "t.csv").write_text("older")
    monkeypatch.setattr(Path, "write_bytes", fail(errno.ENOSPC))
    code, _, mistake = bench("export", "before", "--out", str(tmp_path / "t.csv"), reports=False)
    assert code == 2
    assert "cannot write" in mistake
    assert "No space left" in mistake
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("t.csv", "older")]


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="there is no /dev/stdout")
def test_an_export_to_dev_stdout_goes_to_standard_output(results, tmp_path):
    command = [sys.executable, "-m", "bench", "export", "before", "--results", str(results)]
    with (tmp_path / "redirected").open("wb") as redirected:
        subprocess.run([*command, "--out", "/dev/stdout"], stdout=redirected, timeout=60, check=True)
    piped = subprocess.run([*command, "--out", "/dev/stdout"], stdout=subprocess.PIPE, timeout=60, check=True).stdout
    table = subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=True).stdout
    assert piped == (tmp_path / "redirected").read_bytes() == table


def test_prose_that_cannot_be_written_is_one_line_and_stays_as_it_was(bench, tmp_path, monkeypatch):
    prose = tmp_path / "README.md"
    prose.write_text("<!-- the comparison: begin -->\nolder\n<!-- the comparison: end -->\n")
    monkeypatch.setattr("bench.files.replace", fail(errno.ENOSPC))
    code, _, mistake = bench("report", "before", "--prose", str(prose))
    assert code == 2
    assert "No space left" in mistake
    assert "older" in prose.read_text()


def test_an_export_whose_reader_stops_early_prints_no_traceback(results):
    command = f"{sys.executable} -m bench export before --json --results {results} | head -c 10"
    ended = subprocess.run(command, shell=True, capture_output=True, timeout=60, check=False)
    assert ended.stderr == b""


def test_the_report_is_opened_and_its_place_is_printed(bench, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or True)
    code, printed, _ = bench("report", "before", "--open")
    page = tmp_path / "before" / "index.html"
    assert code == 0
    assert printed == f"report: {page}\n"
    assert opened == [page.as_uri()]


@pytest.mark.parametrize("answer", [lambda _: False, lambda _: (_ for _ in ()).throw(webbrowser.Error("none"))])
def test_without_a_browser_the_report_says_so_in_a_line(bench, monkeypatch, answer):
    monkeypatch.setattr(webbrowser, "open", answer)
    code, printed, _ = bench("report", "before", "--open")
    assert code == 0
    assert printed.splitlines()[1:] == ["there is no browser here to open it in"]


def test_a_report_of_a_run_that_is_not_there_hints_at_the_nearest(bench):
    code, _, mistake = bench("report", "befor")
    assert code == 2
    assert "did you mean 'before'" in mistake
