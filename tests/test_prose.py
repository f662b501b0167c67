"""What the prose says, held against the project: the commands, the example variants, the numbers, every key."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli import parse
from bench.report import spliced
from tests._contributing import TEXT as CONTRIBUTING
from tests._contributing import example

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
README_ZH = (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")


def spliced_reference(text):
    return spliced(text, ROOT / "results" / "reference", "reports/reference")


@pytest.mark.parametrize("text", [README, README_ZH], ids=["English", "Chinese"])
def test_the_numbers_of_the_readme_are_those_of_the_reference_run(text):
    assert spliced_reference(text) == text


def rows(text):
    """The numbers of every line of the generated table, which has eight columns or more."""
    table = [line for line in text.splitlines() if line.startswith("|") and line.count("|") > 8]
    return [re.findall(r"\d[\d,.]*", line) for line in table[1:]]


def test_both_readmes_have_the_same_commands_links_and_numbers():
    for pattern in (r"```\n(.*?)```", r"^\| (`python -m .*?`) \|", r"\]\(([^)]*)\)"):
        both = [sorted(set(re.findall(pattern, text, re.S | re.M))) for text in (README, README_ZH)]
        assert [one for one in both[0] if "README" not in one] == [one for one in both[1] if "README" not in one]
    assert rows(README)
    assert rows(README) == rows(README_ZH)


def by_hand(text):
    """The words of a page without what is generated between marks."""
    return len(re.sub(r"<!-- ([\w ,]+): begin -->.*?<!-- \1: end -->", "", text, flags=re.S).split())


def test_the_readme_and_the_methodology_stay_short():
    assert by_hand(README) <= 900
    assert by_hand((ROOT / "METHODOLOGY.md").read_text(encoding="utf-8")) <= 4000
    (block,) = re.findall(r"<!-- the comparison: begin -->(.*?)<!-- the comparison: end -->", README, re.S)
    assert len([line for line in block.splitlines() if line.startswith("|")]) - 2 <= 12  # without head and rule


def test_the_picture_and_both_commands_of_the_readme_stand_on_its_first_screen():
    first = "\n".join(README.splitlines()[:32])
    assert "tox -e bench\n" in first
    assert "-m venv .venv && .venv/bin/pip install tox && .venv/bin/tox\n" in first
    (path,) = re.findall(r"!\[[^]]*\]\(([^)]+)\)", first)
    assert (ROOT / path).is_file()


@pytest.mark.parametrize(
    "page", ["README.md", "README.zh-CN.md", "METHODOLOGY.md", "BIAS.md", "CONTRIBUTING.md", "reports/README.md"]
)
def test_every_link_of_the_prose_leads_to_a_file(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), target


def test_the_example_of_contributing_is_a_variant_that_conforms_with_no_other_edit(tmp_path):
    text = example("Server-Sent Events")
    (name,) = re.findall(r"a complete one, `servers/(\w+)\.py`", CONTRIBUTING)
    for package in ("servers", "bench"):
        shutil.copytree(ROOT / package, tmp_path / package)  # with what is compiled already
    (tmp_path / "servers" / f"{name}.py").write_text(text, encoding="utf-8")

    def bench(*arguments):
        command = [sys.executable, "-m", "bench", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert f"{name} " in bench("list").stdout
    verified = bench("verify", name)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    settings = ["--no-wait", "--set", "subscribers=5", "--set", "measure_s=0.3", "--set", "warm_up_s=0.1"]
    ran = bench("run", "-v", name, "-s", "broadcast", "--repetitions", "1", "--name", "new", "--report", *settings)
    assert ran.returncode in (0, 3), ran.stdout + ran.stderr
    assert "SSE, batched" in (tmp_path / "reports" / "new" / "index.html").read_text(encoding="utf-8")


WITHOUT_EXAMPLES = re.sub(r"```python\n.*?```", "", README + CONTRIBUTING, flags=re.S)


@pytest.mark.parametrize("line", re.findall(r"python -m bench ([^`\n]+)", WITHOUT_EXAMPLES))
def test_every_bench_command_of_the_prose_is_one_that_the_parser_takes(line):
    plain = re.sub(r"\[[^]]*\]|\.\.\.|#.*", "", line).replace("\\|", "|").split()
    parse(plain)
