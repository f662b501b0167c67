"""Variants outside the repository are listed, verified, measured and reported like any other, with their origin."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

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
BRIEFLY = ["--no-wait", "--profile", "quick", "-s", "broadcast", "--name", "brief", "--set", "subscribers=3",
           "--set", "measure_s=0.3", "--set", "warm_up_s=0.1"]  # fmt: skip


@dataclass(frozen=True)
class Outside:
    """A variant outside the repository: the word that names it, the environment in which it is found, its origin."""

    name: str
    word: str
    origin: str
    environment: Mapping[str, str] = field(default_factory=dict)


def as_file(folder: Path) -> Outside:
    """The file alone, to be named by its path."""
    (folder / "alone.py").write_text(SERVER)
    return Outside("alone", str(folder / "alone.py"), "file alone.py")


def as_folder(folder: Path) -> Outside:
    """A folder that the environment names."""
    (folder / "elsewhere.py").write_text(SERVER)
    return Outside("elsewhere", "elsewhere", f"folder {folder.name}", {"PUSHBENCH_VARIANTS": str(folder)})


def as_package(folder: Path) -> Outside:
    """An installed package with an entry point."""
    (folder / "pushy.py").write_text(SERVER)
    about = folder / "pushy-1.2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: pushy\nVersion: 1.2\n")
    (about / "entry_points.txt").write_text("[pushbench.variants]\npackaged = pushy\n")
    return Outside("packaged", "packaged", "package pushy 1.2", {"PYTHONPATH": str(folder)})


WAYS: dict[str, Callable[[Path], Outside]] = {"file": as_file, "folder": as_folder, "package": as_package}


@pytest.fixture(scope="module")
def everywhere(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outside]:
    """One variant of every origin, by how it comes."""
    return {way: made(tmp_path_factory.mktemp(way)) for way, made in WAYS.items()}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """How the variant comes."""
    return str(request.param)


@pytest.fixture
def outside(everywhere: Mapping[str, Outside], way: str) -> Outside:
    """The variant that comes this way."""
    return everywhere[way]


def bench(*arguments: str, having: Iterable[Outside] = ()) -> subprocess.CompletedProcess[str]:
    """`python -m bench` in the environment of these variants."""
    added = [one.environment for one in having]
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments], capture_output=True, text=True, timeout=100, check=False,
        env=os.environ | {name: value for environment in added for name, value in environment.items()},
    )  # fmt: skip


def naming(variants: Iterable[Outside]) -> list[str]:
    """The options that name these variants."""
    return [word for one in variants for word in ("-v", one.word)]


@dataclass(frozen=True)
class Storage:
    """Where runs and reports are stored."""

    folder: Path

    @property
    def options(self) -> list[str]:
        """The options that name both folders."""
        return ["--results", str(self.folder / "results"), "--reports", str(self.folder / "reports")]

    @property
    def run(self) -> Path:
        """The folder of the run."""
        return self.folder / "results" / "brief"

    def record(self, one: Outside) -> Path:
        """The file of the trial of a variant."""
        return self.run / "trials" / f"01-broadcast-{one.name}.json"


@pytest.fixture(scope="module")
def measured(everywhere: Mapping[str, Outside], tmp_path_factory: pytest.TempPathFactory) -> Storage:
    """A run of the variants of all origins, with its report."""
    storage, variants = Storage(tmp_path_factory.mktemp("measured")), everywhere.values()
    ended = bench("run", *naming(variants), *BRIEFLY, "--report", *storage.options, having=variants)
    assert ended.returncode in (0, 3), ended.stdout + ended.stderr
    return storage


@pytest.fixture(scope="module")
def cut(measured: Storage, everywhere: Mapping[str, Outside], tmp_path_factory: pytest.TempPathFactory) -> Storage:
    """The same run without the trials of these variants."""
    storage = Storage(tmp_path_factory.mktemp("cut"))
    shutil.copytree(measured.run, storage.run)
    for one in everywhere.values():
        storage.record(one).unlink()
    return storage


def test_it_is_listed_with_its_origin_unless_it_is_named_by_a_path(outside: Outside) -> None:
    lines = bench("list", having=[outside]).stdout.splitlines()
    listed = [lines[number : number + 2] for number, line in enumerate(lines) if line.startswith(f"  {outside.name} ")]
    named = [[f"  {outside.name:<24} Polling that lies outside the repository.", f"  {'':<24} from {outside.origin}"]]
    assert listed == ([] if outside.word.endswith(".py") else named)


def test_it_passes_the_gate(outside: Outside) -> None:
    ended = bench("verify", outside.word, having=[outside])
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout == f"{outside.name:<24} 17 of 17 checks passed\n"


def test_it_is_measured_and_reported_with_its_origin_and_without_a_path(measured: Storage, outside: Outside) -> None:
    run, trials = load(measured.run)
    origins = {fact.name: fact.origin for fact in run.variants}
    assert origins.pop(outside.name) == outside.origin
    assert {origins["null"], origins["calibration"]} == {""}
    assert {trial.failure for trial in trials if trial.planned.variant == outside.name} == {None}
    page = (measured.folder / "reports" / "brief" / "index.html").read_text(encoding="utf-8")
    assert f"{outside.name}, from {outside.origin};" in page


def test_a_run_of_several_origins_holds_no_other_variant(measured: Storage, everywhere: Mapping[str, Outside]) -> None:
    run, _ = load(measured.run)
    named = [one.name for one in everywhere.values()]
    assert sorted(fact.name for fact in run.variants) == sorted([*named, "null", "calibration"])


def test_a_run_is_not_resumed_where_its_variant_is_not_found(
    cut: Storage, everywhere: Mapping[str, Outside], outside: Outside
) -> None:
    others = [one for one in everywhere.values() if one is not outside]
    missing = bench("run", "--no-wait", "--resume", "brief", *naming(others), *cut.options, having=others)
    assert missing.returncode == 2
    assert (
        f"brief measures {outside.name} from {outside.origin}, which is not here:"
        f" add -v PATH/TO/{outside.name}.py" in missing.stderr
    )
    assert len(missing.stderr.splitlines()) == 1


def test_a_run_is_resumed_where_its_variants_are_found(cut: Storage, everywhere: Mapping[str, Outside]) -> None:
    variants = everywhere.values()
    resumed = bench("run", "--no-wait", "--resume", "brief", *naming(variants), *cut.options, having=variants)
    assert resumed.returncode in (0, 3), resumed.stdout + resumed.stderr
    assert all(cut.record(one).exists() for one in variants)


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
