"""A release is named alike wherever its number stands."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def only(pattern: str, path: str) -> tuple[str, ...]:
    """What the groups of a pattern matched, where it first matches in a file of the project."""
    match = re.search(pattern, (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
    assert match, f"{path} has nothing like {pattern}"
    return match.groups()


def test_number_and_date_of_the_release_are_the_same_in_all_places():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    newest = only(r"^## (\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\)$", "CHANGES.md")
    assert newest[0] == version
    assert only(r"^version: (.*)$", "CITATION.cff") == newest[:1]
    assert only(r"^date-released: (.*)$", "CITATION.cff") == newest[1:]
