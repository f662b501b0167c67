"""Settings and fixtures that all tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests._noise import excuse_the_machine

TESTS = Path(__file__).parent

# A check of a commit must say the same twice; the search for new examples is for the desk.
# No deadline: a busy machine makes an example slow, not wrong.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("desk", deadline=None)
settings.load_profile("desk")
if "CI" in os.environ:
    settings.load_profile("repeatable")

# The first files, in this order: workers of xdist get whole files, and a slow one must not be the last. The first two
# run beside each other: one mostly waits, the other computes.
FIRST = ("execution/test_trial.py", "report/test_figure_texts.py", "gate/test_outside_variants.py",
         "commands/test_cli.py", "test_prose.py", "analysis/runs/test_verdicts.py")  # fmt: skip


def pytest_collection_modifyitems(items):
    """Put the slowest files first."""
    places = {TESTS / name: place for place, name in enumerate(FIRST)}
    assert all(path.is_file() for path in places)
    items.sort(key=lambda item: places.get(item.path, len(FIRST)))


@pytest.fixture(autouse=True)
def _cores_as_before():
    """A run pins the process that makes it; the test after it has all cores again."""
    if not hasattr(os, "sched_getaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    yield
    os.sched_setaffinity(0, cores)


@pytest.fixture
def calm_machine(monkeypatch):
    """No finding of a busy machine is made (see `excuse_the_machine`)."""
    excuse_the_machine(monkeypatch)
