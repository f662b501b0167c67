"""The person's own settings do not reach the processes of a trial."""

import json
import os
import subprocess
import sys

import pytest

from bench.processes.environment import built, locust, whole
from bench.processes.load_side import Load
from bench.processes.member import Member

WITHIN_S = 60.0
PRINTS_OPTIONS = """
import json
from locust import User, events

class Nothing(User):
    pass

@events.init.add_listener
def report(environment, **_):
    options = environment.parsed_options
    print(json.dumps([options.run_time, options.tags, options.csv_prefix, options.processes]), flush=True)
    raise SystemExit(0)
"""
SETTINGS = "run-time = 2s\ntags = mine\ncsv = mine\n"


@pytest.mark.parametrize("where", ["home", "environment"])
def test_locust_reads_no_settings_of_the_person(where, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    if where == "home":
        (home / ".locust.conf").write_text(SETTINGS)
        monkeypatch.setenv("HOME", str(home))
    else:
        monkeypatch.setenv("LOCUST_RUN_TIME", "2s")
        monkeypatch.setenv("LOCUST_TAGS", "mine")
    monkeypatch.chdir(home)
    (home / "locust.conf").write_text(SETTINGS)
    (tmp_path / "options.py").write_text(PRINTS_OPTIONS)
    command, environment = locust(tmp_path / "options.py", "--headless", "--users", "1")
    ended = subprocess.run(
        command, cwd=tmp_path, env=built(environment), capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    assert json.loads(ended.stdout.splitlines()[0]) == [None, None, None, None], ended.stderr


def test_locust_runs_in_a_folder_of_ours():
    assert not {path.name for path in Load.folder.iterdir()} & {"locust.conf", "pyproject.toml"}


@pytest.mark.parametrize("name", ["GEVENT_LOOP", "PYTHONDEVMODE", "LOCUST_HOST", "MALLOC_ARENA_MAX", "GIT_DIR"])
def test_a_setting_that_would_change_a_number_does_not_reach_a_process(name, monkeypatch):
    monkeypatch.setenv(name, "mine")
    code = f"import os; print({name!r} in os.environ, flush=True); input()"
    with Member("child", [sys.executable, "-c", code], ()) as child:
        assert child._line(WITHIN_S) == b"False"


def test_a_process_finds_what_it_needs(monkeypatch):
    monkeypatch.setenv("PUSHBENCH_VARIANTS", "somewhere")
    environment = built({"PUSHBENCH_PORT": "1"})
    assert environment["PATH"] == os.environ["PATH"]
    assert environment["PUSHBENCH_VARIANTS"] == "somewhere"
    assert environment["PUSHBENCH_PORT"] == "1"


@pytest.mark.parametrize("value", ["+5", "-5", "1_000", " 5", "5\n", "\u0665", "\u00b2", "0x5", "5.0", "", "9" * 19])
def test_a_number_in_the_environment_is_decimal_digits_alone(monkeypatch, value):
    monkeypatch.setenv("PUSHBENCH_NUMBER", value)
    with pytest.raises(ValueError, match="PUSHBENCH_NUMBER is not a whole number"):
        whole("PUSHBENCH_NUMBER")
    monkeypatch.setenv("PUSHBENCH_NUMBER", "0042")
    assert whole("PUSHBENCH_NUMBER") == 42
