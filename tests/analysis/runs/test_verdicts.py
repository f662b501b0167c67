"""Verdicts on synthetic values with noise: equal variants, different variants, twins."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bench.analysis.numbers.statistics import (
    ASSUMED_FLOOR,
    FLOOR_CONFIDENCE,
    LEAST_FLOOR,
    Floor,
    Verdict,
    compare,
    compare_twins,
    noise_floor,
)
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.technique_ranking import ranking
from bench.results import Run, Trial
from tests._natures import NATURES
from tests._synthetic import synthetic

GRAIN = 1e-6
RUNS = 1_500
DIFFERENT = (Verdict.HIGHER, Verdict.LOWER)
ByBlock = dict[int, float]
numbers = st.floats(1e-3, 1e6)


@dataclass(frozen=True, slots=True)
class World:
    """One metric in one scenario: variants of equal cost, but the last one costs `effect` times as much. Each variant
    has log-normal noise of its own size, and each block a drift that all variants have in common."""

    blocks: int
    noise: tuple[float, float] = (0.04, 0.04)
    effect: float = 1.0
    variants: int = 5
    drift: float = 0.08

    def measured(self, rng: np.random.Generator) -> tuple[list[ByBlock], Floor, tuple[ByBlock, ByBlock]]:
        """The variants' values by block, the noise floor, and the twins from which it comes."""
        spread = rng.uniform(*self.noise, self.variants)
        twin = int(rng.integers(self.variants))
        spreads, cost = np.append(spread, spread[twin]), np.ones(self.variants + 1)
        cost[self.variants - 1] = self.effect
        cost[-1] = cost[twin]
        shape = (self.variants + 1, self.blocks)
        values = np.exp(rng.standard_normal(shape) * spreads[:, None] + rng.normal(0, self.drift, self.blocks))
        by_block = [dict(enumerate(map(float, row))) for row in values * cost[:, None]]
        twins = (by_block[twin], by_block[-1])
        floor = noise_floor({block: [(twins[0][block], twins[1][block])] for block in twins[0]}, GRAIN)
        return by_block[:-1], floor, twins


def false_alarms(world: World, runs: int = RUNS) -> float:
    """The share of comparisons of equal variants that are called different."""
    rng = np.random.default_rng(1)
    different = 0
    for _ in range(runs):
        variants, floor, _ = world.measured(rng)
        different += sum(compare(other, variants[0], floor).verdict in DIFFERENT for other in variants[1:])
    return different / (runs * (world.variants - 1))


def power(world: World) -> float:
    """The share of comparisons in which the expensive variant is called higher."""
    rng = np.random.default_rng(2)
    higher = 0
    for _ in range(RUNS):
        variants, floor, _ = world.measured(rng)
        higher += compare(variants[-1], variants[0], floor).verdict is Verdict.HIGHER
    return higher / RUNS


@pytest.mark.uncounted
@pytest.mark.parametrize("noise", [(0.03, 0.03), (0.08, 0.08), (0.03, 0.08)], ids=["quiet", "noisy", "mixed"])
@pytest.mark.parametrize(("blocks", "most"), [(3, 0.04), (5, 0.04)])
def test_equal_variants_are_rarely_called_different(blocks: int, most: float, noise: tuple[float, float]) -> None:
    assert false_alarms(World(blocks, noise)) <= most


@pytest.mark.parametrize("blocks", [3, 5])
def test_for_a_pair_with_more_noise_than_the_twins_its_own_interval_decides(blocks: int) -> None:
    """The worst case: with the smallest floor, Student's interval alone decides, with its 10 %."""
    rng = np.random.default_rng(3)
    smallest = Floor(LEAST_FLOOR, GRAIN, GRAIN, blocks, blocks)
    different = 0
    for _ in range(RUNS):
        ours, theirs = (dict(enumerate(map(float, rng.lognormal(0, 0.3, blocks)))) for _ in range(2))
        different += compare(ours, theirs, smallest).verdict in DIFFERENT
    assert different / RUNS <= 0.12


@pytest.mark.uncounted
@pytest.mark.parametrize(("blocks", "most"), [(3, 0.03), (5, 0.03)])
def test_of_twenty_equal_pairs_rarely_more_than_three_are_called_different(blocks: int, most: float) -> None:
    rng = np.random.default_rng(4)
    world = World(blocks, (0.03, 0.08), variants=40)
    experiments = 0
    for _ in range(300):
        variants, floor, _ = world.measured(rng)
        verdicts = [compare(variants[2 * pair], variants[2 * pair + 1], floor).verdict for pair in range(20)]
        experiments += sum(verdict in DIFFERENT for verdict in verdicts) > 3
    assert experiments / 300 <= most


@pytest.mark.uncounted
@pytest.mark.parametrize(("blocks", "least"), [(3, 0.88), (5, 0.98), (8, 0.99)])
def test_an_increase_by_a_fifth_is_detected_and_more_blocks_detect_more(blocks: int, least: float) -> None:
    assert power(World(blocks, effect=1.2)) >= least


def test_twins_are_called_different_once_in_a_hundred_times() -> None:
    rng = np.random.default_rng(5)
    different = 0
    for _ in range(RUNS):
        _, _, twins = World(3).measured(rng)
        different += compare_twins(*twins, GRAIN).verdict in DIFFERENT
    assert different / RUNS <= 0.02


def test_twins_that_differ_equally_in_all_blocks_are_called_different() -> None:
    ones = dict.fromkeys(range(3), 1.0)
    assert compare_twins({0: 1.10, 1: 1.11, 2: 1.10}, ones, GRAIN).verdict is Verdict.HIGHER
    assert compare_twins({0: 1.10, 1: 1.11}, {0: 1.0, 1: 1.0}, GRAIN).verdict is Verdict.TOO_FEW
    assert compare_twins({0: 1.005, 1: 1.006, 2: 1.005}, ones, GRAIN).verdict is Verdict.NONE_SHOWN
    assert compare_twins({0: 0.0, 1: 0.0, 2: 0.0}, ones, GRAIN).verdict is Verdict.LOWER


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8))
def test_the_floor_does_not_depend_on_the_order_of_blocks_or_twins(twins: list[tuple[float, float]]) -> None:
    floor = noise_floor({block: [pair] for block, pair in enumerate(twins)}, GRAIN)
    exchanged = noise_floor({block: [pair[::-1]] for block, pair in enumerate(reversed(twins))}, GRAIN)
    assert floor.measured
    assert floor.ratio >= LEAST_FLOOR
    assert exchanged.ratio == pytest.approx(floor.ratio)
    assert exchanged.difference == pytest.approx(floor.difference)


def test_twice_the_scatter_is_twice_the_floor() -> None:
    one = noise_floor({block: [(1.1, 1.0)] for block in range(4)}, 0.0)
    two = noise_floor({block: [(1.21, 1.0)] for block in range(4)}, 0.0)
    assert np.log(two.ratio) == pytest.approx(2 * np.log(one.ratio))


@pytest.mark.parametrize("blocks", [3, 5])
@pytest.mark.parametrize("cells", [1, 2])
def test_the_mean_of_equal_pairs_is_outside_of_the_floor_in_5_percent_of_cases(blocks: int, cells: int) -> None:
    rng = np.random.default_rng(6)
    outside = 0
    for _ in range(4_000):
        twins = np.exp(rng.standard_normal((blocks, cells)) * 0.1)
        floor = noise_floor({block: [(ratio, 1.0) for ratio in row] for block, row in enumerate(twins)}, 0.0)
        outside += abs(rng.standard_normal(blocks).mean() * 0.1) > np.log(floor.ratio)
    assert outside / 4_000 == pytest.approx(1 - FLOOR_CONFIDENCE, abs=0.012)


def test_without_twins_the_floor_is_assumed_and_a_difference_must_exceed_the_grain() -> None:
    floor = noise_floor({}, 0.01)
    assert (floor.ratio, floor.difference, floor.measured) == (ASSUMED_FLOOR, 0.01, False)


def test_twins_that_are_zero_give_a_floor_for_differences() -> None:
    floor = noise_floor({1: [(0.0, 0.0)], 2: [(0.0, 0.03)], 3: [(0.0, 0.0)]}, 0.01)
    assert (floor.ratio, floor.pairs) == (ASSUMED_FLOOR, 3)
    assert 0.02 < floor.difference < 0.04
    zeros = dict.fromkeys(range(3), 0.0)
    assert compare({0: 0.02, 1: 0.02, 2: 0.02}, zeros, floor).verdict is Verdict.NONE_SHOWN
    assert compare({0: 0.20, 1: 0.21, 2: 0.20}, zeros, floor).verdict is Verdict.HIGHER


def test_a_ratio_of_values_below_the_grain_is_no_difference() -> None:
    floor = noise_floor({1: [(1.0, 1.0)]}, 0.01)
    assert compare({0: 4e-4, 1: 4e-4, 2: 4e-4}, {0: 2e-4, 1: 2e-4, 2: 2e-4}, floor).verdict is Verdict.NONE_SHOWN


@settings(max_examples=50)
@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=6), st.floats(1.0, 2.0))
def test_the_verdict_on_exchanged_sides_is_the_opposite(pairs: list[tuple[float, float]], ratio: float) -> None:
    ours, theirs = ({block: pair[side] for block, pair in enumerate(pairs)} for side in (0, 1))
    floor = Floor(ratio, GRAIN, GRAIN, 1, 1)
    opposite = {Verdict.HIGHER: Verdict.LOWER, Verdict.LOWER: Verdict.HIGHER}
    one, other = compare(ours, theirs, floor), compare(theirs, ours, floor)
    assert one.ratio is not None
    edges = [one.ratio.median * floor.ratio, one.ratio.median / floor.ratio, one.ratio.low or 2, one.ratio.high or 2]
    assume(all(abs(edge - 1) > 1e-9 for edge in edges))  # on an edge, the last bit decides
    assert opposite.get(one.verdict, one.verdict) is other.verdict


CPU = ("cpu", "broadcast")


def run_of(world: World, seed: int) -> Cells:
    """A run of that world, with its CPU costs in the trials."""
    natures = NATURES[:4]
    run, _ = PLANNED[world.blocks]
    rng = np.random.default_rng(seed)
    spread, drift = rng.uniform(*world.noise, len(natures)), rng.normal(0, world.drift, world.blocks)
    names = [nature.name for nature in natures]
    trials = []
    for trial in PLANNED[world.blocks][1]:
        assert trial.usage
        place = names.index(trial.planned.variant)
        cost = 2e9 * (world.effect if place == 0 else 1.0)
        cpu_ns = int(cost * np.exp(rng.normal(0, spread[place]) + drift[trial.planned.block]))
        server = msgspec.structs.replace(trial.usage.server, cpu_ns=cpu_ns)
        usage = msgspec.structs.replace(trial.usage, server=server, broker=None)
        trials.append(msgspec.structs.replace(trial, usage=usage))
    return Cells(run, trials)


PLANNED: dict[int, tuple[Run, list[Trial]]] = {
    blocks: synthetic(NATURES[:4], ["broadcast"], blocks=blocks, troubles=False, twins=True) for blocks in (3, 5)
}


@pytest.mark.parametrize(("blocks", "most"), [(3, 0.15), (5, 0.08)])
def test_among_equal_techniques_rarely_one_is_called_worse_than_the_best(blocks: int, most: float) -> None:
    """The best is selected by the values that it is compared on, and there are three others."""
    worse = 0
    for seed in range(120):
        ranked = ranking(run_of(World(blocks), seed), *CPU)
        worse += ranked.decided and len(ranked.tied) < len(ranked.entries)
    assert worse / 120 <= most


@pytest.mark.parametrize(("blocks", "least"), [(3, 0.85), (5, 0.95)])
def test_a_technique_that_costs_a_fifth_more_is_called_worse(blocks: int, least: float) -> None:
    rankings = [ranking(run_of(World(blocks, effect=1.2), seed), *CPU) for seed in range(100)]
    worse = [one.decided and "polling" not in one.tied for one in rankings]
    assert sum(worse) / 100 >= least
