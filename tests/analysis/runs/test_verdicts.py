"""The whole way from numbers to "no difference shown", on made-up noise: equal things, unequal things, twins."""

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
    """One metric in one scenario: variants of equal cost but the last, which costs `effect` times as much; log-normal
    noise of each variant's own size, and a drift that every block shares."""

    blocks: int
    noise: tuple[float, float] = (0.04, 0.04)
    effect: float = 1.0
    variants: int = 5
    drift: float = 0.08

    def measured(self, rng: np.random.Generator) -> tuple[list[ByBlock], Floor, tuple[ByBlock, ByBlock]]:
        """The variants' values by block, the noise floor, and the twins it comes from."""
        spread = rng.uniform(*self.noise, self.variants)
        twin = int(rng.integers(self.variants))
        spreads, cost = np.append(spread, spread[twin]), np.ones(self.variants + 1)
        cost[self.variants - 1] = self.effect
        cost[-1] = cost[twin]
        shape = (self.variants + 1, self.blocks)
        values = np.exp(rng.standard_normal(shape) * spreads[:, None] + rng.normal(0, self.drift, self.blocks))
        found = [dict(enumerate(map(float, row))) for row in values * cost[:, None]]
        floor = noise_floor({block: [(found[twin][block], found[-1][block])] for block in found[twin]}, GRAIN)
        return found[:-1], floor, (found[twin], found[-1])


def false_alarms(world: World, runs: int = RUNS) -> float:
    """How often one equal variant is called different from another."""
    rng = np.random.default_rng(1)
    named = 0
    for _ in range(runs):
        held, floor, _ = world.measured(rng)
        named += sum(compare(other, held[0], floor).verdict in DIFFERENT for other in held[1:])
    return named / (runs * (world.variants - 1))


def power(world: World) -> float:
    """How often the dear variant is called dearer than an ordinary one."""
    rng = np.random.default_rng(2)
    found = 0
    for _ in range(RUNS):
        held, floor, _ = world.measured(rng)
        found += compare(held[-1], held[0], floor).verdict is Verdict.HIGHER
    return found / RUNS


@pytest.mark.parametrize("noise", [(0.03, 0.03), (0.08, 0.08), (0.03, 0.08)], ids=["calm", "noisy", "mixed"])
@pytest.mark.parametrize(("blocks", "most"), [(3, 0.04), (5, 0.04)])
def test_equal_variants_are_rarely_called_different(blocks: int, most: float, noise: tuple[float, float]) -> None:
    assert false_alarms(World(blocks, noise)) <= most


@pytest.mark.parametrize("blocks", [3, 5])
def test_a_pair_far_noisier_than_the_twins_is_held_back_by_its_own_interval(blocks: int) -> None:
    """The worst case: a floor of nothing leaves Student's interval alone, with its 10 %."""
    rng = np.random.default_rng(3)
    calm = Floor(LEAST_FLOOR, GRAIN, GRAIN, blocks, blocks)
    named = 0
    for _ in range(RUNS):
        ours, theirs = (dict(enumerate(map(float, rng.lognormal(0, 0.3, blocks)))) for _ in range(2))
        named += compare(ours, theirs, calm).verdict in DIFFERENT
    assert named / RUNS <= 0.12


@pytest.mark.parametrize(("blocks", "most"), [(3, 0.03), (5, 0.03)])
def test_of_twenty_pairs_of_equal_things_more_than_three_hardly_ever_differ(blocks: int, most: float) -> None:
    rng = np.random.default_rng(4)
    world = World(blocks, (0.03, 0.08), variants=40)
    crowded = 0
    for _ in range(300):
        held, floor, _ = world.measured(rng)
        verdicts = [compare(held[2 * pair], held[2 * pair + 1], floor).verdict for pair in range(20)]
        crowded += sum(verdict in DIFFERENT for verdict in verdicts) > 3
    assert crowded / 300 <= most


@pytest.mark.parametrize(("blocks", "least"), [(3, 0.88), (5, 0.98), (8, 0.99)])
def test_a_fifth_more_is_found_and_more_blocks_do_not_hide_it(blocks: int, least: float) -> None:
    assert power(World(blocks, effect=1.2)) >= least


def test_twins_are_called_different_once_in_a_hundred_times() -> None:
    rng = np.random.default_rng(5)
    named = 0
    for _ in range(RUNS):
        _, _, twins = World(3).measured(rng)
        named += compare_twins(*twins, GRAIN).verdict in DIFFERENT
    assert named / RUNS <= 0.02


def test_twins_that_always_differ_alike_are_called_different() -> None:
    ones = dict.fromkeys(range(3), 1.0)
    assert compare_twins({0: 1.10, 1: 1.11, 2: 1.10}, ones, GRAIN).verdict is Verdict.HIGHER
    assert compare_twins({0: 1.10, 1: 1.11}, {0: 1.0, 1: 1.0}, GRAIN).verdict is Verdict.TOO_FEW
    assert compare_twins({0: 1.005, 1: 1.006, 2: 1.005}, ones, GRAIN).verdict is Verdict.NONE_SHOWN
    assert compare_twins({0: 0.0, 1: 0.0, 2: 0.0}, ones, GRAIN).verdict is Verdict.LOWER


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8))
def test_the_floor_knows_no_order_and_no_sides(twins: list[tuple[float, float]]) -> None:
    floor = noise_floor({block: [pair] for block, pair in enumerate(twins)}, GRAIN)
    turned = noise_floor({block: [pair[::-1]] for block, pair in enumerate(reversed(twins))}, GRAIN)
    assert floor.measured
    assert floor.ratio >= LEAST_FLOOR
    assert turned.ratio == pytest.approx(floor.ratio)
    assert turned.difference == pytest.approx(floor.difference)


def test_twice_the_scatter_is_twice_the_floor() -> None:
    one = noise_floor({block: [(1.1, 1.0)] for block in range(4)}, 0.0)
    two = noise_floor({block: [(1.21, 1.0)] for block in range(4)}, 0.0)
    assert np.log(two.ratio) == pytest.approx(2 * np.log(one.ratio))


@pytest.mark.parametrize("blocks", [3, 5])
@pytest.mark.parametrize("cells", [1, 2])
def test_the_mean_of_equal_pairs_lies_beyond_the_floor_as_rarely_as_is_said(blocks: int, cells: int) -> None:
    rng = np.random.default_rng(6)
    beyond = 0
    for _ in range(4_000):
        twins = np.exp(rng.standard_normal((blocks, cells)) * 0.1)
        floor = noise_floor({block: [(ratio, 1.0) for ratio in row] for block, row in enumerate(twins)}, 0.0)
        beyond += abs(rng.standard_normal(blocks).mean() * 0.1) > np.log(floor.ratio)
    assert beyond / 4_000 == pytest.approx(1 - FLOOR_CONFIDENCE, abs=0.012)


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


def test_a_ratio_of_next_to_nothing_is_no_difference() -> None:
    floor = noise_floor({1: [(1.0, 1.0)]}, 0.01)
    assert compare({0: 4e-4, 1: 4e-4, 2: 4e-4}, {0: 2e-4, 1: 2e-4, 2: 2e-4}, floor).verdict is Verdict.NONE_SHOWN


@settings(max_examples=50)
@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=6), st.floats(1.0, 2.0))
def test_a_verdict_turned_round_is_the_opposite(pairs: list[tuple[float, float]], ratio: float) -> None:
    ours, theirs = ({block: pair[side] for block, pair in enumerate(pairs)} for side in (0, 1))
    floor = Floor(ratio, GRAIN, GRAIN, 1, 1)
    turned = {Verdict.HIGHER: Verdict.LOWER, Verdict.LOWER: Verdict.HIGHER}
    one, other = compare(ours, theirs, floor), compare(theirs, ours, floor)
    assert one.ratio is not None
    edges = [one.ratio.median * floor.ratio, one.ratio.median / floor.ratio, one.ratio.low or 2, one.ratio.high or 2]
    assume(all(abs(edge - 1) > 1e-9 for edge in edges))  # on an edge, the last bit decides
    assert turned.get(one.verdict, one.verdict) is other.verdict


CPU = ("cpu", "broadcast")


def run_of(world: World, seed: int) -> Cells:
    """A stored run of that world, as far as the CPU metric looks."""
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
def test_among_equal_techniques_hardly_anybody_is_called_behind_the_best_of_them(blocks: int, most: float) -> None:
    """The best is chosen by the very numbers it is compared with, and there are three to compare."""
    behind = 0
    for seed in range(120):
        found = ranking(run_of(World(blocks), seed), *CPU)
        behind += found.decided and len(found.tied) < len(found.entries)
    assert behind / 120 <= most


@pytest.mark.parametrize(("blocks", "least"), [(3, 0.85), (5, 0.95)])
def test_a_technique_that_costs_a_fifth_more_is_behind(blocks: int, least: float) -> None:
    found = [ranking(run_of(World(blocks, effect=1.2), seed), *CPU) for seed in range(100)]
    behind = [one.decided and "polling" not in one.tied for one in found]
    assert sum(behind) / 100 >= least
