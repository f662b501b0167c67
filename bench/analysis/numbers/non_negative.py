"""Least squares whose coefficients are not negative."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def non_negative(rows: Floats, target: Floats) -> Floats:
    """The x >= 0 that minimises |rows x - target| (C. Lawson and R. Hanson, *Solving Least Squares Problems*, 1974,
    chapter 23), each column scaled to length 1 first; 0 for a column without an entry."""
    lengths = np.linalg.norm(rows, axis=0)
    lengths[lengths == 0] = 1.0
    scaled = rows / lengths
    x = np.zeros(rows.shape[1])
    passive = np.zeros(rows.shape[1], dtype=bool)
    for _ in range(3 * rows.shape[1]):
        gradient = scaled.T @ (target - scaled @ x)
        gradient[passive] = -np.inf
        entering = int(np.argmax(gradient))
        if gradient[entering] <= 1e-12:
            break
        passive[entering] = True
        x, passive = _feasible(scaled, target, x, passive)
    solution: Floats = x / lengths
    return solution


def _feasible(
    rows: Floats, target: Floats, x: Floats, passive: npt.NDArray[np.bool_]
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """The least squares over the passive set, which gives up whatever would fall below zero."""
    while passive.any():
        free = np.zeros_like(x)
        free[passive] = np.linalg.lstsq(rows[:, passive], target, rcond=None)[0]
        falling = passive & (free <= 0)
        if not falling.any():
            return free, passive
        step = float(np.min(x[falling] / (x[falling] - free[falling] + 1e-300)))
        x = np.where(passive, x + step * (free - x), 0.0)
        passive = passive & (x > 1e-14)
        x = np.where(passive, x, 0.0)
    return x, passive
