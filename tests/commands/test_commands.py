"""Commands exist because their file exists, in the package or in a folder outside the repository."""

import os
import re
import subprocess
import sys

import pytest

from bench import commands
from bench.cli import parse
from bench.commands import verify
from bench.discovery import DiscoveryError
from bench.planning.request import Refused
from tests._contributing import example

GREET = example("Greet a person")


@pytest.fixture
def bench(tmp_path):
    """`python -m bench` with a folder outside the repository that holds commands."""
    (tmp_path / "greet.py").write_text(GREET)

    def run(*arguments, folder=tmp_path):
        environment = {**os.environ, commands.VARIABLE: str(folder)}
        return subprocess.run(
            [sys.executable, "-m", "bench", *arguments], capture_output=True, text=True, timeout=60, check=False,
            env=environment,
        )  # fmt: skip

    return run


def test_without_a_folder_for_temporary_files_verify_is_refused_and_no_check_fails(monkeypatch):
    def none(*_, **__):
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr("tempfile.TemporaryFile", none)
    with pytest.raises(Refused, match="set TMPDIR"):
        verify.run(parse(["verify", "sse"]))


def test_a_command_outside_the_repository_is_listed_with_its_first_line_and_its_first_example(bench):
    ended = bench("--help")
    assert ended.returncode == 0
    assert re.search(r"^    greet +Greet a person by name\.$", ended.stdout, re.MULTILINE)
    assert "\n  python -m bench greet --name Ada\n" in ended.stdout
    assert "It is polite" not in ended.stdout


def test_a_command_outside_the_repository_runs_and_its_exit_code_is_that_of_the_bench(bench):
    ended = bench("greet", "--name", "Ada")
    assert (ended.returncode, ended.stdout) == (7, "Good day, Ada, from the command greet.\n")


def test_the_help_of_a_command_is_its_docstring_with_the_examples_below_the_arguments(bench):
    shown = bench("greet", "--help").stdout
    polite, argument, example = (shown.index(words) for words in ("It is polite.", "options:\n", "examples:\n"))
    assert polite < argument < example


def test_a_command_that_lacks_a_function_is_an_error_of_one_line(bench, tmp_path):
    (tmp_path / "greet.py").write_text("def add_arguments(parser):\n    pass\n")
    ended = bench("greet")
    assert ended.returncode == 2
    assert ended.stderr.startswith("bench greet: ")
    assert "greet.py has no function run" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "reason"), [("def (:\n", "invalid syntax"), ("# \xff\n", "cannot be read")], ids=["syntax", "encoding"]
)
def test_a_command_that_cannot_be_read_is_an_error_of_one_line(bench, tmp_path, text, reason):
    (tmp_path / "greet.py").write_bytes(text.encode("latin-1"))
    ended = bench("--help")
    assert ended.returncode == 2
    assert "greet.py" in ended.stderr
    assert reason in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert bench("compare", "--help").returncode == 0


def test_a_folder_that_does_not_exist_and_a_name_that_is_taken_are_errors_of_one_line(bench, tmp_path):
    missing = bench("greet", folder=tmp_path / "nowhere")
    (tmp_path / "run.py").write_text(GREET)
    taken = bench("greet")
    for ended, reason in ((missing, "nowhere is not a folder"), (taken, "run.py is in")):
        assert ended.returncode == 2
        assert reason in ended.stderr
        assert len(ended.stderr.splitlines()) == 1


def test_help_imports_no_command_and_naming_one_imports_that_alone():
    code = (
        "import sys; from bench.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(sorted(name for name in sys.modules if name.startswith('bench.commands.') and '._' not in name))"
    )
    for arguments, imported in (["--help"], []), (["export", "--help"], ["bench.commands.export"]):
        ended = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, check=True
        )
        assert ended.stdout.splitlines()[-1] == repr(imported)


@pytest.mark.parametrize("name", commands.names())
def test_every_command_has_a_sentence_examples_that_it_takes_and_both_functions(name):
    words = commands.help_of(name)
    assert words.summary.endswith(".")
    commands.load(name)
    lines = [line.strip() for line in words.examples.splitlines() if line.startswith("  python -m bench ")]
    assert lines
    for line in lines:
        typed = line.partition("   ")[0].partition("|")[0]
        assert parse(typed.split()[3:]).command == name


def test_an_unknown_command_is_refused_with_the_names_of_all(capsys):
    with pytest.raises(SystemExit) as ended:
        parse(["lst"])
    assert ended.value.code == 2
    assert "invalid choice: 'lst'" in capsys.readouterr().err


def test_an_unreadable_file_raises_with_its_name(tmp_path, monkeypatch):
    (tmp_path / "broken.py").write_text("def (:\n")
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    with pytest.raises(DiscoveryError, match=r"broken\.py cannot be read"):
        commands.help_of("broken")
