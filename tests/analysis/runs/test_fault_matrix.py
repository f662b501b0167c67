"""Delivery classes and the fault matrix: promises, losses, and that findings and matrix agree."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.numbers.distributions import fold
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.fault_controls import beside_control, uneven_steal
from bench.analysis.runs.fault_matrix import Outcome, fault_result, matrix, outcome
from bench.analysis.runs.faults import Fault, back_ns, fault_of, faults
from bench.analysis.trials.delivery_class import DeliveryClass, delivery_class, excused
from bench.analysis.trials.findings import judge
from bench.results import Ledger, Outage, Reconnects, Recount, Restart, Trial
from tests._faults import EXPECTED, OWN, SWEPT, fault_trial, faulty, robbed
from tests._natures import NATURES
from tests._synthetic import synthetic
from tests._trials import MS, calm, changed

RESUMING, PLAIN, BROKERED = NATURES[2], NATURES[5], NATURES[4]  # SSE; Flask-SocketIO; flask-sse, which has a broker
FEW = (RESUMING, PLAIN, BROKERED)
LOSSES = ("lost messages", "duplicated messages", "reordered messages")


def absent(resumes: bool, cuts: int = 3) -> Reconnects:
    return Reconnects(
        declares_resume=resumes, disconnects=cuts, caught_up=cuts, attempts=cuts, attempt_slots=[cuts],
        recovered_deliveries=0, catch_up_time=fold(np.full(cuts, MS)), reconnect_time=fold(np.full(cuts, MS)),
    )  # fmt: skip


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    """Any possible ledger: signalled messages were lost, lost ones were expected."""
    expected = draw(st.integers(1, 5000))
    lost = draw(st.integers(0, expected))
    few = st.integers(0, 3)
    return Ledger(
        expected=expected, delivered=expected - lost, lost=lost, signalled=draw(st.integers(0, lost)),
        duplicated=draw(few), reordered=draw(few), corrupted=0, gaps_signalled=0, errors={},
    )  # fmt: skip


@st.composite
def faulted(draw: st.DrawFn) -> tuple[Trial, DeliveryClass]:
    """A trial of any scenario with faults and with any ledger, and the class of its variant."""
    scenario = draw(st.sampled_from(list(OWN)))
    nature = BROKERED if scenario == "outage" else draw(st.sampled_from(FEW))
    resumes = nature is RESUMING
    trial = fault_trial(
        msgspec.structs.replace(calm(scenario).planned, variant=nature.name, seed=draw(st.integers(0, 9))),
        nature, resumes,
    )  # fmt: skip
    trial = msgspec.structs.replace(trial, ledger=draw(ledgers()))
    return trial, DeliveryClass.RESUME if resumes else DeliveryClass.NONE


@given(faulted())
def test_a_trial_is_invalid_for_a_loss_where_the_matrix_has_a_broken_promise(
    made: tuple[Trial, DeliveryClass],
) -> None:
    trial, delivery = made
    invalid = "lost messages" in [finding.name for finding in judge(trial)]
    assert invalid is (outcome([trial], delivery) is Outcome.BROKEN)


@given(faulted())
def test_a_variant_that_may_lose_may_repeat_and_no_other(made: tuple[Trial, DeliveryClass]) -> None:
    trial, delivery = made
    assert trial.ledger
    repeated = msgspec.structs.replace(trial, ledger=msgspec.structs.replace(trial.ledger, duplicated=1, reordered=1))
    names = [finding.name for finding in judge(repeated)]
    assert ("duplicated messages" in names) is ("reordered messages" in names) is not excused(trial, delivery)


@given(st.lists(ledgers(), min_size=1, max_size=4), st.booleans(), st.randoms())
def test_an_outcome_is_the_worst_of_its_trials_in_any_order(
    all_ledgers: list[Ledger], resumes: bool, rng: object
) -> None:
    delivery = DeliveryClass.RESUME if resumes else DeliveryClass.NONE
    trials = [calm("dropped", ledger=ledger, reconnects=absent(resumes)) for ledger in all_ledgers]
    worst = outcome(trials, delivery)
    rng.shuffle(trials)  # type: ignore[attr-defined]
    assert outcome(trials, delivery) is worst
    unsignalled, lost = any(one.lost > one.signalled for one in all_ledgers), any(one.lost for one in all_ledgers)
    assert (worst is Outcome.BROKEN) is (unsignalled and resumes)
    assert (worst is Outcome.UNSIGNALLED) is (unsignalled and not resumes)
    assert (worst is Outcome.SIGNALLED) is (lost and not unsignalled)
    assert (worst is Outcome.WHOLE) is not lost


@pytest.mark.parametrize(
    ("trial", "allowed"),
    [
        (calm("dropped", reconnects=absent(resumes=False)), True),
        (calm("dropped", reconnects=absent(resumes=True)), False),
        (calm("lossy", reconnects=absent(resumes=False, cuts=0)), False),  # no subscriber was cut off
        (calm("outage", outage=Outage(began_ns=0, ended_ns=1, recovered_ns=None)), True),
        (calm("outage", outage=Outage(began_ns=0, ended_ns=1, recovered_ns=1), reconnects=absent(resumes=True)), False),
        (calm("broadcast"), False),
    ],
    ids=["cut off", "resumes", "a path without cuts", "outage", "outage, resumes", "no fault"],
)
def test_a_loss_makes_a_trial_invalid_unless_the_class_allows_it(trial: Trial, allowed: bool) -> None:
    lossy = changed(trial, "ledger", lost=5, delivered=495)
    assert ("lost messages" in [finding.name for finding in judge(lossy)]) is not allowed


def test_after_a_restart_a_server_without_resume_may_lose_without_a_disconnect() -> None:
    restart = Restart(ended_ns=0, ready_ns=MS)
    trial = calm("restart", reconnects=absent(resumes=False, cuts=0), restart=restart)
    assert "lost messages" not in [finding.name for finding in judge(changed(trial, "ledger", lost=5, delivered=495))]


def test_the_other_subscribers_beside_a_slow_reader_may_lose_nothing_in_any_class() -> None:
    run, trials = faulty(*synthetic(FEW, ["broadcast"], troubles=False), FEW, ["slow_reader"])
    slow = next(trial for trial in trials if trial.slow_reader and trial.planned.variant == PLAIN.name)
    lossy = changed(slow, "ledger", lost=5, delivered=EXPECTED - 5)
    assert "lost messages" in [finding.name for finding in judge(lossy)]
    assert judge(changed(slow, "slow_reader", lost=500)) == judge(slow)
    assert run


@pytest.fixture(scope="module")
def cells() -> Cells:
    return Cells(*faulty(*synthetic(FEW, ["broadcast"], troubles=False), FEW))


def test_the_synthetic_trials_are_valid(cells: Cells) -> None:
    assert not [trial.findings for trial in cells.trials if not trial.valid]


def test_the_matrix_has_every_fault_and_every_variant_and_no_control(cells: Cells) -> None:
    rows = matrix(cells)
    assert [row[0].fault.name for row in rows] == [
        "dropped", "restart TERM", "restart KILL", "slow_reader trickle then stop", "outage STOP", "outage KILL",
        "lossy far", "lossy narrow", "lossy fragments", "lossy resets", "lossy stalls",
    ]  # fmt: skip
    assert all([cell.variant.name for cell in row] == [nature.name for nature in FEW] for row in rows)
    assert all(values for _, values in SWEPT.values())


def test_a_cell_counts_all_its_trials(cells: Cells) -> None:
    dropped = fault_result(cells, Fault("dropped"), cells.facts[PLAIN.name])
    assert (dropped.trials, dropped.invalid, dropped.expected) == (3, 0, 3 * EXPECTED)
    assert (dropped.lost, dropped.signalled, dropped.unsignalled) == (3 * 180 * 8, 0, 3 * 180 * 8)
    assert dropped.outcome is Outcome.UNSIGNALLED
    assert dropped.recovery is not None
    assert len(dropped.recovery.values) == 3


def test_a_variant_that_resumes_keeps_its_promise_by_signals(cells: Cells) -> None:
    results = [fault_result(cells, Fault("restart", value), cells.facts[RESUMING.name]) for value in ("TERM", "KILL")]
    assert [one.outcome for one in results] == [Outcome.SIGNALLED] * 2
    assert results[0].lost > results[1].lost > 0


def test_a_broken_promise_is_counted_though_its_trials_are_invalid() -> None:
    run, trials = synthetic(FEW, ["broadcast"], troubles=False)
    cells = Cells(*faulty(run, trials, FEW, unreliable=RESUMING.name))
    dropped = fault_result(cells, Fault("dropped"), cells.facts[RESUMING.name])
    assert (dropped.outcome, dropped.unsignalled, dropped.invalid) == (Outcome.BROKEN, 3 * 7, 3)
    assert dropped.recovery is None  # times come from valid trials


def test_a_variant_without_a_broker_is_absent_from_the_outage_with_the_reason(cells: Cells) -> None:
    row = {variant.name: fault_result(cells, Fault("outage", "KILL"), variant) for variant in cells.shown}
    assert {name: one.reason for name, one in row.items()} == {
        RESUMING.name: "has no broker", PLAIN.name: "has no broker", BROKERED.name: "",
    }  # fmt: skip
    assert row[BROKERED.name].recovery is not None


def test_trials_without_recovery_are_counted(cells: Cells) -> None:
    stopped = fault_result(cells, Fault("outage", "STOP"), cells.facts[BROKERED.name])
    assert stopped.unrecovered == 1
    assert stopped.recovery is not None
    assert len(stopped.recovery.values) == 2


def with_other_recount(trial: Trial) -> Trial:
    return msgspec.structs.replace(trial, recount=Recount(lost=9, signalled=0, duplicated=0, reordered=0))


def test_a_ledger_that_the_oracle_contradicts_counts_for_nothing(cells: Cells) -> None:
    contradicted = Cells(cells.run, [with_other_recount(trial) for trial in cells.trials])
    (result, *_) = matrix(contradicted)[0]
    assert (result.outcome, result.reason) == (Outcome.ABSENT, "ledger and recount disagree")


def test_a_fault_that_was_not_run_is_absent_with_the_reason(cells: Cells) -> None:
    nothing = Cells(cells.run, [])
    assert {one.reason for row in matrix(nothing) for one in row} == {"not run", "has no broker"}
    assert faults(Cells(*synthetic(FEW, ["broadcast"], troubles=False))) == []


def test_a_sweep_of_something_else_is_no_fault(cells: Cells) -> None:
    dropped = next(trial for trial in cells.trials if trial.planned.scenario == "dropped")
    planned = msgspec.structs.replace(dropped.planned, changes={"subscribers": 10})
    assert fault_of(msgspec.structs.replace(dropped, planned=planned)) is None


def test_beside_the_control_a_ratio_is_paired_by_block(cells: Cells) -> None:
    slow = Fault("slow_reader", "trickle then stop")
    slowed, unaffected = (beside_control(cells, "latency_p99", slow, name) for name in (PLAIN.name, RESUMING.name))
    assert slowed.ratio is not None
    assert unaffected.ratio is not None
    assert slowed.ratio.median > 3 > unaffected.ratio.median
    assert len(slowed.ratio.values) == 3


@pytest.mark.parametrize(
    ("with_it", "without", "shares"),
    [
        ((3, 4, 1), (0, 1, 9), (0.03, 0.01)),
        ((0, 1, 0), (2, 2, 8), (0.0, 0.02)),
        ((3, 3, 3), (2, 2, 2), None),  # alike
        ((1, 1, 1), (0, 0, 0), None),  # too little for a finding
    ],
)
def test_uneven_steal_is_reported(
    with_it: tuple[int, ...], without: tuple[int, ...], shares: tuple[float, float] | None
) -> None:
    """Percent of the cores, by block."""
    slow = Fault("slow_reader", "trickle then stop")
    cells = Cells(*robbed(FEW, slow, RESUMING.name, {slow.value: with_it, "none": without}))
    assert uneven_steal(cells, slow, RESUMING.name) == (shares and pytest.approx(shares))
    assert uneven_steal(cells, slow, PLAIN.name) is None
    assert uneven_steal(cells, Fault("dropped"), RESUMING.name) is None


def test_the_time_until_95_percent_are_back_counts_those_that_never_are() -> None:
    trial = calm("restart", reconnects=absent(resumes=True, cuts=100))
    assert back_ns(trial) == pytest.approx(MS, rel=1e-3)
    few = changed(trial, "reconnects", disconnects=106)
    assert back_ns(few) is None


def test_the_class_is_as_declared(cells: Cells) -> None:
    assert [str(delivery_class(variant)) for variant in cells.shown] == ["resume", "none", "none"]
