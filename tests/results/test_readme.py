"""results/README.md explains every key of every stored file."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from bench.results._fact import Fact

README = Path(__file__).parents[2] / "results" / "README.md"


def kinds(base=Fact):
    """Every class of stored facts."""
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


@pytest.mark.parametrize("kind", sorted(kinds(), key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_every_key_of_a_stored_record_is_explained(kind):
    words = {word for code in re.findall(r"`([^`]+)`", README.read_text(encoding="utf-8"))
             for word in re.findall(r"\w+", code)}  # fmt: skip
    assert {field.encode_name for field in msgspec.structs.fields(kind)} <= words


def test_the_line_that_upgrades_a_run_works(tmp_path):
    (code,) = re.findall(r'python -c "(.*)"', README.read_text(encoding="utf-8"))
    shutil.copytree(Path(__file__).parent / "schema-2", tmp_path / "results" / "RUN")
    count = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(README.parents[1])},
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    assert int(count) == len(list((tmp_path / "results" / "RUN").rglob("*.json")))
