"""A metric: a function from the raw facts of a trial to one number or None, in base units, with what it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from bench import scenarios
from bench.analysis.trials.metrics._where import Applies
from bench.results import Trial
from bench.units import Unit

Better = Literal["lower", "higher"]

# The smallest difference that a metric of each unit can resolve. A count of events per message is cut at the edges of
# the measured part: one event per hundred messages. The others are finer than any known cause of a difference.
GRAINS: Mapping[Unit, float] = MappingProxyType(
    {
        "ns": 100.0,
        "wire bytes": 0.5,
        "memory bytes": 64.0,
        "share": 1e-5,
        "count": 0.01,
        "ns per s": 1_000.0,
        "per s": 0.01,
    }
)


@dataclass(frozen=True, slots=True)
class Metric:
    """One number per trial. `where` says, by what a scenario declares, whether the metric has a meaning in it.
    resolution: the smallest ratio that it can resolve, however well twins agree.
    """

    name: str
    title: str
    unit: Unit
    better: Better
    value: Callable[[Trial], float | None]
    where: Applies = lambda _: True
    headline: bool = False
    resolution: float = 1.0

    @property
    def grain(self) -> float:
        """The smallest difference that the metric can resolve, in its unit."""
        return GRAINS[self.unit]

    def applies(self, scenario: str) -> bool:
        """Whether the metric has a meaning in the scenario of that name."""
        return self.where(scenarios.of_record(scenario))

    def of(self, trial: Trial) -> float | None:
        """The value of the metric in a trial; None where it does not apply or its facts are missing."""
        return self.value(trial) if self.applies(trial.planned.scenario) else None
