"""Disagreement between the trials of a cell: every rule reports its cause, and nothing without the cause."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.numbers.distributions import fold
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.stability import RULES, TOO_FEW, Instability, spread, stray, unstable
from bench.results import Run, Trial
from tests._natures import NATURES
from tests._synthetic import synthetic

SSE = tuple(nature for nature in NATURES if nature.name == "sse")
DISAGREE, STRAY = RULES


def run_with(medians_ms: list[float]) -> Cells:
    """One cell with one trial per median latency; the trials are equal otherwise."""
    run, trials = synthetic(SSE, ["broadcast"], blocks=len(medians_ms), troubles=False)
    latencies = [fold(np.full(500, int(ms * 1e6))) for ms in medians_ms]
    return Cells(run, [alike(trials[0], trial, latency) for trial, latency in zip(trials, latencies, strict=True)])


def alike(first: Trial, trial: Trial, latency: object) -> Trial:
    return msgspec.structs.replace(first, planned=trial.planned, latency=latency)


def of_the_median(cells: Cells) -> list[Instability]:
    return [one for one in unstable(cells) if one.metric and one.metric.name == "latency_p50"]


def test_trials_that_agree_are_stable() -> None:
    assert unstable(run_with([1.0, 1.05, 0.95])) == []


def test_trials_that_scatter_by_more_than_a_tenth_disagree() -> None:
    (instability,) = of_the_median(run_with([0.8, 1.0, 1.2]))
    assert instability.rule is DISAGREE
    assert instability.severity == pytest.approx(1.4826 * 0.2 / 0.1, rel=0.01)
    assert (instability.scenario, instability.variant) == ("broadcast", "sse")
    assert instability.observation == (
        "delivery latency, median: 3 trials spread by 29.7\N{NO-BREAK SPACE}% of their median,"
        " 800\N{NO-BREAK SPACE}µs to 1.20\N{NO-BREAK SPACE}ms"
    )
    assert instability.remedy


def test_one_stray_trial_is_reported_and_does_not_raise_the_spread() -> None:
    (instability,) = of_the_median(run_with([1.0, 1.02, 9.0]))
    assert instability.rule is STRAY
    assert instability.observation == (
        "delivery latency, median: one trial has 9.00\N{NO-BREAK SPACE}ms, the median is 1.02\N{NO-BREAK SPACE}ms"
    )


def test_a_stray_trial_below_counts_as_one_above() -> None:
    (instability,) = of_the_median(run_with([1.0, 0.98, 0.4]))
    assert instability.rule is STRAY


@pytest.mark.parametrize("trials", [1, 2])
def test_fewer_trials_than_an_interval_needs_are_reported_once_per_cell(trials: int) -> None:
    (instability,) = unstable(run_with([1.0, 9.0][:trials]))
    assert (instability.rule, instability.metric) == (TOO_FEW, None)
    assert instability.observation.startswith(f"{trials} valid trial")


def test_invalid_trials_are_not_counted() -> None:
    run, trials = synthetic(SSE, ["broadcast"], troubles=True)
    assert [one.rule for one in unstable(Cells(run, trials))] == [TOO_FEW]


def test_a_hidden_variant_is_not_judged() -> None:
    cells = run_with([0.5, 1.0, 9.0])
    hidden: Run = msgspec.structs.replace(
        cells.run, variants=[msgspec.structs.replace(facts, hidden=True) for facts in cells.run.variants]
    )
    assert unstable(Cells(hidden, cells.trials)) == []


def test_a_median_of_zero_has_no_shares() -> None:
    assert spread([0.0, 0.0, 1.0]) is None
    assert stray([0.0, 0.0, 1.0]) is None


@given(st.lists(st.floats(1.0, 1e9), min_size=3, max_size=9), st.floats(1e-3, 1e3))
def test_neither_rule_depends_on_the_unit(values: list[float], factor: float) -> None:
    scaled = [value * factor for value in values]
    assert spread(scaled) == pytest.approx(spread(values))
    assert stray(scaled) == pytest.approx(stray(values))


@given(st.integers(0, 2**32 - 1))
def test_the_spread_of_many_normal_values_is_their_standard_deviation(seed: int) -> None:
    values = np.random.default_rng(seed).normal(100.0, 5.0, 2_000)
    assert spread(values.tolist()) == pytest.approx(0.05, rel=0.15)
