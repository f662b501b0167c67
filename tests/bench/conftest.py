"""Fixtures of the tests that run trials."""

import os

import pytest

from bench.analysis import findings
from tests.bench._noise import EXCUSED


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
