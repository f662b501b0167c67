"""Settings and fixtures that all tests share."""

import os

import pytest
from hypothesis import settings

from bench.analysis.trials import findings
from tests._noise import EXCUSED

# A check must say the same twice. The search for new examples is `tox -e fuzz`: random and longer.
# No deadline: a busy machine makes an example slow, not wrong.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("fuzz", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("PUSHBENCH_HYPOTHESIS", "repeatable"))


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
    """Nothing is held against the machine: whether a run is valid is then told by its processes alone."""
    kept = tuple(check for check in findings.CHECKS if check.name not in EXCUSED)
    monkeypatch.setattr(findings, "CHECKS", kept)
