"""The search for a capacity with fake trials: servers that do not start, and servers that die."""

import pytest

import servers
from bench import scenarios
from bench.execution import capacity_search, trial
from bench.planning.plan import plan
from bench.results import Failure
from tests._trials import calm

NOT_READY = Failure(phase="start", error="sse: the server was not ready within 15 s (while in phase 'start')")


@pytest.fixture
def searched(monkeypatch):
    """The record of a search whose first trials have these failures; those after them have none."""

    def search(*failures):
        left = list(failures)

        def run(planned, scenario, variant, parameters, cores, workers=1):
            failure = left.pop(0) if left else None
            return calm(planned=planned, parameters=dict(parameters), failure=failure)

        monkeypatch.setattr(trial, "run", run)
        scenario, variant = scenarios.load("capacity"), servers.load("sse")
        (planned,) = plan([("capacity", "sse")], 1, 1)
        return capacity_search.run(planned, scenario, variant, scenario.settled("full", {}), None)

    return search


def test_a_server_that_never_starts_ends_the_search_with_its_first_trial(searched):
    record = searched(NOT_READY, NOT_READY)
    assert record.failure == NOT_READY
    assert [step.verdict for step in record.capacity] == ["disturbed"]
    assert record.capacity[0].observation == NOT_READY.error


def test_a_server_that_fails_to_start_once_later_is_started_again(searched):
    record = searched(None, NOT_READY)
    assert record.failure is None
    assert [step.verdict for step in record.capacity[:3]] == ["sustained", "disturbed", "sustained"]
    assert record.capacity[1].rate_hz == record.capacity[2].rate_hz


def test_a_server_that_no_longer_starts_ends_the_search_and_the_steps_so_far_are_kept(searched):
    record = searched(None, NOT_READY, NOT_READY)
    assert record.failure == NOT_READY
    assert [step.verdict for step in record.capacity] == ["sustained", "disturbed", "disturbed"]


def test_a_server_that_dies_under_load_does_not_sustain_the_rate(searched):
    died = Failure(phase="measure", error="the server was killed by SIGKILL", exited="server")
    record = searched(None, died, died)
    assert record.failure is None
    assert [step.verdict for step in record.capacity[:3]] == ["sustained", "exceeded", "exceeded"]
    assert all(step.rate_hz < record.capacity[1].rate_hz for step in record.capacity[3:])


def test_a_search_in_which_every_trial_failed_has_failed(searched):
    died = Failure(phase="measure", error="the server was killed by SIGKILL", exited="server")
    record = searched(*[died] * 20)
    assert record.failure == died
    assert min(step.rate_hz for step in record.capacity) == 1.0
