"""The calibration: a right instrument meets the truth, and every kind of wrong instrument misses it."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.numbers.distributions import fold, quantile
from bench.analysis.trials.calibration import curves, misread, readings
from bench.analysis.trials.calibration_floor import injection_of, place_of, truth_of
from bench.analysis.trials.findings import judge
from bench.planning.plan import BRIEF, WHOLE, calibration
from bench.results import Failure, Trial
from servers._injections import INJECTIONS, MS, Truth
from tests._synthetic import calibrated
from tests._trials import calm, changed


def whole(blocks: int = 1, **changes: float) -> list[Trial]:
    """A whole calibration by a right instrument, with a floor of 300 to 700 µs."""
    planned = calibration(WHOLE, 1, 1)
    for block in range(2, blocks + 1):
        planned = calibration(WHOLE, 1, block, planned)
    return [calibrated(one, **changes) for one in planned]


def with_injection(trials: list[Trial], name: str) -> Trial:
    return next(trial for trial in trials if trial.parameters["injected"] == name)


def replaced(trials: list[Trial], name: str, **changes: object) -> list[Trial]:
    return [
        msgspec.structs.replace(trial, **changes) if trial.parameters["injected"] == name else trial for trial in trials
    ]


def missed(trials: list[Trial]) -> set[tuple[str, str]]:
    return {(reading.injection, reading.quantity) for reading in readings(trials) if not reading.met}


@pytest.mark.parametrize("blocks", [1, 3])
def test_injections_are_read_back(blocks: int) -> None:
    read = readings(whole(blocks))
    assert [reading for reading in read if not reading.met] == []
    assert {(reading.injection, reading.quantity) for reading in read} == {
        *((f"delay {ms} ms", quantity) for ms in (1, 5, 20, 100) for quantity in ("p50", "p99")),
        *((injection, quantity) for injection in ("mixture", "freeze") for quantity in ("p90", "p99", "max")),
        *(("faults", quantity) for quantity in ("lost", "duplicated", "reordered")),
    }


def test_a_reading_has_the_injected_value() -> None:
    injected = {(reading.injection, reading.quantity): reading.injected for reading in readings(whole())}
    assert injected["delay 20 ms", "p99"] == 20 * MS
    assert injected["mixture", "p90"] == 0
    assert injected["mixture", "p99"] == 200 * MS
    assert injected["freeze", "max"] == 500 * MS
    assert injected["freeze", "p90"] == pytest.approx(262 * MS, rel=0.01)


def test_in_a_brief_calibration_the_faults_are_the_floor() -> None:
    read = readings([calibrated(one) for one in calibration(BRIEF, 1)])
    assert {reading.injection for reading in read} == {"delay 5 ms", "faults"}
    assert all(reading.met for reading in read)


def test_a_constant_error_of_the_clock_cancels_and_an_error_of_its_rate_is_missed() -> None:
    assert missed(whole(offset_ns=3 * MS)) == set()
    assert ("delay 100 ms", "p50") in missed(whole(rate=1.01))
    assert ("freeze", "p99") in missed(whole(rate=1.2))


def test_an_instrument_that_omits_late_messages_is_missed() -> None:
    """As a closed loop does: it sends the next message after the answer, so it measures one long wait and no queue."""
    trials = whole()
    frozen = with_injection(trials, "freeze")
    assert frozen.latency is not None
    latencies = np.concatenate([np.full(frozen.latency.count - 20, 500_000), np.full(20, 500 * MS)])
    assert missed(replaced(trials, "freeze", latency=fold(latencies))) == {("freeze", "p90"), ("freeze", "p99")}


def test_an_instrument_that_drops_the_slowest_messages_is_missed() -> None:
    trials = whole()
    (early,) = [trial for trial in trials if trial.planned.id.endswith("delay-0-ms-at-4-hz")]
    assert missed(replaced(trials, "mixture", latency=early.latency)) == {("mixture", "p99"), ("mixture", "max")}


def test_a_ledger_with_wrong_counts_is_missed_and_makes_the_trial_invalid() -> None:
    trials = whole()
    ledger = with_injection(trials, "faults").ledger
    assert ledger is not None
    wrong = msgspec.structs.replace(ledger, lost=ledger.lost - 1, duplicated=ledger.duplicated + 2)
    (faulty,) = [with_injection(replaced(trials, "faults", ledger=wrong, recount=None), "faults")]
    assert missed([faulty]) == {("faults", "lost"), ("faults", "duplicated")}
    assert misread(faulty) == "14 lost, 15 injected; 18 duplicated, 16 injected"
    (finding,) = judge(faulty)
    assert (finding.name, finding.disqualifying) == ("calibration missed", True)


def test_a_fault_that_was_not_injected_makes_a_calibration_invalid() -> None:
    trial = msgspec.structs.replace(with_injection(whole(), "delay 5 ms"), recount=None)
    assert [finding.name for finding in judge(changed(trial, "ledger", lost=1))] == ["calibration missed"]


def test_injected_faults_do_not_make_a_calibration_invalid() -> None:
    assert [judge(trial) for trial in whole() if judge(trial)] == []


def test_of_several_trials_the_count_with_the_largest_error_is_reported() -> None:
    trials = whole(blocks=3)
    place = [index for index, trial in enumerate(trials) if trial.parameters["injected"] == "faults"][1]
    trials[place] = changed(trials[place], "ledger", lost=99)
    (lost,) = [reading for reading in readings(trials) if reading.quantity == "lost"]
    assert (lost.injected, lost.read_back, lost.met) == (15, 99, False)


def test_without_a_floor_under_the_same_conditions_no_latency_is_read() -> None:
    trials = [trial for trial in whole() if trial.parameters["rate_hz"] == 63.0]
    assert "mixture" not in {reading.injection for reading in readings([*trials, with_injection(whole(), "mixture")])}
    assert readings([with_injection(whole(), "delay 5 ms")]) == []


def test_failed_trials_and_trials_outside_of_the_calibration_are_left_out() -> None:
    failure = Failure(phase="start", error="no")
    assert readings([calm(), *(msgspec.structs.replace(trial, failure=failure) for trial in whole())]) == []
    assert injection_of(calm()) is None
    assert misread(calm()) is None


def test_the_floor_is_that_of_the_same_block_so_that_drift_cancels() -> None:
    trials = [calibrated(trial.planned, offset_ns=10 * MS * trial.planned.block) for trial in whole(blocks=3)]
    assert missed(trials) == set()


@given(st.lists(st.sampled_from([0, 50 * MS, 400 * MS]), min_size=1, max_size=300), st.integers(0, 999))
def test_a_quantile_is_an_injected_value_plus_a_quantile_of_the_floor(extras: list[int], per_mille: int) -> None:
    """Exact where the floor is the same for every injected value and narrower than their distance."""
    q = max(per_mille, 1) / 1000
    floor = np.arange(200_000, 1_200_000, 10_000)  # a hundred deliveries of every injected value
    injected = Truth(tuple(sorted(extras * len(floor))), 0, 0, 0)
    measured = fold(np.concatenate([extra + floor for extra in extras]).astype(np.int64))
    extra, place = place_of(injected, q)
    expected = extra + (quantile(fold(floor), place) or 0)
    assert quantile(measured, q) == pytest.approx(expected, abs=11_000 + 0.002 * expected)


def test_curves_begin_with_the_floor_and_have_their_truth_inside() -> None:
    drawn = curves(whole(blocks=2))
    assert [curve.injection.name for curve in drawn[:1]] == ["delay 0 ms"]
    assert drawn[0].truth_ns is None
    assert {curve.injection.name for curve in drawn[1:]} == set(INJECTIONS) - {"delay 0 ms", "faults"}
    for curve in drawn[1:]:
        assert curve.truth_ns is not None
        for share in (0.1, 0.5, 0.95):
            assert quantile(curve.measured, share) == pytest.approx(curve.truth_ns(share), rel=0.02)


def test_the_truth_of_a_trial_follows_from_its_parameters() -> None:
    trial = with_injection(whole(), "freeze")
    assert len(truth_of(trial, INJECTIONS["freeze"]).extra_ns) == 20 * 158
