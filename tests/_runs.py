"""Synthetic runs for the comparison of two runs: the values of every cell and block, without trials."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from bench.analysis.numbers.statistics import Floor, noise_floor
from bench.analysis.runs.cells import HARNESS
from bench.analysis.trials.metrics import METRICS
from tests._trials import variant

VARIANTS = ("polling", "long_polling", "sse", "websocket", "ndjson", "flask_sse", "flask_socketio", "flask_polling")
TIMED = ("latency_p50", "latency_p99", "cpu", "connect_p50")
COUNTED = ("wire", "requests")
IDLE_TIMED, IDLE_COUNTED = ("connect_p50",), ("connection_memory",)
# By metric, scenario, variant and point: one value per block.
Values = dict[tuple[str, str, str, str], dict[int, float]]


@dataclass
class SyntheticCells:
    """The part of `Cells` that `compare_runs` uses."""

    values: Values
    twins: dict[tuple[str, str], dict[int, list[tuple[float, float]]]] = field(default_factory=dict)
    twin: dict[str, str] = field(default_factory=dict)

    @property
    def scenarios(self) -> list[str]:
        return sorted({key[1] for key in self.values})

    @property
    def facts(self):
        return {name: variant(name, "") for name in dict.fromkeys(key[2] for key in self.values)}

    @property
    def shown(self):
        return [facts for name, facts in self.facts.items() if name != HARNESS]

    @property
    def points(self) -> list[tuple[str, str, str]]:
        return sorted({key[1:] for key in self.values if key[3]})

    def harness(self, scenario: str) -> list:
        return [key for key in self.values if key[1:3] == (scenario, HARNESS)]

    def by_block(self, metric: str, scenario: str, name: str, point: str = "") -> dict[int, float]:
        return self.values.get((metric, scenario, name, point), {})

    def twinned(self, metric: str, scenario: str) -> list[str]:
        return [self.twin[scenario]] if scenario in self.twin and (metric, scenario) in self.twins else []

    def floor(self, metric: str, scenario: str) -> Floor:
        return noise_floor(self.twins.get((metric, scenario), {}), METRICS[metric].grain)


@dataclass(frozen=True)
class World:
    """Two runs of equal variants, with an injected effect: in the new run the CPU of `changed` is multiplied by
    `effect`.

    noise: the smallest and the largest standard deviation of a variant's times, on logarithms; connect times have three
    times as much. drift: standard deviation of what all cells of a block have in common. state: the same for the new
    run as a whole, of which each variant gets its own share, with the standard deviation `drift_spread`.
    """

    blocks: int = 5
    noise: tuple[float, float] = (0.03, 0.09)
    drift: float = 0.08
    state: float = 0.2
    drift_spread: float = 0.0
    effect: float = 1.0
    changed: tuple[str, ...] = ("websocket",)
    scenarios: tuple[str, ...] = ("broadcast", "echo", "idle")

    def runs(self, rng: np.random.Generator) -> tuple[SyntheticCells, SyntheticCells]:
        old, new = SyntheticCells({}), SyntheticCells({})
        spread = {name: rng.uniform(*self.noise) for name in (*VARIANTS, HARNESS)}
        state = rng.normal(0, self.state)
        share = {name: 1 + rng.normal(0, self.drift_spread) for name in spread}
        for cells, moved in ((old, 0.0), (new, state)):
            drifts = rng.normal(0, self.drift, self.blocks)
            for scenario in self.scenarios:
                self._fill(cells, scenario, rng, spread, drifts, {name: moved * share[name] for name in spread})
        if self.effect != 1.0:
            for key, blocks in new.values.items():
                if key[0] == "cpu" and key[2] in self.changed:
                    new.values[key] = {block: value * self.effect for block, value in blocks.items()}
        return old, new

    def _fill(self, cells, scenario, rng, spread, drifts, moved):
        timed, counted = (IDLE_TIMED, IDLE_COUNTED) if scenario == "idle" else (TIMED, COUNTED)
        names = VARIANTS if scenario == "idle" else (*VARIANTS, HARNESS)
        twin = cells.twin[scenario] = str(rng.choice(VARIANTS))
        for metric in (*timed, *counted):
            still = metric in counted
            for name in (*names, "twin"):
                of = twin if name == "twin" else name
                noise = 0.002 if still else spread[of] * (3 if metric == "connect_p50" else 1)
                logs = rng.normal(0, noise, self.blocks)
                if not still:
                    logs = logs + drifts + moved[of]
                values = dict(enumerate((1e6 * np.exp(logs)).tolist()))
                if name == "twin":
                    own = cells.values[metric, scenario, twin, ""]
                    cells.twins[metric, scenario] = {block: [(own[block], values[block])] for block in own}
                else:
                    cells.values[metric, scenario, name, ""] = values


def flat(value: float, blocks: int = 5, deviation: float = 0.01) -> dict[int, float]:
    """Values around `value` with a small deterministic deviation, which differs between cells."""
    return {block: value * math.exp(deviation * math.sin(7.0 * block + value)) for block in range(blocks)}
