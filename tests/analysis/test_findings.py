"""Every finding fires on its cause and stays silent without it."""

from __future__ import annotations

import numpy as np
import pytest

from bench.analysis.distributions import fold
from bench.analysis.findings import CHECKS, judge
from bench.plan import BRIEF, calibration
from bench.results import SCHEMA, Failure, Trial
from tests._synthetic import calibrated, process, synthetic
from tests.analysis._trials import MS, calm, changed

CAUSES = {
    "lost messages": changed(calm(), "ledger", lost=1, delivered=499),
    "duplicated messages": changed(calm(), "ledger", duplicated=1),
    "reordered messages": changed(calm(), "ledger", reordered=1),
    "calibration missed": changed(calibrated(calibration(BRIEF, 1)[0]), "ledger", lost=1),
    "corrupted messages": changed(calm(), "ledger", corrupted=1),
    "errors": changed(calm(), "ledger", errors={"connection reset": 2, "status 500": 7}),
    "nothing expected": changed(calm(), "ledger", expected=0, delivered=0),
    "few deliveries": calm(latency=fold(np.full(499, 50 * MS))),
    "negative latency": calm(latency=fold(np.array([-1] + [50 * MS] * 500))),
    "not all connected": calm(connect=fold(np.full(9, MS))),
    "publisher late": calm(slip=fold(np.full(10, 6 * MS))),
    "publisher far too late": calm(slip=fold(np.full(10, 60 * MS))),
    "generator saturated": changed(calm(), "usage", load=[process(860 * MS)]),
    "server saturated": changed(calm(), "usage", server=process(910 * MS)),
}


def names(trial: Trial) -> list[str]:
    return [finding.name for finding in judge(trial)]


def test_nothing_is_found_in_a_calm_trial() -> None:
    assert judge(calm()) == []


def test_every_finding_has_a_cause_here() -> None:
    assert CAUSES.keys() == {check.name for check in CHECKS}


@pytest.mark.parametrize("name", CAUSES)
def test_a_finding_fires_on_its_cause(name: str) -> None:
    assert name in names(CAUSES[name])


@pytest.mark.parametrize("name", CAUSES)
def test_a_finding_fires_alone(name: str) -> None:
    companions = {"publisher far too late": {"publisher late"}}
    assert set(names(CAUSES[name])) - companions.get(name, set()) == {name}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_finding_says_what_was_seen_why_it_matters_and_what_to_do(check: object) -> None:
    finding = next(finding for finding in judge(CAUSES[check.name]) if finding.name == check.name)
    assert any(character.isdigit() or finding.name == "nothing expected" for character in finding.observation)
    assert finding.remedy
    assert check.reason
    assert check.threshold
    assert finding.disqualifying is check.disqualifying


def test_a_busy_server_is_a_result_and_a_busy_generator_is_not() -> None:
    severity = {check.name: check.disqualifying for check in CHECKS}
    assert not severity["server saturated"]
    assert severity["generator saturated"]


def test_a_trial_on_the_threshold_is_not_yet_found() -> None:
    assert judge(changed(calm(), "usage", load=[process(850 * MS)], server=process(900 * MS))) == []


def test_slip_counts_beside_a_short_latency_too() -> None:
    quick = calm(latency=fold(np.full(500, MS)), slip=fold(np.full(10, MS // 4)))
    assert names(quick) == ["publisher late"]
    slower = calm(latency=fold(np.full(500, MS)), slip=fold(np.full(10, MS * 6 // 10)))
    assert names(slower) == ["publisher late", "publisher far too late"]


def test_the_most_frequent_errors_are_named_first() -> None:
    errors = {f"error {n}": n for n in range(1, 6)}
    found = judge(changed(calm(), "ledger", errors=errors))
    assert found[0].observation == "15 errors: 5 x error 5, 4 x error 4, 3 x error 3, ..."


def test_errors_that_were_counted_as_none_are_none() -> None:
    assert judge(changed(calm(), "ledger", errors={"reset": 0})) == []


def test_subscribers_of_an_idle_trial_are_counted_at_its_last_step() -> None:
    parameters = {"steps": [0, 5, 20]}
    assert names(calm("idle", parameters=parameters)) == ["not all connected"]
    assert names(calm("idle", parameters=parameters, connect=fold(np.full(20, MS)))) == []


def test_a_protocol_that_confirms_no_connect_is_not_held_to_it() -> None:
    assert judge(calm(connect=None)) == []
    assert judge(calm(connect=fold([]))) == []


def test_a_failed_trial_without_facts_is_judged_without_complaint() -> None:
    planned = calm().planned
    failed = Trial(
        schema=SCHEMA, planned=planned, parameters={}, started_at="", phases_ns={},
        failure=Failure(phase="start", error="no"),
    )  # fmt: skip
    assert judge(failed) == []


def test_a_plausible_run_is_free_of_findings() -> None:
    _, trials = synthetic(troubles=False)
    assert [(trial.planned.id, names(trial)) for trial in trials if judge(trial)] == []
