"""Settings and fixtures that all tests share."""

import os
from pathlib import Path

import coverage
import pytest
from hypothesis import settings

from tests._noise import excuse_the_machine

TESTS = Path(__file__).parent

# A check must say the same twice. The search for new examples is `tox -e fuzz`: random and longer.
# No deadline: a busy machine makes an example slow, not wrong.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("fuzz", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("PUSHBENCH_HYPOTHESIS", "repeatable"))

# The first files, in this order: workers of xdist get whole files, and a slow one must not be the last. The first two
# run beside each other: one mostly waits, the other computes.
FIRST = (
    "execution/test_waiting_trials.py",
    "report/test_figure_texts.py",
    "execution/test_run.py",
    "gate/test_outside_variants.py",
    "commands/test_cli.py",
    "test_prose.py",
    "analysis/runs/test_verdicts.py",
)
# The tests of the rooms whose branches are counted (see pyproject.toml). All others would only be slower for it.
COUNTED = ("advice", "analysis", "planning", "results", "generators/test_generators.py", "scenarios/test_bounds.py",
           "test_discovery.py",
           "test_files.py", "test_messages.py", "test_paths.py", "test_units.py")  # fmt: skip


def pytest_collection_modifyitems(items):
    """Put the slowest files first."""
    places = {TESTS / name: place for place, name in enumerate(FIRST)}
    assert all(path.is_file() for path in places)
    items.sort(key=lambda item: places.get(item.path, len(FIRST)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Where branches are counted (--cov), count them in the tests of these rooms alone.

    The marker `no_cover` of pytest-cov would not do: a worker of xdist has two measurements, of which it stops one.
    """
    stopped = []
    if item.config.getoption("cov_source", None) and not is_counted(item):
        while (running := coverage.Coverage.current()) is not None:
            running.stop()
            stopped.append(running)
    try:
        return (yield)
    finally:
        for one in reversed(stopped):
            one.start()


def is_counted(item):
    """Whether the branches that this test takes are counted."""
    return not item.get_closest_marker("uncounted") and any(item.path.is_relative_to(TESTS / name) for name in COUNTED)


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
