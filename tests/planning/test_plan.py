"""The plan: every cell once per block, in an order that a seed fixes."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import servers
from bench import scenarios
from bench.planning.plan import (
    BRIEF,
    FLOOR,
    WHOLE,
    Point,
    calibration,
    compared,
    floors,
    of_run,
    plan,
    twins,
)
from bench.planning.request import Request, settle
from bench.scenarios import Publishes
from bench.schedule import sequences
from servers._injections import INJECTIONS

cells = st.sets(st.tuples(st.sampled_from(["broadcast", "echo"]), st.text("abcxyz_", min_size=1)), min_size=1).map(list)


@given(cells, st.integers(1, 5), st.integers())
def test_every_block_holds_every_cell_once(cells, repetitions, seed):
    planned = plan(cells, repetitions, seed)
    for block in range(1, repetitions + 1):
        counts = Counter((trial.scenario, trial.variant) for trial in planned if trial.block == block)
        assert counts == Counter(cells)
    assert [trial.position for trial in planned] == list(range(1, len(planned) + 1))
    assert len({trial.id for trial in planned}) == len(planned)


@given(cells, st.integers(1, 4), st.integers())
def test_the_seed_alone_decides_the_order(cells, repetitions, seed):
    assert plan(cells, repetitions, seed) == plan(cells[::-1], repetitions, seed)


def test_blocks_differ_in_their_order_so_that_no_cell_always_comes_first():
    cells = [("broadcast", name) for name in "abcdefgh"]
    planned = plan(cells, 6, 1)
    assert len({trial.variant for trial in planned if trial.position % len(cells) == 1}) > 1


def test_a_point_is_named_by_a_value_that_can_be_the_name_of_a_file():
    values = ("none", "trickle then stop", 40.0, 100)
    assert [Point("s", "v", "slow", value).suffix for value in values] == [
        "-slow-none", "-slow-trickle-then-stop", "-slow-40", "-slow-100",
    ]  # fmt: skip


def test_a_trial_keeps_its_seed_when_other_trials_are_added():
    few = plan([("echo", "sse")], 2, 5)
    many = {trial.id: trial.seed for trial in plan([("echo", "sse"), ("echo", "polling")], 2, 5)}
    assert all(many[trial.id] == trial.seed for trial in few)


@given(cells, st.integers(1, 4), st.integers())
def test_a_twin_runs_a_cell_of_every_scenario_twice_in_every_block(cells, repetitions, seed):
    doubled = twins(cells, seed)
    assert sorted(scenario for scenario, _ in doubled) == sorted({scenario for scenario, _ in cells})
    assert set(doubled) <= set(cells)
    planned = plan(cells, repetitions, seed, doubled)
    for block in range(1, repetitions + 1):
        counts = Counter((trial.scenario, trial.variant) for trial in planned if trial.block == block)
        assert counts == Counter([*cells, *doubled])
    assert len({trial.id for trial in planned}) == len(planned)


@given(cells, st.integers(1, 3), st.integers(), st.sets(st.sampled_from(["broadcast", "echo", "idle"])))
def test_every_block_of_a_run_begins_with_a_brief_calibration_and_measures_the_harness(
    cells, repetitions, seed, twinned
):
    harness = floors({scenario: Publishes.PUBLISHER for scenario, _ in cells})
    planned = of_run(cells, harness, repetitions, seed, twinned)
    doubled = twins([cell for cell in compared(cells) if cell[0] in twinned], seed)
    for block in range(1, repetitions + 1):
        trials = [trial for trial in planned if trial.block == block]
        brief, rest = trials[: len(BRIEF)], trials[len(BRIEF) :]
        assert {(trial.variant, trial.changes["injected"]) for trial in brief} == {
            ("calibration", "delay 5 ms"), ("calibration", "faults"),
        }  # fmt: skip
        counts = Counter((trial.scenario, trial.variant) for trial in rest)
        assert counts == Counter([*cells, *harness, *doubled])
        assert not any(trial.changes for trial in rest)
    assert [trial.position for trial in planned] == list(range(1, len(planned) + 1))
    assert len({trial.id for trial in planned}) == len(planned)
    alone = {trial.id: trial.seed for trial in plan(cells, repetitions, seed)}
    assert alone.items() <= {trial.id: trial.seed for trial in planned}.items()


def test_the_harness_is_measured_where_anything_is_published():
    publishes = {name: scenarios.load(name).publishes for name in ("broadcast", "echo", "idle")}
    assert floors(publishes) == [("broadcast", FLOOR), ("echo", FLOOR)]


def test_faults_and_searches_have_no_controls_and_comparisons_have():
    settled = settle(Request(profile="full"))
    assert set(settled.controlled) == {"broadcast", "burst", "chat", "echo", "idle"} == settled.twinned
    assert settle(Request(profile="quick")).twinned == frozenset()


def test_an_extra_variant_is_measured_only_if_it_is_named():
    extra = {name for name in servers.names() if servers.load(name).extra}
    assert extra == {"ndjson"}
    assert set(settle(Request()).variants) == set(servers.names()) - extra
    assert set(settle(Request(variants=("ndjson", "sse"))).variants) == {"ndjson", "sse"}


def test_a_harness_that_was_named_is_measured_once():
    cells = [("echo", "sse"), ("echo", FLOOR)]
    planned = of_run(cells, floors({"echo": Publishes.SUBSCRIBERS}), 1, 1, ())
    assert sorted(trial.variant for trial in planned if not trial.changes) == [FLOOR, "sse"]


def test_a_long_calibration_holds_every_injection_in_every_block_under_its_own_conditions():
    planned = calibration(WHOLE, 1, 2, calibration(WHOLE, 1, 1))
    assert len({trial.id for trial in planned}) == len(planned) == 2 * len(WHOLE)
    for block in (1, 2):
        changes_of_block = [trial.changes for trial in planned if trial.block == block]
        assert {changes["injected"] for changes in changes_of_block} == set(INJECTIONS)
        for changes in changes_of_block:
            injection = INJECTIONS[changes["injected"]]
            floor = injection.name == "delay 0 ms"
            assert floor or (changes["subscribers"], changes["rate_hz"]) == (injection.subscribers, injection.rate_hz)
    orders = [[trial.changes for trial in planned if trial.block == block] for block in (1, 2)]
    assert orders[0] != orders[1]


def test_every_injection_has_its_floor_under_the_same_conditions():
    def conditions(injection):
        return injection.subscribers, injection.rate_hz

    floors_ = {conditions(injection) for injection in WHOLE if injection.name == "delay 0 ms"}
    assert {conditions(injection) for injection in WHOLE} == floors_
    assert len({conditions(injection) for injection in BRIEF}) == 1


@pytest.mark.parametrize(
    ("warm_up_s", "measure_s", "rate_hz", "expected"),
    [(0.0, 1.0, 10.0, (0, 10)), (0.25, 2.5, 63.0, (16, 174)), (0.5, 0.01, 4.0, (2, 3))],
)
def test_the_measured_messages_follow_from_the_parameters(warm_up_s, measure_s, rate_hz, expected):
    assert sequences({"warm_up_s": warm_up_s, "measure_s": measure_s, "rate_hz": rate_hz}) == expected


@pytest.mark.parametrize(("burst", "expected"), [(1, (5, 105)), (10, (10, 110)), (40, (40, 120)), (1000, (1000, 2000))])
def test_the_measured_part_holds_whole_bursts(burst, expected):
    assert sequences({"warm_up_s": 0.1, "measure_s": 2.0, "rate_hz": 50.0}, burst) == expected


def test_without_a_slow_reader_less_is_measured():
    scenario = scenarios.load("slow_reader")
    base = scenario.settled("standard", {"calm_s": 8.0})
    assert scenario.driven(base, {}) == base
    assert scenario.driven(base, {"slow": "none"}) == {**base, "slow": "none", "measure_s": 8.0}


@given(cells, st.integers(1, 3), st.integers())
def test_every_block_holds_every_point_of_a_sweep_once_and_leaves_the_other_trials_as_they_were(
    cells, repetitions, seed
):
    points = [Point(*cell, name, value) for cell in cells for name, value in (("rate_hz", 0.5), ("subscribers", 7))]
    planned = plan(cells, repetitions, seed, points=points)
    for block in range(1, repetitions + 1):
        counts = Counter(
            (trial.scenario, trial.variant, *next(iter(trial.changes.items())))
            for trial in planned
            if trial.block == block and trial.changes
        )
        assert counts == Counter((one.scenario, one.variant, one.parameter, one.value) for one in points)
    assert len({trial.id for trial in planned}) == len(planned)
    alone = {trial.id: trial.seed for trial in plan(cells, repetitions, seed)}
    assert alone == {trial.id: trial.seed for trial in planned if not trial.changes}


def test_a_point_is_named_by_its_changed_parameter():
    planned = plan([], 1, 1, points=[Point("echo", "sse", "rate_hz", 40.0), Point("echo", "sse", "rate_hz", 0.5)])
    assert sorted(trial.id for trial in planned) == ["01-echo-sse-rate_hz-0.5", "01-echo-sse-rate_hz-40"]


def test_a_variant_that_takes_part_alone_has_no_twin():
    cells = [("outage", "flask_sse"), ("broadcast", "flask_sse"), ("broadcast", "sse")]
    assert {scenario for scenario, _ in twins(compared(cells), 1)} == {"broadcast"}


def test_points_that_agree_in_six_digits_are_two_trials():
    cell = ("broadcast", "sse")
    points = [Point(*cell, "rate_hz", value) for value in (1234567.0, 1234568.0, 0.1, 0.1000000001)]
    planned = plan([cell], 1, 1, points=points)
    assert len({one.id for one in planned}) == len(planned) == 1 + len(points)
    assert {one.changes["rate_hz"] for one in planned if one.changes} == {one.value for one in points}
