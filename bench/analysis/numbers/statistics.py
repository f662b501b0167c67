"""The statistics of one run. Those of two runs, with trials that are not paired, are in `unpaired`.

The unit is the trial, one per cell and block: medians over trials, ratios paired by block, the noise floor of twins,
and the verdict on a difference.

A cell's median has a percentile bootstrap interval (B. Efron and R. Tibshirani, *An Introduction to the Bootstrap*,
1993, chapter 13): resample the trials with replacement, take the median of each resample, and cut 2.5 % off both ends.
The seed of the resampling is the number of trials, so equal values have equal intervals everywhere. With few trials no
method without assumptions is better than their range: the range of n independent trials contains the true median with
probability 1 - 2^(1-n) (H. A. David and H. N. Nagaraja, *Order Statistics*, 2003, section 7.1), which is 75 % for
three, 94 % for five and 97 % for six. `Estimate.coverage` is that bound. One or two trials have no interval.

A comparison has Student's interval of the mean of its logarithmic ratios ("The probable error of a mean", *Biometrika*
6, 1908; recommended for few runs by A. Georges, D. Buytaert and L. Eeckhout, "Statistically rigorous Java performance
evaluation", OOPSLA 2007, section 3.2). It uses the scatter of the compared pair itself, so a noisy variant is not
judged by the scatter of a quiet one. Its confidence is right with three pairs, where a range would fail in 25 % of
cases.

A verdict names a difference only under two conditions. The interval excludes equality, and the median is outside the
noise floor (`Floor`): the distance from equality that the mean of equally many equal pairs has by chance. Equal
variants pass the first condition in 10 % of comparisons whatever their noise, and few of them pass the second as well.
The widest twin would be a simpler floor, but a wrong one: more twins would make it wider, so more trials would detect
less.

The tests simulate the error rates, with log-normal noise of 3 to 8 % and a drift that all cells of a block have in
common. Equal variants are called different in 2 to 3 % of comparisons. With 4 % of noise, an increase by a fifth is
detected in 91 % of comparisons over three blocks and in 99 % over five. The best of several variants is selected by the
same values that it is then compared on: among five equal variants, one or more are called worse in one of ten rankings
over three blocks, in one of eight over five.
"""

from __future__ import annotations

import enum
import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.analysis.numbers.special_functions import student_t

FEWEST_TRIALS = 3
CONFIDENCE = 0.95
RESAMPLES = 10_000
COMPARED_CONFIDENCE = 0.90  # of a comparison: each of the two directions is wrong with a probability of 5 % at most
FLOOR_CONFIDENCE = 0.95  # of the noise floor: the mean of equal pairs is outside of it in 5 % of cases
LARGEST_LOGARITHM = 300.0  # exp() of more overflows
# Of the interval for twins. Their own noise floor would never find a difference between them, and there are many: one
# pair of twins in a hundred is called different by chance.
TWINS_CONFIDENCE = 0.99
ASSUMED_FLOOR = 1.05  # of a run without twins: a ratio nearer to 1 is never called a difference
# Whatever the twins show: the measured part cuts a count and its deliveries at its edges, where one message in a
# hundred can be on either side.
LEAST_FLOOR = 1.01


@dataclass(frozen=True, slots=True)
class Estimate:
    """A median over trials with its interval. `low` and `high` are None with too few trials for an interval.

    coverage: an upper bound of the probability that the interval contains the true value; 0 without an interval.
    values: one per block, in the order of the blocks.
    """

    median: float
    low: float | None
    high: float | None
    coverage: float
    values: tuple[float, ...]

    @property
    def too_few(self) -> bool:
        """Whether there are too few trials for an interval."""
        return self.low is None


class Verdict(enum.StrEnum):
    """What a ratio or a difference with its interval shows."""

    HIGHER = "higher"
    LOWER = "lower"
    NONE_SHOWN = "no difference shown"
    TOO_FEW = "too few trials"


@dataclass(frozen=True, slots=True)
class Floor:
    """The noise floor of a metric, from the scatter of `pairs` twins in `blocks` blocks.

    ratio: at least LEAST_FLOOR; ASSUMED_FLOOR without twins. difference: in the metric's unit, for values that may be
    zero. grain: the smallest difference that the metric can resolve, whatever the ratio.
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
    """Paired by block: a ratio (None unless all values are above zero), a difference in the metric's unit, a verdict.

    Both are None where no block has both sides.
    """

    ratio: Estimate | None
    difference: Estimate | None
    verdict: Verdict


def coverage(trials: int) -> float:
    """The coverage of the interval over this number of trials: the bound of the order statistics."""
    return 0.0 if trials < FEWEST_TRIALS else min(CONFIDENCE, 1.0 - 2.0 ** (1 - trials))


def estimate(values: Sequence[float]) -> Estimate | None:
    """The median of `values` with its interval; None without values."""
    return _estimated(tuple(map(float, values))) if values else None


@functools.lru_cache(maxsize=1 << 14)
def _estimated(values: tuple[float, ...]) -> Estimate:
    """Cached: equal values have equal intervals, and a report uses each in many tables and figures."""
    sample = np.array(values)
    median = float(np.median(sample))
    if sample.size < FEWEST_TRIALS:
        return Estimate(median, None, None, 0.0, values)
    low, high = _bootstrap(sample)
    return Estimate(median, low, high, coverage(sample.size), values)


def compare(ours: Mapping[int, float], theirs: Mapping[int, float], floor: Floor) -> Compared:
    """`ours` compared with `theirs`, by block. The ratio decides where there is one, else the difference."""
    ratio, difference = paired_ratio(ours, theirs), paired_difference(ours, theirs)
    if ratio is None or difference is None:
        shown = verdict_of_difference(difference, floor.difference)
    else:
        shown = verdict(ratio, floor.ratio)
        if shown in (Verdict.HIGHER, Verdict.LOWER) and abs(difference.median) <= floor.grain:
            shown = Verdict.NONE_SHOWN
    return Compared(ratio, difference, shown)


def compare_twins(ours: Mapping[int, float], theirs: Mapping[int, float], grain: float) -> Compared:
    """A/A: the same cell twice. The interval alone decides, so its confidence is higher."""
    ratio = paired_ratio(ours, theirs, TWINS_CONFIDENCE)
    difference = paired_difference(ours, theirs, TWINS_CONFIDENCE)
    if ratio is None or difference is None:
        return Compared(ratio, difference, verdict_of_difference(difference, grain))
    shown = verdict(ratio, LEAST_FLOOR) if abs(difference.median) > grain or ratio.too_few else Verdict.NONE_SHOWN
    return Compared(ratio, difference, shown)


def noise_floor(twins: Mapping[int, Sequence[tuple[float, float]]], grain: float) -> Floor:
    """The noise floor from twins by block: the mean of equal pairs, one per block, is outside of it with a probability
    of 5 %.

    Twins differ by chance alone, so their logarithmic ratios have the mean 0, and n of them estimate their spread with
    n degrees of freedom. Student's T with n degrees of freedom then bounds the mean of one pair per block, with the
    standard error spread / sqrt(blocks).
    """
    pairs = [pair for pairs_of_block in twins.values() for pair in pairs_of_block]
    ratios = [math.log(one / other) for one, other in pairs if one > 0 and other > 0]
    blocks = sum(bool(pairs_of_block) for pairs_of_block in twins.values())
    ratio = max(math.exp(_bound_of_mean(ratios, blocks)), LEAST_FLOOR) if ratios else ASSUMED_FLOOR
    difference = max(grain, _bound_of_mean([one - other for one, other in pairs], blocks))
    return Floor(ratio, difference, grain, len(pairs), blocks)


def _bound_of_mean(differences: Sequence[float], blocks: int) -> float:
    """The distance from 0 that the mean of one difference per block does not exceed in 95 % of cases; 0 without any."""
    if not differences:
        return 0.0
    spread = math.sqrt(sum(value * value for value in differences) / len(differences))
    return min(student_t(FLOOR_CONFIDENCE, len(differences)) * spread / math.sqrt(blocks), LARGEST_LOGARITHM)


def paired_ratio(
    numerators: Mapping[int, float], denominators: Mapping[int, float], confidence: float = COMPARED_CONFIDENCE
) -> Estimate | None:
    """The ratio of numerators to denominators, paired by block.

    None where no block has both, or where one of a pair is not above zero: a block is never left out because of its
    values. Computed on logarithms, so that a : b is the exact inverse of b : a.
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
    """The difference of minuends and subtrahends, paired by block; None where no block has both."""
    blocks = sorted(minuends.keys() & subtrahends.keys())
    return _student([minuends[block] - subtrahends[block] for block in blocks], confidence)


def verdict(ratio: Estimate | None, floor: float) -> Verdict:
    """The verdict on a ratio: a difference only if its interval excludes 1 and its median is outside the noise floor
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
    """The median of `values` with Student's interval of their mean, widened where needed to contain the median."""
    if not values:
        return None
    sample = np.asarray(values, dtype=np.float64)
    median = float(np.median(sample))
    if sample.size < FEWEST_TRIALS:
        return Estimate(median, None, None, 0.0, tuple(values))
    mean = float(sample.mean())
    half_width = student_t(confidence, sample.size - 1) * float(sample.std(ddof=1)) / math.sqrt(sample.size)
    low, high = min(mean - half_width, median), max(mean + half_width, median)
    return Estimate(median, low, high, confidence, tuple(values))


def _bootstrap(sample: npt.NDArray[np.float64]) -> tuple[float, float]:
    medians = np.median(sample[_resampling(sample.size)], axis=1)
    tail = 50.0 * (1.0 - CONFIDENCE)
    low, high = np.percentile(medians, [tail, 100.0 - tail])
    return float(low), float(high)


@functools.lru_cache(maxsize=64)
def _resampling(size: int) -> npt.NDArray[np.int64]:
    """The indices of the trials of each resample, one row per resample."""
    return np.random.default_rng(size).integers(0, size, (RESAMPLES, size))
