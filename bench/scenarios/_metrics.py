"""A metric that only the trials of one scenario have, declared in its file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bench.results import Trial
from bench.units import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnMetric:
    """One number per trial, as a row of `bench.analysis.trials.metrics`: a function from the raw facts to a number, or
    None where a trial lacks them."""

    name: str
    title: str
    unit: Unit
    better: Literal["lower", "higher"]
    value: Callable[[Trial], float | None]
    headline: bool = False
