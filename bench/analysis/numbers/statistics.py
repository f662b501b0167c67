"""The one place of all statistics of a run; those of two runs, whose trials are no pairs, are in `unpaired`.

The unit is the trial, one per cell and block: medians over trials, ratios paired by block, the noise floor of twins,
and what may be called a difference.

A cell's median carries a percentile bootstrap interval (B. Efron and R. Tibshirani, *An Introduction to the Bootstrap*,
1993, chapter 13): resample the trials with replacement, take the median of each resample, and cut 2.5 % off both ends.
The resampling is seeded by the number of trials alone, so the same numbers give the same interval everywhere. With few
trials no method that assumes nothing does better than the range that was seen: the range of n independent trials holds
the true median with probability 1 - 2^(1-n) (H. A. David and H. N. Nagaraja, *Order Statistics*, 2003, section 7.1),
which is 75 % for three, 94 % for five and 97 % for six. `Estimate.coverage` carries that bound, and one or two trials
get no interval at all.

A comparison carries Student's interval of the mean of its logarithmic ratios ("The probable error of a mean",
*Biometrika* 6, 1908; advised for few runs by A. Georges, D. Buytaert and L. Eeckhout, "Statistically rigorous Java
performance evaluation", OOPSLA 2007, section 3.2). It knows the scatter of this very pair, so that a noisy variant is
not judged by the calm of another, and it holds its level with three pairs, where a range would fail one time in four.

A difference is named only if both hold: the interval lies on one side of equality, and the median lies beyond the noise
floor (`Floor`), which is how far the middle of as many pairs of equal things strays by chance. The first fails equal
things in 10 % of comparisons whatever their noise, the second in most of those that are left. The widest twin would be
the plainer floor, but a wrong one: the more twins, the wider, so more trials would find less.

What that is worth is simulated in the tests, with log-normal noise of 3 to 8 % and a drift that blocks share: equal
variants are called different in 2 to 3 % of comparisons; at 4 % of noise, a fifth more is found in 91 % over three
blocks and in 99 % over five. The best of several is chosen by the numbers it is then compared with: among five equal
variants, somebody is called behind in one question of ten over three blocks, in one of eight over five.
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
COMPARED_CONFIDENCE = 0.90
"""Of the interval of a comparison: each of the two directions is named wrongly with a probability of 5 % at most."""
FLOOR_CONFIDENCE = 0.95
"""Of the noise floor: the middle of equal things lies beyond it in 5 % of cases."""
MOST_STRAY = 300.0
"""A logarithm beyond which a ratio is no number any more."""
TWINS_CONFIDENCE = 0.99
"""Of the interval that twins are judged by. Their own floor would acquit them always, and there are many of them: one
pair of equal things in a hundred is called different by chance.
"""
ASSUMED_FLOOR = 1.05
"""The noise floor of a run without twins: a ratio nearer to 1 than this is never called a difference."""
LEAST_FLOOR = 1.01
"""However calm the twins: a count and its deliveries are cut at the edges of the measured part, where one message in a
hundred can fall on either side."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A median over trials and what it rests on. `low` and `high` are None with too few trials for an interval.

    coverage: the probability that the interval holds the truth, at most; 0 without an interval.
    values: one per block, in the order of the blocks.
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


@dataclass(frozen=True, slots=True)
class Floor:
    """How far equal things lie apart on a metric, by the scatter of `pairs` twins, each run in one of `blocks` blocks.

    ratio: at least LEAST_FLOOR, or what is assumed without twins; difference: in the metric's unit, for what may be
    zero; grain: the smallest difference that the metric can tell at all, whatever its ratio.
    """

    ratio: float
    difference: float
    grain: float
    pairs: int
    blocks: int

    @property
    def measured(self) -> bool:
        """Whether twins were run."""
        return self.pairs > 0


@dataclass(frozen=True, slots=True)
class Compared:
    """Paired by block: a ratio (None unless all is above zero), a difference in the metric's unit, and what they show.

    Both are None where no block holds both sides.
    """

    ratio: Estimate | None
    difference: Estimate | None
    verdict: Verdict


def coverage(trials: int) -> float:
    """How surely an interval over so many trials can hold the true median: the bound of the order statistics."""
    return 0.0 if trials < FEWEST_TRIALS else min(CONFIDENCE, 1.0 - 2.0 ** (1 - trials))


def estimate(values: Sequence[float]) -> Estimate | None:
    """The median of `values` with its interval; None where there is no value at all."""
    return _estimated(tuple(map(float, values))) if values else None


@functools.lru_cache(maxsize=1 << 14)
def _estimated(values: tuple[float, ...]) -> Estimate:
    """Remembered: the same numbers give the same interval, and a report asks for it in every table and figure."""
    sample = np.array(values)
    middle = float(np.median(sample))
    if sample.size < FEWEST_TRIALS:
        return Estimate(middle, None, None, 0.0, values)
    low, high = _bootstrap(sample)
    return Estimate(middle, low, high, coverage(sample.size), values)


def compare(ours: Mapping[int, float], theirs: Mapping[int, float], floor: Floor) -> Compared:
    """`ours` against `theirs`, by block. The ratio decides where there is one, else the difference."""
    ratio, difference = paired_ratio(ours, theirs), paired_difference(ours, theirs)
    if ratio is None or difference is None:
        shown = verdict_of_difference(difference, floor.difference)
    else:
        shown = verdict(ratio, floor.ratio)
        if shown in (Verdict.HIGHER, Verdict.LOWER) and abs(difference.median) <= floor.grain:
            shown = Verdict.NONE_SHOWN
    return Compared(ratio, difference, shown)


def compare_twins(ours: Mapping[int, float], theirs: Mapping[int, float], grain: float) -> Compared:
    """A/A: the same cell against itself, judged by its interval alone, which is therefore a surer one."""
    ratio = paired_ratio(ours, theirs, TWINS_CONFIDENCE)
    difference = paired_difference(ours, theirs, TWINS_CONFIDENCE)
    if ratio is None or difference is None:
        return Compared(ratio, difference, verdict_of_difference(difference, grain))
    shown = verdict(ratio, LEAST_FLOOR) if abs(difference.median) > grain or ratio.too_few else Verdict.NONE_SHOWN
    return Compared(ratio, difference, shown)


def noise_floor(twins: Mapping[int, Sequence[tuple[float, float]]], grain: float) -> Floor:
    """The floor that twins show, by block: the mean of as many equal pairs as there are blocks lies beyond it with a
    probability of 5 %.

    Twins differ by chance alone: their logarithmic ratios have the mean 0, so that n of them know their spread with n
    degrees of freedom, and Student's variable of so many bounds the mean of one pair a block, spread / sqrt(blocks).
    """
    pairs = [pair for held in twins.values() for pair in held]
    ratios = [math.log(one / other) for one, other in pairs if one > 0 and other > 0]
    blocks = sum(bool(held) for held in twins.values())
    ratio = max(math.exp(_stray(ratios, blocks)), LEAST_FLOOR) if ratios else ASSUMED_FLOOR
    difference = max(grain, _stray([one - other for one, other in pairs], blocks))
    return Floor(ratio, difference, grain, len(pairs), blocks)


def _stray(apart: Sequence[float], blocks: int) -> float:
    """How far the mean of one of these a block strays from 0, in 95 of 100 cases; 0 without any."""
    if not apart:
        return 0.0
    spread = math.sqrt(sum(value * value for value in apart) / len(apart))
    return min(student_t(FLOOR_CONFIDENCE, len(apart)) * spread / math.sqrt(blocks), MOST_STRAY)


def paired_ratio(
    numerators: Mapping[int, float], denominators: Mapping[int, float], confidence: float = COMPARED_CONFIDENCE
) -> Estimate | None:
    """How many times the denominators the numerators are, paired by block.

    None where no block holds both, or where one of a pair is not above zero: a block is never left out because of what
    was measured in it. Computed on logarithms, so that a : b and b : a tell the same story.
    """
    blocks = sorted(numerators.keys() & denominators.keys())
    if any(numerators[block] <= 0 or denominators[block] <= 0 for block in blocks):
        return None
    logs = _student([math.log(numerators[block] / denominators[block]) for block in blocks], confidence)
    if logs is None:
        return None
    return Estimate(
        math.exp(logs.median),
        None if logs.low is None else math.exp(logs.low),
        None if logs.high is None else math.exp(logs.high),
        logs.coverage,
        tuple(math.exp(value) for value in logs.values),
    )


def paired_difference(
    minuends: Mapping[int, float], subtrahends: Mapping[int, float], confidence: float = COMPARED_CONFIDENCE
) -> Estimate | None:
    """By how much the minuends exceed the subtrahends, paired by block; None where no block holds both."""
    blocks = sorted(minuends.keys() & subtrahends.keys())
    return _student([minuends[block] - subtrahends[block] for block in blocks], confidence)


def verdict(ratio: Estimate | None, floor: float) -> Verdict:
    """What a ratio shows: a difference only if its interval excludes 1 and its median lies beyond the noise floor
    (`floor` >= 1)."""
    if ratio is None or ratio.low is None or ratio.high is None:
        return Verdict.TOO_FEW
    if ratio.low > 1.0 and ratio.median > floor:
        return Verdict.HIGHER
    return Verdict.LOWER if ratio.high < 1.0 and ratio.median < 1.0 / floor else Verdict.NONE_SHOWN


def verdict_of_difference(difference: Estimate | None, floor: float) -> Verdict:
    """The same for quantities that may be zero and so have no ratio; `floor` >= 0 in their unit."""
    if difference is None or difference.low is None or difference.high is None:
        return Verdict.TOO_FEW
    if difference.low > 0.0 and difference.median > floor:
        return Verdict.HIGHER
    return Verdict.LOWER if difference.high < 0.0 and difference.median < -floor else Verdict.NONE_SHOWN


def _student(values: Sequence[float], confidence: float) -> Estimate | None:
    """The median of `values` with Student's interval of their mean, widened to hold the median where it would not."""
    if not values:
        return None
    sample = np.asarray(values, dtype=np.float64)
    middle = float(np.median(sample))
    if sample.size < FEWEST_TRIALS:
        return Estimate(middle, None, None, 0.0, tuple(values))
    mean = float(sample.mean())
    reach = student_t(confidence, sample.size - 1) * float(sample.std(ddof=1)) / math.sqrt(sample.size)
    return Estimate(middle, min(mean - reach, middle), max(mean + reach, middle), confidence, tuple(values))


@functools.lru_cache(maxsize=256)
def student_t(confidence: float, freedom: int) -> float:
    """The t that Student's variable of so many degrees of freedom exceeds in size with probability 1 - confidence."""
    low, high = 0.0, 1.0
    while within(high, freedom) < confidence:
        low, high = high, 2.0 * high
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if within(middle, freedom) < confidence else (low, middle)
    return 0.5 * (low + high)


def within(t: float, freedom: int) -> float:
    """P(|T| <= t) in its finite series (M. Abramowitz and I. Stegun, *Handbook of Mathematical Functions*, 1964,
    26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(freedom))
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0 if freedom == 1 else term
    for k in range(3 if odd else 2, freedom - 1, 2):
        term *= math.cos(angle) ** 2 * (k - 1) / k
        total += term
    return 2.0 / math.pi * (angle + math.sin(angle) * total) if odd else math.sin(angle) * total


def _bootstrap(sample: npt.NDArray[np.float64]) -> tuple[float, float]:
    medians = np.median(sample[_resampling(sample.size)], axis=1)
    tail = 50.0 * (1.0 - CONFIDENCE)
    low, high = np.percentile(medians, [tail, 100.0 - tail])
    return float(low), float(high)


@functools.lru_cache(maxsize=64)
def _resampling(size: int) -> npt.NDArray[np.int64]:
    """Which trials each resample consists of: one row per resample."""
    return np.random.default_rng(size).integers(0, size, (RESAMPLES, size))
