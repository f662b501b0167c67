"""The unit of statistics is the trial: medians over trials, and ratios paired by block, each with an interval.

Intervals are percentile bootstrap intervals (B. Efron and R. Tibshirani, *An Introduction to the Bootstrap*, 1993,
chapter 13): resample the trials with replacement, take the median of each resample, and cut 2.5 % off both ends. The
resampling is seeded by the number of trials alone, so the same numbers give the same interval everywhere.

With few trials no method can do better than the range that was seen: the range of n independent trials holds the true
median with probability 1 - 2^(1-n) (H. A. David and H. N. Nagaraja, *Order Statistics*, 2003, section 7.1), which is
75 % for three, 94 % for five and 97 % for six. `Estimate.coverage` carries that bound, and one or two trials get no
interval at all.
"""

from __future__ import annotations

import enum
import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FEWEST_TRIALS = 3
CONFIDENCE = 0.95
RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A median over trials and what it rests on. `low` and `high` are None with too few trials for an interval.

    coverage: the probability that the interval holds the true median, at most; 0 without an interval.
    values: one per trial (or block, for a ratio), in the order of the blocks.
    """

    median: float
    low: float | None
    high: float | None
    coverage: float
    values: tuple[float, ...]

    @property
    def too_few(self) -> bool:
        """Whether there are too few trials to say how far the median can be trusted."""
        return self.low is None


class Verdict(enum.StrEnum):
    """What a ratio with its interval lets one say."""

    HIGHER = "higher"
    LOWER = "lower"
    NONE_SHOWN = "no difference shown"
    TOO_FEW = "too few trials"


def coverage(trials: int) -> float:
    """How surely an interval over so many trials can hold the true median: the bound of the order statistics."""
    return 0.0 if trials < FEWEST_TRIALS else min(CONFIDENCE, 1.0 - 2.0 ** (1 - trials))


def estimate(values: Sequence[float]) -> Estimate | None:
    """The median of `values` with its interval; None where there is no value at all."""
    if not values:
        return None
    sample = np.asarray(values, dtype=np.float64)
    middle = float(np.median(sample))
    if sample.size < FEWEST_TRIALS:
        return Estimate(middle, None, None, 0.0, tuple(values))
    low, high = _bootstrap(sample)
    return Estimate(middle, low, high, coverage(sample.size), tuple(values))


def paired_ratio(numerators: Mapping[int, float], denominators: Mapping[int, float]) -> Estimate | None:
    """How many times the denominators the numerators are, paired by block.

    None where no block holds both, or where one of a pair is not above zero: a block is never left out because of what
    was measured in it. Computed on logarithms, so that a : b and b : a tell the same story.
    """
    blocks = sorted(numerators.keys() & denominators.keys())
    if any(numerators[block] <= 0 or denominators[block] <= 0 for block in blocks):
        return None
    logs = estimate([math.log(numerators[block] / denominators[block]) for block in blocks])
    if logs is None:
        return None
    return Estimate(
        math.exp(logs.median),
        None if logs.low is None else math.exp(logs.low),
        None if logs.high is None else math.exp(logs.high),
        logs.coverage,
        tuple(math.exp(value) for value in logs.values),
    )


def paired_difference(minuends: Mapping[int, float], subtrahends: Mapping[int, float]) -> Estimate | None:
    """By how much the minuends exceed the subtrahends, paired by block; None where no block holds both."""
    return estimate([minuends[block] - subtrahends[block] for block in sorted(minuends.keys() & subtrahends.keys())])


def verdict(ratio: Estimate | None, floor: float) -> Verdict:
    """What a ratio shows: a difference only if its whole interval lies beyond the noise floor (`floor` >= 1)."""
    if ratio is None or ratio.low is None or ratio.high is None:
        return Verdict.TOO_FEW
    return Verdict.HIGHER if ratio.low > floor else Verdict.LOWER if ratio.high < 1.0 / floor else Verdict.NONE_SHOWN


def verdict_of_difference(difference: Estimate | None) -> Verdict:
    """What a difference shows, for quantities that may be zero and so have no ratio."""
    if difference is None or difference.low is None or difference.high is None:
        return Verdict.TOO_FEW
    return Verdict.HIGHER if difference.low > 0 else Verdict.LOWER if difference.high < 0 else Verdict.NONE_SHOWN


def _bootstrap(sample: npt.NDArray[np.float64]) -> tuple[float, float]:
    medians = np.median(sample[_resampling(sample.size)], axis=1)
    tail = 50.0 * (1.0 - CONFIDENCE)
    low, high = np.percentile(medians, [tail, 100.0 - tail])
    return float(low), float(high)


@functools.lru_cache(maxsize=64)
def _resampling(size: int) -> npt.NDArray[np.int64]:
    """Which trials each resample consists of: one row per resample."""
    return np.random.default_rng(size).integers(0, size, (RESAMPLES, size))
