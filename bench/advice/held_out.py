"""How well costs predict: every point is left out of the fit in turn and predicted from its parameters alone."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np

Quantity = Literal["cpu", "wire"]

# Of the predicted ratios between two variants, the share that must be off by less than what tells them apart.
MOST_RATIOS = 0.9


@dataclass(frozen=True, slots=True)
class Miss:
    """A point that was left out of the fit: what was predicted for it, per second, and what was measured."""

    variant: str
    where: str
    quantity: Quantity
    predicted: float
    measured: float

    @property
    def error(self) -> float:
        """By what share of the measured number the prediction is off."""
        return abs(self.predicted / self.measured - 1.0)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Every prediction of a point that was left out of the fit."""

    misses: tuple[Miss, ...]

    def of(self, quantity: Quantity, variant: str = "") -> list[Miss]:
        """The misses of one quantity, of one variant or (empty) of all variants; the worst first."""
        misses = [miss for miss in self.misses if miss.quantity == quantity and variant in ("", miss.variant)]
        return sorted(misses, key=lambda miss: -miss.error)

    def median(self, quantity: Quantity, variant: str = "") -> float | None:
        """The median absolute relative error; None without a prediction."""
        errors = [miss.error for miss in self.of(quantity, variant)]
        return float(np.median(errors)) if errors else None

    def distinguishing_factor(self) -> float:
        """The factor by which the cores of two variants must differ to be distinguished: nine of ten predicted ratios
        between two variants at the same load were off by less. At least 1 + 2 e, where e is the median error: each of
        the two may be off by as much."""
        by_load: dict[str, list[Miss]] = {}
        for miss in self.misses:
            if miss.quantity == "cpu" and miss.predicted > 0:
                by_load.setdefault(miss.where, []).append(miss)
        pairs = [pair for misses in by_load.values() for pair in itertools.combinations(misses, 2)]
        off = [abs(np.log(one.predicted / one.measured * two.measured / two.predicted)) for one, two in pairs]
        least = 1.0 + 2.0 * (self.median("cpu") or 0.0)
        return max(least, float(np.exp(np.quantile(off, MOST_RATIOS)))) if off else least
