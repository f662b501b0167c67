"""Findings about a run as a whole."""

from __future__ import annotations

import msgspec
import pytest

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.faults import Fault
from bench.analysis.runs.run_findings import RUN_CHECKS, RunCheck, RunFinding, run_findings
from bench.results import Run, Trial
from tests._faults import robbed
from tests._natures import NATURES
from tests._synthetic import synthetic
from tests._trials import changed
from tests.analysis.runs.test_stability import run_with

WEBSOCKET = tuple(nature for nature in NATURES if nature.name == "websocket")


def with_framing(extra_bytes: int) -> Cells:
    """A run in which every WebSocket message has extra bytes of framing."""
    run, trials = synthetic(WEBSOCKET, ["broadcast"], troubles=False)
    return Cells(run, [_with_framing(trial, extra_bytes) for trial in trials])


def _with_framing(trial: Trial, extra_bytes: int) -> Trial:
    assert trial.wire
    assert trial.wire.received_bytes
    return changed(trial, "wire", received_bytes=trial.wire.received_bytes + extra_bytes * trial.wire.deliveries)


def uneven() -> Cells:
    """Trials with a slow reader, in which a hypervisor took a part of the cores."""
    slow = Fault("slow_reader", "trickle then stop")
    return Cells(*robbed(WEBSOCKET, slow, "websocket", {slow.value: (3, 3, 3), "none": (0, 0, 0)}))


CAUSES = {
    "uneven steal": uneven(),
    "law missed": with_framing(5),
    "too few trials": run_with([1.0]),
    "trials disagree": run_with([0.8, 1.0, 1.2]),
    "stray trial": run_with([1.0, 1.02, 9.0]),
}


def test_every_check_has_a_cause_here() -> None:
    assert CAUSES.keys() == {check.name for check in RUN_CHECKS}


@pytest.mark.parametrize("name", CAUSES)
def test_a_finding_arises_from_its_cause(name: str) -> None:
    assert name in [finding.name for finding in run_findings(CAUSES[name])]


def test_trials_that_agree_and_follow_the_laws_have_no_finding() -> None:
    assert run_findings(run_with([1.0, 1.02, 0.98])) == []
    assert "law missed" not in [finding.name for finding in run_findings(with_framing(0))]


def named(name: str, cells: Cells) -> RunFinding:
    return next(finding for finding in run_findings(cells) if finding.name == name)


@pytest.mark.parametrize("check", RUN_CHECKS, ids=lambda check: check.name)
def test_a_finding_has_an_observation_cells_a_reason_and_a_remedy(check: RunCheck) -> None:
    finding = named(check.name, CAUSES[check.name])
    assert any(character.isdigit() for character in finding.observation)
    assert finding.cells
    assert finding.remedy == check.remedy
    assert check.threshold
    assert check.reason


def test_a_missed_law_is_reported_with_its_prediction_and_the_measurement() -> None:
    finding = named("law missed", with_framing(5))
    assert finding.cells == ["broadcast websocket"]
    assert finding.observation.startswith("frame header: 9")
    assert "the law predicts" in finding.observation


def test_the_most_severe_observation_is_first() -> None:
    mild, bad = run_with([0.8, 1.0, 1.2]), run_with([0.5, 1.0, 1.4])
    run: Run = msgspec.structs.replace(
        mild.run, variants=[*mild.run.variants, msgspec.structs.replace(mild.run.variants[0], name="worse")]
    )
    worse = [
        msgspec.structs.replace(trial, planned=msgspec.structs.replace(trial.planned, variant="worse"))
        for trial in bad.trials
    ]
    finding = named("trials disagree", Cells(run, [*mild.trials, *worse]))
    assert finding.cells == ["broadcast worse", "broadcast sse"]
    severities = [one.severity for one in finding.observations]
    assert severities == sorted(severities, reverse=True)


def test_a_run_without_trials_has_no_finding() -> None:
    run, _ = synthetic(WEBSOCKET, ["broadcast"], troubles=False)
    assert run_findings(Cells(run, [])) == []
