"""The plan: every cell once per block, in an order that a seed fixes."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.plan import expected_s, plan, twins

cells = st.sets(st.tuples(st.sampled_from(["broadcast", "echo"]), st.text("abcxyz_", min_size=1)), min_size=1).map(list)


@given(cells, st.integers(1, 5), st.integers())
def test_every_block_holds_every_cell_once(cells, repetitions, seed):
    planned = plan(cells, repetitions, seed)
    for block in range(1, repetitions + 1):
        held = Counter((trial.scenario, trial.variant) for trial in planned if trial.block == block)
        assert held == Counter(cells)
    assert [trial.position for trial in planned] == list(range(1, len(planned) + 1))
    assert len({trial.id for trial in planned}) == len(planned)


@given(cells, st.integers(1, 4), st.integers())
def test_the_seed_alone_decides_the_order(cells, repetitions, seed):
    assert plan(cells, repetitions, seed) == plan(cells[::-1], repetitions, seed)


def test_blocks_differ_in_their_order_so_that_no_cell_always_comes_first():
    cells = [("broadcast", name) for name in "abcdefgh"]
    planned = plan(cells, 6, 1)
    assert len({trial.variant for trial in planned if trial.position % len(cells) == 1}) > 1


def test_a_trial_keeps_its_seed_when_other_trials_are_added():
    few = plan([("echo", "sse")], 2, 5)
    many = {trial.id: trial.seed for trial in plan([("echo", "sse"), ("echo", "polling")], 2, 5)}
    assert all(many[trial.id] == trial.seed for trial in few)


def test_the_estimate_counts_every_step_of_an_idle_trial():
    planned = plan([("idle", "sse")], 1, 1)
    one = expected_s(planned, {"idle": {"steps": [0], "settle_s": 0.0, "measure_s": 1.0}})
    three = expected_s(planned, {"idle": {"steps": [0, 1, 2], "settle_s": 0.0, "measure_s": 1.0}})
    assert three - one == pytest.approx(2.0)


@given(cells, st.integers(1, 4), st.integers())
def test_a_twin_runs_a_cell_of_every_scenario_twice_in_every_block(cells, repetitions, seed):
    doubled = twins(cells, seed)
    assert sorted(scenario for scenario, _ in doubled) == sorted({scenario for scenario, _ in cells})
    assert set(doubled) <= set(cells)
    planned = plan(cells, repetitions, seed, doubled)
    for block in range(1, repetitions + 1):
        held = Counter((trial.scenario, trial.variant) for trial in planned if trial.block == block)
        assert held == Counter([*cells, *doubled])
    assert len({trial.id for trial in planned}) == len(planned)
