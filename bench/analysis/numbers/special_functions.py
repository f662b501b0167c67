"""Student's distribution, digamma and trigamma, by series and bisection.

Numbers in parentheses are formulas of M. Abramowitz and I. Stegun, *Handbook of Mathematical Functions*, 1964.
"""

from __future__ import annotations

import functools
import math


@functools.lru_cache(maxsize=256)
def student_t(confidence: float, freedom: int) -> float:
    """The t with P(|T| <= t) = confidence, for Student's T with `freedom` degrees of freedom."""
    low, high = 0.0, 1.0
    while probability_within(high, freedom) < confidence:
        low, high = high, 2.0 * high
    for _ in range(80):
        centre = 0.5 * (low + high)
        low, high = (centre, high) if probability_within(centre, freedom) < confidence else (low, centre)
    return 0.5 * (low + high)


def probability_within(t: float, freedom: int) -> float:
    """P(|T| <= t) for Student's T, by its finite series (26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(freedom))
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0 if freedom == 1 else term
    for k in range(3 if odd else 2, freedom - 1, 2):
        term *= math.cos(angle) ** 2 * (k - 1) / k
        total += term
    return 2.0 / math.pi * (angle + math.sin(angle) * total) if odd else math.sin(angle) * total


def digamma(x: float) -> float:
    """The derivative of log gamma, for x > 0 (6.3.5 and 6.3.18)."""
    below = 0.0
    while x < 8.0:
        below, x = below - 1.0 / x, x + 1.0
    square = 1.0 / (x * x)
    return below + math.log(x) - 0.5 / x - square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square / 240)))


def trigamma(x: float) -> float:
    """The derivative of digamma, for x > 0 (6.4.6 and 6.4.12)."""
    below = 0.0
    while x < 8.0:
        below, x = below + 1.0 / (x * x), x + 1.0
    square = 1.0 / (x * x)
    return below + 1.0 / x + square / 2 + square / x * (1 / 6 - square * (1 / 30 - square * (1 / 42 - square / 30)))


def inverse_trigamma(value: float) -> float:
    """The x between 1e-8 and 1e8 at which trigamma, which decreases everywhere, has a value > 0."""
    low, high = math.log(1e-8), math.log(1e8)
    for _ in range(80):
        centre = 0.5 * (low + high)
        low, high = (centre, high) if trigamma(math.exp(centre)) > value else (low, centre)
    return math.exp(0.5 * (low + high))
