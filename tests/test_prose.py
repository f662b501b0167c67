"""What the prose says, held against the project: the commands, the example variants, the numbers, every key."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli import parse
from bench.report import spliced

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("prose", ["README.md", "METHODOLOGY.md"])
def test_the_numbers_of_the_prose_are_those_of_the_reference_run(prose):
    text = (ROOT / prose).read_text(encoding="utf-8")
    assert spliced(text, ROOT / "results" / "reference", "reports/reference") == text


def test_the_figure_of_the_readme_is_there():
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file()


def test_the_example_of_the_readme_is_the_file_it_names():
    (example,) = re.findall(r"```python\n(.*?)```", README, re.S)
    code = (ROOT / "servers" / "polling.py").read_text(encoding="utf-8").split('"""\n', 1)[1]
    assert example.strip() == code.strip()


def test_the_example_of_contributing_is_a_variant_that_conforms_with_no_other_edit(tmp_path):
    (example,) = re.findall(r"```python\n(.*?)```", CONTRIBUTING, re.S)
    (name,) = re.findall(r"a complete one, `servers/(\w+)\.py`", CONTRIBUTING)
    for package in ("servers", "bench"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "servers" / f"{name}.py").write_text(example, encoding="utf-8")

    def bench(*arguments):
        command = [sys.executable, "-m", "bench", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert f"{name} " in bench("list").stdout
    verified = bench("verify", name)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    settings = ["--set", "subscribers=5", "--set", "measure_s=0.3", "--set", "warm_up_s=0.1"]
    ran = bench("run", "-v", name, "-s", "broadcast", "--repetitions", "1", "--name", "new", "--report", *settings)
    assert ran.returncode in (0, 3), ran.stdout + ran.stderr
    assert "SSE, gathered" in (tmp_path / "reports" / "new" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", re.findall(r"python -m bench ([^`\n]+)", README + CONTRIBUTING))
def test_every_bench_command_of_the_prose_is_one_that_the_parser_takes(line):
    plain = re.sub(r"\[[^]]*\]|\.\.\.|#.*", "", line).replace("\\|", "|").split()
    parse(plain)
