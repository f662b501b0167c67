"""A variant outside the repository is listed, verified, measured and reported like any other, with its origin."""

import os
import subprocess
import sys

import pytest

from bench.results import load

SERVER = '''"""Polling that lies outside the repository."""

from flask import Flask, Response

from servers import Broker, Capability, Technique, Variant, routes


def serve(app: Flask, broker: Broker) -> None:
    @app.get("/poll")
    def poll() -> Response:
        return routes.reply(broker.read(routes.topic(), routes.after()))

    @app.post("/publish")
    def publish() -> tuple[str, int]:
        return routes.publish(broker)


VARIANT = Variant(
    label="Polling elsewhere",
    technique=Technique.POLLING,
    client="polling",
    wire={"subscribe": "/poll?topic={topic}", "upstream": "/publish?topic={topic}"},
    serve=serve,
    capabilities=frozenset({Capability.RESUME}),
    runs_on=("flask",),
)
'''
BRIEFLY = ["-s", "broadcast", "--repetitions", "1", "--name", "brief", "--set", "subscribers=3", "--set",
           "measure_s=0.3", "--set", "warm_up_s=0.1"]  # fmt: skip


def as_file(folder):
    """The file alone, to be named by its path."""
    (folder / "elsewhere.py").write_text(SERVER)
    return str(folder / "elsewhere.py"), {}, "file elsewhere.py"


def as_folder(folder):
    """A folder that the environment names."""
    as_file(folder)
    return "elsewhere", {"PUSHBENCH_VARIANTS": str(folder)}, f"folder {folder.name}"


def as_package(folder):
    """An installed package with an entry point."""
    (folder / "pushy.py").write_text(SERVER)
    about = folder / "pushy-1.2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: pushy\nVersion: 1.2\n")
    (about / "entry_points.txt").write_text("[pushbench.variants]\nelsewhere = pushy\n")
    return "elsewhere", {"PYTHONPATH": str(folder)}, "package pushy 1.2"


@pytest.fixture(params=[as_file, as_folder, as_package], ids=["file", "folder", "package"])
def outside(request, tmp_path):
    """`python -m bench` with a variant outside, the word that names it, and its origin."""
    word, environment, origin = request.param(tmp_path)

    def bench(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "bench", *arguments], capture_output=True, text=True, timeout=100, check=False,
            env=os.environ | environment,
        )  # fmt: skip

    return bench, word, origin


def test_it_is_listed_with_its_origin_unless_it_is_named_by_a_path(outside):
    bench, word, origin = outside
    lines = bench("list").stdout.splitlines()
    listed = [lines[number : number + 2] for number, line in enumerate(lines) if line.startswith("  elsewhere ")]
    named = [[f"  {'elsewhere':<24} Polling that lies outside the repository.", f"  {'':<24} from {origin}"]]
    assert listed == ([] if word.endswith(".py") else named)


def test_it_passes_the_gate(outside):
    bench, word, _ = outside
    ended = bench("verify", word)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout == f"{'elsewhere':<24} 15 of 15 checks passed\n"


def test_it_is_measured_and_reported_with_its_origin_and_without_a_path(outside, tmp_path):
    bench, word, origin = outside
    ended = bench("run", "-v", word, *BRIEFLY, "--report", "--results", str(tmp_path / "results"), "--reports",
                  str(tmp_path / "reports"))  # fmt: skip
    assert ended.returncode in (0, 3), ended.stdout + ended.stderr
    run, trials = load(tmp_path / "results" / "brief")
    assert {fact.name: fact.origin for fact in run.variants} == {"elsewhere": origin, "null": "", "calibration": ""}
    assert [trial.failure for trial in trials if trial.planned.variant == "elsewhere"] == [None]
    page = (tmp_path / "reports" / "brief" / "index.html").read_text(encoding="utf-8")
    assert f"elsewhere, from {origin};" in page


def test_a_run_is_resumed_only_where_its_variant_is_found(outside, tmp_path):
    bench, word, origin = outside
    results = ["--results", str(tmp_path / "results"), "--reports", str(tmp_path / "reports")]
    bench("run", "-v", word, *BRIEFLY, *results)
    (left,) = (tmp_path / "results" / "brief" / "trials").glob("01-broadcast-elsewhere.json")
    left.unlink()
    missing = subprocess.run(
        [sys.executable, "-m", "bench", "run", "--resume", "brief", *results], capture_output=True, text=True,
        timeout=100, check=False,
    )  # fmt: skip
    assert missing.returncode == 2
    assert f"brief measures elsewhere from {origin}, which is not here: add -v PATH/TO/elsewhere.py" in missing.stderr
    assert len(missing.stderr.splitlines()) == 1
    assert bench("run", "--resume", "brief", "-v", word, *results).returncode in (0, 3)
    assert left.exists()


@pytest.mark.parametrize("command", [["verify"], ["run", "-s", "broadcast", "-v"]])
@pytest.mark.parametrize(
    ("text", "reason"),
    [("def (:\n", "SyntaxError: invalid syntax"), ("", "it defines no VARIANT"), ("1 / 0\n", "ZeroDivisionError")],
)
def test_a_file_that_cannot_be_loaded_is_an_error_of_one_line(tmp_path, command, text, reason):
    (tmp_path / "broken.py").write_text(text)
    ended = subprocess.run(
        [sys.executable, "-m", "bench", *command, str(tmp_path / "broken.py")], capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert "broken.py" in ended.stderr
    assert reason in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_name_that_is_taken_and_a_protocol_that_is_unknown_are_reported_in_one_line(tmp_path):
    (tmp_path / "sse.py").write_text(SERVER)
    (tmp_path / "elsewhere.py").write_text(SERVER.replace('client="polling"', 'client="pollling"'))

    def verify(name):
        return subprocess.run(
            [sys.executable, "-m", "bench", "verify", str(tmp_path / name)], capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip

    taken = verify("sse.py")
    assert (taken.returncode, taken.stdout) == (2, "")
    assert (
        taken.stderr == "bench verify: two variants are called 'sse' (servers/ and file sse.py); rename one of them\n"
    )
    unknown = verify("elsewhere.py")
    assert unknown.returncode == 1
    assert "no client half 'pollling'" in unknown.stdout
