"""Which trials are retried, and which are not: the machine alone decides."""

from itertools import count

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.fault_matrix import fault_result
from bench.analysis.runs.faults import fault_of, faults
from bench.analysis.runs.long_table import rows
from bench.analysis.trials.findings import CHECKS, OF_THE_MACHINE, SLOWING
from bench.execution import trial
from bench.execution.run import begin, carry_out, resume
from bench.measure import machine, neighbours
from bench.planning.request import Request
from bench.planning.retries import FEWEST_PER_BLOCK, MOST_SHARE, disturbed, due, retry
from bench.report.sections.missing import outcomes
from bench.results import Failure, Finding, Planned, Trial, load
from tests._faults import faulty
from tests._synthetic import synthetic
from tests._trials import calm

CALM = calm()


def judged(*names: str, place: str = "01-broadcast-sse", block: int = 1, retry_of: str = "", number: int = 1) -> Trial:
    """A trial with these disqualifying findings."""
    planned = Planned(
        id=f"{place}-retry-{number}" if retry_of else place, scenario="broadcast", variant="sse",
        block=block, position=1,
        seed=7, retry_of=retry_of,
    )  # fmt: skip
    findings = [Finding(name=name, disqualifying=True, observation="", remedy="") for name in names]
    return msgspec.structs.replace(CALM, planned=planned, findings=findings)


@pytest.mark.parametrize("name", sorted(OF_THE_MACHINE))
def test_what_the_machine_disturbed_is_retried(name):
    assert disturbed(judged(name))
    assert disturbed(judged(name, "generator saturated", "publisher far too late"))


@pytest.mark.parametrize("name", sorted({check.name for check in CHECKS if check.disqualifying} - OF_THE_MACHINE))
def test_nothing_else_is_retried(name):
    assert not disturbed(judged(name))
    assert disturbed(judged(name, "heavy steal")) == (name in SLOWING)


def test_which_findings_are_about_the_machine_and_which_shorten_no_delay():
    """Written out, because a new check in a list must not change which trials are retried."""
    assert {
        "generator waited long for its core", "server waited long for its core", "heavy competing CPU use",
        "heavy steal", "throttled for long",
    } == OF_THE_MACHINE  # fmt: skip
    assert {
        "generator saturated", "load cores saturated", "generator far too late", "publisher far too late",
    } == SLOWING - OF_THE_MACHINE  # fmt: skip


def test_a_loss_is_not_excused_by_a_busy_machine():
    assert not disturbed(judged("heavy steal", "lost messages"))


def test_a_failure_is_not_retried():
    trial = msgspec.structs.replace(judged("heavy steal"), failure=Failure(phase="measure", error="the server died"))
    assert not disturbed(trial)


def test_findings_that_do_not_disqualify_need_no_retry():
    doubts = [Finding(name="heavy steal", disqualifying=False, observation="", remedy="")]
    assert not disturbed(calm(findings=doubts))
    assert not disturbed(calm())


def test_a_retry_is_the_same_trial_at_the_same_place():
    planned = judged("heavy steal").planned
    first = retry(planned)
    assert (first.id, first.place) == ("01-broadcast-sse-retry-1", "01-broadcast-sse")
    assert msgspec.structs.replace(first, id=planned.id, retry_of="") == planned
    second = retry(first, 2)
    assert (second.id, second.place) == ("01-broadcast-sse-retry-2", "01-broadcast-sse")


def test_every_trial_is_retried_in_its_own_block():
    trials = [judged("heavy steal"), judged("heavy steal", place="02-broadcast-sse", block=2)]
    assert [one.id for one in due(trials, 1)] == ["01-broadcast-sse-retry-1"]
    assert due([*trials, judged(retry_of="01-broadcast-sse")], 1) == []
    assert [one.id for one in due(trials, 2)] == ["02-broadcast-sse-retry-1"]


def test_a_trial_is_retried_three_times_at_most():
    trials = [judged("heavy steal"), *(judged(place=f"01-{n}") for n in range(40))]
    ids = []
    while retries := due(trials, 1):
        ids += [one.id for one in retries]
        trials.append(judged("heavy steal", retry_of="01-broadcast-sse", number=len(ids)))
    assert ids == [f"01-broadcast-sse-retry-{number}" for number in (1, 2, 3)]


def test_a_retry_that_lost_a_message_is_not_retried():
    trials = [judged("heavy steal"), judged("lost messages", "heavy steal", retry_of="01-broadcast-sse")]
    assert due(trials, 1) == []


@given(st.integers(0, 80), st.integers(0, 80))
def test_no_more_than_a_fifth_of_a_block_or_two_are_retried(disturbances, calm_ones):
    trials = [judged("heavy steal", place=f"01-{n}") for n in range(disturbances)]
    trials += [judged(place=f"01-calm-{n}") for n in range(calm_ones)]
    retries = due(trials, 1)
    most = max(FEWEST_PER_BLOCK, int(MOST_SHARE * len(trials)))
    assert len(retries) == min(disturbances, most)
    # After an interruption behind the first of them, the others are still due, and no more.
    records = [judged(place=one.retry_of, retry_of=one.retry_of) for one in retries[:1]]
    assert due([*trials, *records], 1) == retries[1:]


def with_a_retry(trials: list[Trial], first: Trial) -> list[Trial]:
    """The trials, of which the machine disturbed one, which was then retried with the same outcome."""
    invalid = msgspec.structs.replace(first, findings=judged("heavy steal").findings)
    retried = msgspec.structs.replace(first, planned=retry(first.planned))
    return [*(invalid if trial is first else trial for trial in trials), retried]


def test_a_retry_replaces_the_trial_that_it_retries():
    run, trials = synthetic(troubles=False)
    first = trials[len(trials) // 2]
    cell = (first.planned.scenario, first.planned.variant)
    before, after = Cells(run, trials), Cells(run, with_a_retry(trials, first))
    assert after.by_block("connect_p50", *cell) == before.by_block("connect_p50", *cell) != {}
    assert [one["trial"] for one in rows(after) if one["twin"]] == []
    assert outcomes(after).sentence.startswith(
        f"{len(trials)} trials planned, 1 of them retried after a disturbance by the machine: {len(trials)} valid,"
        " 1 invalid"
    )


def test_a_trial_that_was_retried_keeps_its_twin():
    run, trials = synthetic(troubles=False, twins=True)
    before = Cells(run, trials)
    (scenario, variant) = next((one.scenario, one.variant) for one in run.plan if one.id.endswith("-twin"))
    (first,) = [t for t in trials if t.planned.id == f"1-{scenario}-{variant}"]
    after = Cells(run, with_a_retry(trials, first))
    assert after.floor("latency_p50", scenario) == before.floor("latency_p50", scenario)
    assert after.by_block("latency_p50", scenario, variant) == before.by_block("latency_p50", scenario, variant) != {}
    marked = {one["trial"] for one in rows(after) if one["twin"]}
    assert marked == {one["trial"] for one in rows(before) if one["twin"]} != set()


def silently(line):
    """Print nothing."""


def interrupt(*_):
    raise KeyboardInterrupt


def small(tmp_path):
    """Two blocks of a brief calibration, one variant and the harness."""
    return Request(variants=("sse",), scenarios=("broadcast",), repetitions=2, name="small", results=tmp_path)


@pytest.fixture
def made_up(monkeypatch):
    """Trials without processes: the ids that were measured, and the ids of those that the machine is to disturb."""
    measured, disturbed_ids = [], set()

    def run(planned, scenario, variant, parameters, cores, workers=1):
        measured.append(planned.id)
        steal = Finding(name="heavy steal", disqualifying=True, observation="12 %", remedy="")
        return calm(planned=planned, parameters=parameters, findings=[steal] if planned.id in disturbed_ids else [])

    monkeypatch.setattr(trial, "run", run)
    monkeypatch.setattr(machine, "pin", lambda pid, cores: None)  # of the tests' own process
    monkeypatch.setattr(neighbours, "look", lambda cores: None)
    return measured, disturbed_ids


def test_what_the_machine_disturbed_is_retried_at_the_end_of_its_block(tmp_path, made_up):
    measured, disturbed_ids = made_up
    disturbed_ids.add("01-broadcast-sse")
    lines = []
    assert carry_out(begin(small(tmp_path), silently), lines.append) == 0  # the first record stays, and is invalid
    assert measured.index("01-broadcast-sse-retry-1") == 4
    assert all(one.startswith("01") for one in measured[:5])
    assert len(measured) == 9
    assert lines[-1].endswith("1 invalid, each retried")
    _, trials = load(tmp_path / "small")
    places = {record.planned.place for record in trials if record.valid}
    assert len(trials) == 9
    assert len(places) == 8


def test_the_time_left_includes_the_retries(tmp_path, made_up, monkeypatch):
    _, disturbed_ids = made_up
    disturbed_ids |= {"02-broadcast-sse", "02-broadcast-null"}
    begun, lines, seconds = begin(small(tmp_path), silently), [], count(step=10)
    with monkeypatch.context() as slowly:
        slowly.setattr("bench.execution.progress.time.monotonic", lambda: float(next(seconds)))
        carry_out(begun, lines.append)
    left = [line.removesuffix(" left").split()[-1] for line in lines if line.endswith(" left")]
    assert left[-1] == left[-3] == "0:00"
    assert left[-2] != "0:00"


def test_what_is_disturbed_every_time_stays_invalid(tmp_path, made_up):
    measured, disturbed_ids = made_up
    disturbed_ids |= {"02-broadcast-sse", "02-broadcast-sse-retry-1", "02-broadcast-sse-retry-2"}
    lines = []
    assert carry_out(begin(small(tmp_path), silently), lines.append) == 0  # another block has a valid trial
    assert measured[-2:] == ["02-broadcast-sse-retry-1", "02-broadcast-sse-retry-2"]  # no more in so small a block
    assert lines[-1].endswith("3 invalid")


def test_a_cell_without_a_valid_trial_is_named_and_is_the_exit_code(tmp_path, made_up):
    _, disturbed_ids = made_up
    disturbed_ids |= {
        f"{block}-broadcast-sse{retry}" for block in ("01", "02") for retry in ("", "-retry-1", "-retry-2")
    }
    lines = []
    assert carry_out(begin(small(tmp_path), silently), lines.append) == 3
    assert lines[-1] == "no valid trial of broadcast sse; the report says why"


def test_a_resumed_run_makes_the_retries_that_were_still_due(tmp_path, made_up, monkeypatch):
    measured, disturbed_ids = made_up
    disturbed_ids.add("01-broadcast-sse")
    begun = begin(small(tmp_path), silently)
    with monkeypatch.context() as broken:
        broken.setattr("bench.planning.retries.due", interrupt)
        with pytest.raises(KeyboardInterrupt):
            carry_out(begun, silently)
    assert len(measured) == 4
    lines = []
    carry_out(resume("small", tmp_path, lines.append), lines.append)
    assert "4 of 8 trials are stored, 4 are left" in lines[0]
    assert measured[4] == "01-broadcast-sse-retry-1"
    assert len(measured) == len(set(measured)) == 9


def test_the_fault_matrix_counts_a_retry_in_place_of_its_first():
    run, trials = faulty(*synthetic(troubles=False))
    for fault in faults(Cells(run, trials)):
        cells = Cells(run, trials)
        name = next(one.planned.variant for one in trials if fault_of(one) == fault)
        of_fault = [one for one in trials if fault_of(one) == fault and one.planned.variant == name]
        before = fault_result(cells, fault, cells.facts[name])
        after = fault_result(Cells(run, with_a_retry(trials, of_fault[0])), fault, cells.facts[name])
        assert after == before
        assert before.trials == len(of_fault)
