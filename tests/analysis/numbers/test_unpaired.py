"""Two runs: Welch, Smyth and Holm with scipy and simulation as oracles, and the error rates of whole comparisons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.analysis.numbers.unpaired import (
    MOST_PRIOR,
    NO_PRIOR,
    Change,
    Prior,
    changes,
    holm,
    pooled,
    relative_to_others,
    welch,
)
from bench.analysis.runs.regressions import ChangeVerdict, compare_runs
from tests._runs import World

logs = st.floats(-20, 20)
samples = st.lists(logs, min_size=2, max_size=9)
panels = st.dictionaries(
    st.sampled_from("abcdefgh"), st.tuples(*[st.lists(logs, min_size=4, max_size=4)] * 2), min_size=3, max_size=8
)


def sides(panel):
    return tuple({name: dict(enumerate(runs[side])) for name, runs in panel.items()} for side in (0, 1))


# the oracle warns of samples that hardly scatter, one of which is enough; what it computes is compared all the same
@pytest.mark.filterwarnings("ignore:Precision loss occurred in moment calculation:RuntimeWarning")
@given(samples, samples)
def test_without_a_prior_it_is_welch_with_degrees_of_freedom_rounded_down(old, new):
    change = welch(old, new)
    assert change.delta == pytest.approx(np.mean(new) - np.mean(old), abs=1e-9)
    if change.variance < 1e-9:
        return
    oracle = stats.ttest_ind(new, old, equal_var=False)
    assert change.freedom in (int(oracle.df - 1e-6), int(oracle.df + 1e-6))
    assert change.delta / np.sqrt(change.variance) == pytest.approx(oracle.statistic, rel=1e-6, abs=1e-9)
    assert change.p_value >= oracle.pvalue - 1e-9
    ends = oracle.confidence_interval(0.95)
    assert change.delta - change.half_width() <= ends.low + 1e-6


@given(samples, samples)
def test_the_change_in_the_other_direction_has_the_other_sign(old, new):
    one, other = welch(old, new, Prior(0.5, 4.0)), welch(new, old, Prior(0.5, 4.0))
    assert (one.delta, one.freedom) == (-other.delta, other.freedom)
    assert one.variance == pytest.approx(other.variance)


def test_without_scatter_a_change_is_certain_and_no_change_has_p_value_1():
    assert welch([1.0, 1.0], [2.0, 2.0]).p_value == 0.0
    assert welch([1.0, 1.0], [1.0, 1.0]).p_value == 1.0


@pytest.mark.parametrize("freedom", [3.0, 4.0, 5.0])
def test_the_prior_from_which_variances_were_drawn_is_estimated(freedom):
    """True variances are scaled inverse chi-square, as in Smyth's model."""
    rng = np.random.default_rng(1)
    true = 0.04 * freedom / rng.chisquare(freedom, 4_000)
    prior = pooled([(float(v * rng.chisquare(4) / 4), 4) for v in true])
    assert prior.freedom == pytest.approx(freedom, rel=0.2)
    assert prior.variance == pytest.approx(0.04, rel=0.1)


def test_equal_variances_give_the_largest_prior_and_few_give_none():
    rng = np.random.default_rng(2)
    assert pooled([(float(rng.chisquare(4) / 4), 4) for _ in range(2_000)]).freedom == MOST_PRIOR
    assert pooled([(1.0, 4), (0.0, 4), (2.0, 4)]) == NO_PRIOR


@given(st.lists(st.floats(0, 1), max_size=30))
def test_holm_is_between_raw_and_bonferroni_p_values_and_keeps_their_order(p_values):
    adjusted = holm(p_values)
    for raw, corrected in zip(p_values, adjusted, strict=True):
        assert raw <= corrected <= min(1.0, raw * len(p_values)) or corrected == pytest.approx(
            min(1.0, raw * len(p_values))
        )
    assert [adjusted[place] for place in np.argsort(p_values, kind="stable")] == sorted(adjusted)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


@given(panels, st.lists(logs, min_size=4, max_size=4), logs)
def test_a_change_that_all_cells_of_a_block_or_a_run_have_in_common_is_removed(panel, blocks, run):
    old, new = sides(panel)
    drifted = {name: {block: value + blocks[block] + run for block, value in own.items()} for name, own in new.items()}
    for one, other in zip(relative_to_others(old, new), relative_to_others(old, drifted), strict=True):
        for name in panel:
            # the level moves with the drift, equally for all: their distances stay
            shift = [other[name][block] - one[name][block] for block in one[name]]
            assert np.ptp(shift) == pytest.approx(0, abs=1e-6)
    before, after = changes(old, new, True), changes(old, drifted, True)
    for name in before:
        assert after[name].delta == pytest.approx(before[name].delta, abs=1e-6)


@given(panels)
def test_exchanged_runs_show_the_opposite(panel):
    old, new = sides(panel)
    for drifts in (False, True):
        one, other = changes(old, new, drifts), changes(new, old, drifts)
        assert one.keys() == other.keys()
        for name in one:
            assert one[name].delta == pytest.approx(-other[name].delta, abs=1e-9)
            assert one[name].variance == pytest.approx(other[name].variance, abs=1e-9)


def test_without_enough_other_cells_a_machine_dependent_quantity_has_no_change():
    old, new = sides({"a": ([1, 1.1, 0.9], [2, 2.1, 1.9]), "b": ([1, 1.1, 0.8], [1, 1.2, 0.9])})
    assert changes(old, new, True) == {}
    assert set(changes(old, new, False)) == {"a", "b"}


def test_two_blocks_are_too_few():
    old, new = sides({name: ([1.0, 1.1, 0.9], [2.0, 2.1]) for name in "abc"})
    assert changes(old, new, False) == {}


def test_a_change_counts_less_where_other_cells_scatter_beyond_their_noise():
    rng = np.random.default_rng(3)

    def panel(scatter):
        cells = {f"v{n}": (rng.normal(0, 0.02, 5), rng.normal(scatter * (-1) ** n * n / 4, 0.02, 5)) for n in range(8)}
        return sides({**cells, "changed": (rng.normal(0, 0.02, 5), rng.normal(0.2, 0.02, 5))})

    assert changes(*panel(0.0), True)["changed"].p_value < 1e-6
    assert changes(*panel(0.2), True)["changed"].p_value > 1e-2
    assert isinstance(changes(*panel(0.0), True)["v0"], Change)


def share(world: World, runs: int, verdict: ChangeVerdict, seed: int = 0) -> float:
    """The share of comparisons of two runs with a change of this verdict; with an injected effect, on its CPU alone."""
    rng = np.random.default_rng(seed)
    comparisons = 0
    for _ in range(runs):
        changes = compare_runs(*world.runs(rng)).of(verdict)
        comparisons += any(world.effect == 1.0 or (one.metric.name, one.variant.name) == ("cpu", world.changed[0])
                           for one in changes)  # fmt: skip
    return comparisons / runs


QUIET, MIXED = (0.03, 0.03), (0.03, 0.09)
DELIVERING = ("broadcast", "echo")


@pytest.mark.uncounted
@pytest.mark.parametrize(("blocks", "noise"), [(3, MIXED), (5, QUIET), (5, MIXED)])
def test_two_runs_of_the_same_code_rarely_show_a_regression(blocks, noise):
    """All comparisons of a run, on a machine that is about 20 % slower or faster the second time."""
    assert share(World(blocks, noise, scenarios=DELIVERING), 70, ChangeVerdict.REGRESSION) <= 0.03


@pytest.mark.uncounted
def test_a_machine_that_slows_variants_differently_causes_few_false_alarms():
    """About 20 % slower or faster, and each variant by 80 to 120 % of that."""
    assert share(World(5, MIXED, drift_spread=0.2, scenarios=DELIVERING), 70, ChangeVerdict.REGRESSION) <= 0.1


@pytest.mark.uncounted
@pytest.mark.parametrize(("blocks", "noise", "least"), [(5, 0.04, 0.9), (3, 0.04, 0.6)])
def test_an_increase_of_cpu_by_a_fifth_is_detected(blocks, noise, least):
    world = World(blocks, (noise, noise), effect=1.2, scenarios=DELIVERING)
    assert share(world, 70, ChangeVerdict.REGRESSION) >= least
