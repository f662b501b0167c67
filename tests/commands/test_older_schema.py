"""The commands that read results take a run of an older schema like one of the current schema."""

import shutil
import signal
from pathlib import Path

import pytest

from bench import cli
from bench.results import upgrade

OLD = Path(__file__).parents[1] / "results" / "schema-2"


@pytest.fixture
def results(tmp_path):
    """The same run twice: in the older schema and in the current one."""
    folder = tmp_path / "results"
    for name in ("old", "new"):
        shutil.copytree(OLD, folder / name)
    assert upgrade(folder / "new") > 0
    return folder


@pytest.fixture
def bench(results, capsys):
    """A command over these results: its exit code and what it printed."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield lambda *arguments: (cli.main([*arguments, "--results", str(results)]), capsys.readouterr().out)
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("pair", [("old", "new"), ("new", "old")])
def test_a_run_of_an_older_schema_is_compared_with_a_new_one(bench, pair, tmp_path):
    code, text = bench("compare", *pair, "--reports", str(tmp_path))
    assert code == 0
    assert text.startswith("**No regression in ")


@pytest.mark.parametrize("kind", ["--csv", "--json"])
def test_a_run_of_an_older_schema_has_the_same_numbers(bench, kind):
    old, new = (bench("export", name, kind) for name in ("old", "new"))
    assert old == new
    assert len(old[1].splitlines()) > 300
