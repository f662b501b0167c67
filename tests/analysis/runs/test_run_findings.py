"""What is doubted about a run as a whole."""

from __future__ import annotations

import msgspec
import pytest

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.faults import Fault
from bench.analysis.runs.run_findings import RUN_CHECKS, RunCheck, doubts
from bench.results import Run, Trial
from tests._faults import robbed
from tests._natures import NATURES
from tests._synthetic import synthetic
from tests._trials import changed
from tests.analysis.runs.test_stability import run_with

WEBSOCKET = tuple(nature for nature in NATURES if nature.name == "websocket")


def lawless(bytes_more: int) -> Cells:
    """A run in which every WebSocket message carries so many bytes more than its frame has."""
    run, trials = synthetic(WEBSOCKET, ["broadcast"], troubles=False)
    return Cells(run, [_fatter(trial, bytes_more) for trial in trials])


def _fatter(trial: Trial, bytes_more: int) -> Trial:
    assert trial.wire
    assert trial.wire.received_bytes
    return changed(trial, "wire", received_bytes=trial.wire.received_bytes + bytes_more * trial.wire.deliveries)


def uneven() -> Cells:
    """A slow reader in whose trials a hypervisor took a part of the cores."""
    slow = Fault("slow_reader", "trickle then stop")
    return Cells(*robbed(WEBSOCKET, slow, "websocket", {slow.value: (3, 3, 3), "none": (0, 0, 0)}))


CAUSES = {
    "uneven steal": uneven(),
    "law missed": lawless(5),
    "too few trials": run_with([1.0]),
    "trials disagree": run_with([0.8, 1.0, 1.2]),
    "stray trial": run_with([1.0, 1.02, 9.0]),
}


def test_every_doubt_has_a_cause_here() -> None:
    assert CAUSES.keys() == {check.name for check in RUN_CHECKS}


@pytest.mark.parametrize("name", CAUSES)
def test_a_doubt_arises_from_its_cause(name: str) -> None:
    assert name in [doubt.name for doubt in doubts(CAUSES[name])]


def test_nothing_is_doubted_about_trials_that_agree_and_obey() -> None:
    assert doubts(run_with([1.0, 1.02, 0.98])) == []
    assert "law missed" not in [doubt.name for doubt in doubts(lawless(0))]


@pytest.mark.parametrize("check", RUN_CHECKS, ids=lambda check: check.name)
def test_a_doubt_says_what_was_seen_where_why_it_matters_and_what_to_do(check: RunCheck) -> None:
    doubt = next(doubt for doubt in doubts(CAUSES[check.name]) if doubt.name == check.name)
    assert any(character.isdigit() for character in doubt.observation)
    assert doubt.cells
    assert doubt.remedy == check.remedy
    assert check.threshold
    assert check.reason


def test_a_missed_law_is_told_with_what_it_says_and_what_was_measured() -> None:
    doubt = next(doubt for doubt in doubts(lawless(5)) if doubt.name == "law missed")
    assert doubt.cells == ["broadcast websocket"]
    assert doubt.observation.startswith("frame header: 9")
    assert "where the law says" in doubt.observation


def test_the_worst_is_told_first() -> None:
    mild, bad = run_with([0.8, 1.0, 1.2]), run_with([0.5, 1.0, 1.4])
    run: Run = msgspec.structs.replace(
        mild.run, variants=[*mild.run.variants, msgspec.structs.replace(mild.run.variants[0], name="worse")]
    )
    worse = [
        msgspec.structs.replace(trial, planned=msgspec.structs.replace(trial.planned, variant="worse"))
        for trial in bad.trials
    ]
    doubt = next(one for one in doubts(Cells(run, [*mild.trials, *worse])) if one.name == "trials disagree")
    assert doubt.cells == ["broadcast worse", "broadcast sse"]
    assert [one.severity for one in doubt.seen] == sorted((one.severity for one in doubt.seen), reverse=True)


def test_a_run_without_trials_is_doubted_by_nobody() -> None:
    run, _ = synthetic(WEBSOCKET, ["broadcast"], troubles=False)
    assert doubts(Cells(run, [])) == []
