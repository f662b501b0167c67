"""The statistics of two runs: their trials are no pairs, and the machine may have been in another state altogether.

All is computed on a scale on which changes add up: logarithms of what is above zero, else the numbers as they are.

*The machine.* A run as a whole can be slower than another of the same commit. So each trial of a quantity that the
machine moves is first held against what the other cells of its block did, the harness among them (`beside_others`: one
sweep of J. W. Tukey's median polish, *Exploratory Data Analysis*, 1977, chapter 10, leaving one out). What all share is
taken off. What they do not share, beyond their own noise, is how unlike one machine treats different servers on two
days: it widens every interval (`_crowd`, after the moment estimate of R. DerSimonian and N. Laird, *Controlled Clinical
Trials* 7, 1986).

*The change* is a difference of means with its own variance in each run, and degrees of freedom after Satterthwaite and
B. L. Welch ("The generalization of 'Student's' problem when several different population variances are involved",
*Biometrika* 34, 1947). Three to five trials know their variance poorly, but the cells of one metric in one scenario
know together how noisy it is: each variance is moved towards that of all, the further the more alike they are
(`pooled`; G. K. Smyth, "Linear models and empirical Bayes methods for assessing differential expression in microarray
experiments", *Statistical Applications in Genetics and Molecular Biology* 3, 2004, sections 3 and 6.2).

*Many comparisons.* Two runs are compared on a hundred and more pairs of metric and cell. `holm` holds the probability
of one or more false alarms in all of them at 1 - RUNS_CONFIDENCE (S. Holm, "A simple sequentially rejective multiple
test procedure", *Scandinavian Journal of Statistics* 6, 1979).

What that is worth is simulated in the tests (tests/analysis/test_unpaired.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from bench.analysis.numbers.statistics import FEWEST_TRIALS, student_t, within

RUNS_CONFIDENCE = 0.95
"""That no unchanged cell of two runs is called changed; and of the interval of a change taken alone."""
FEWEST_WITNESSES = 2
"""Other cells that must tell what the machine did before a cell is said to have changed by itself."""
TRIMMED = 1.6
"""The variance of eight normal values without the one farthest from their median, times this, is theirs."""
MOST_FREEDOM = 200
"""Beyond so many degrees of freedom Student's variable is as good as normal."""
MOST_PRIOR = 6.0
"""Degrees of freedom that the common variance counts for at most: cells that look equally noisy may not be."""

Blocks = Mapping[int, float]
"""One value per block."""


@dataclass(frozen=True, slots=True)
class Change:
    """How far the mean of a cell moved from one run to another.

    variance: of `delta`; freedom: the degrees of freedom with which that is known.
    """

    delta: float
    variance: float
    freedom: int

    @property
    def p_value(self) -> float:
        """How probable so large a |delta| is where nothing changed."""
        if self.variance <= 0.0:
            return float(self.delta == 0.0)
        return max(0.0, 1.0 - within(abs(self.delta) / math.sqrt(self.variance), self.freedom))

    def reach(self, confidence: float = RUNS_CONFIDENCE) -> float:
        """Half the width of the interval of `delta` at that confidence, for one comparison alone."""
        return student_t(confidence, self.freedom) * math.sqrt(self.variance)


@dataclass(frozen=True, slots=True)
class Prior:
    """What the cells of a panel know together of the variance of one value, and with how many degrees of freedom."""

    variance: float
    freedom: float


NO_PRIOR = Prior(0.0, 0.0)


def changes(old: Mapping[str, Blocks], new: Mapping[str, Blocks], drifts: bool) -> dict[str, Change]:
    """By how much every cell of a panel (one metric in one scenario) moved from the old run to the new.

    Of cells with FEWEST_TRIALS blocks in both. drifts: whether the state of the machine moves the quantity; cells with
    too few others to tell that are then left out.
    """
    if drifts:
        old, new = beside_others(old, new)
    samples = {
        name: (list(old[name].values()), list(new[name].values()))
        for name in sorted(old.keys() & new.keys())
        if min(len(old[name]), len(new[name])) >= FEWEST_TRIALS
    }
    prior = pooled([(_variance(values), len(values) - 1) for pair in samples.values() for values in pair])
    own = {name: welch(*pair, prior) for name, pair in samples.items()}
    return {
        name: _widened(change, [other for key, other in own.items() if key != name]) for name, change in own.items()
    }


def beside_others(old: Mapping[str, Blocks], new: Mapping[str, Blocks]) -> tuple[dict[str, Blocks], dict[str, Blocks]]:
    """Every trial less the median of what the other cells of its block did, each measured from its own level.

    The level of a cell is the middle between its means in the two runs. So what all cells of a block share is taken
    off, within a run and between the two, and a few cells that changed for a reason of their own do not move the
    median. Of cells that both runs have; blocks with fewer than FEWEST_WITNESSES others are left out.
    """
    names = sorted(name for name in old.keys() & new.keys() if old[name] and new[name])
    levels = {name: (fmean(old[name].values()) + fmean(new[name].values())) / 2 for name in names}

    def beside(run: Mapping[str, Blocks]) -> dict[str, Blocks]:
        apart = {name: {block: value - levels[name] for block, value in run[name].items()} for name in names}
        return {name: _less_others(run[name], [apart[key] for key in names if key != name]) for name in names}

    return beside(old), beside(new)


def _less_others(own: Blocks, others: Sequence[Blocks]) -> Blocks:
    witnesses = {block: [other[block] for other in others if block in other] for block in own}
    return {
        block: value - median(witnesses[block])
        for block, value in own.items()
        if len(witnesses[block]) >= FEWEST_WITNESSES
    }


def welch(old: Sequence[float], new: Sequence[float], prior: Prior = NO_PRIOR) -> Change:
    """The difference of the means of two independent samples of two values or more, each with its own variance, which
    `prior` has its part in."""
    parts = []
    for sample in (old, new):
        own = len(sample) - 1
        freedom = prior.freedom + own
        variance = (prior.freedom * prior.variance + own * _variance(sample)) / freedom
        parts.append((variance / len(sample), freedom))
    return Change(fmean(new) - fmean(old), sum(variance for variance, _ in parts), _satterthwaite(parts))


def pooled(variances: Sequence[tuple[float, int]]) -> Prior:
    """What sample variances, each with its degrees of freedom, say together of the next one (Smyth 2004, section 6.2).

    The more their logarithms scatter beyond what chance explains, the less it counts; nothing with fewer than three
    that are above zero.
    """
    known = [(variance, freedom) for variance, freedom in variances if variance > 0.0]
    if len(known) < 3:
        return NO_PRIOR
    logs = [math.log(variance) - digamma(freedom / 2) + math.log(freedom / 2) for variance, freedom in known]
    beyond = _variance(logs) - fmean(trigamma(freedom / 2) for _, freedom in known)
    freedom = min(2.0 * _inverse_trigamma(beyond), MOST_PRIOR) if beyond > 0 else MOST_PRIOR
    centre = fmean(logs) + digamma(freedom / 2) - math.log(freedom / 2)
    return Prior(math.exp(centre), freedom)


def _widened(change: Change, others: Sequence[Change]) -> Change:
    """The change with the variance by which a crowd of unchanged cells scatters beyond its own noise."""
    crowd = _crowd(others)
    if crowd <= 0.0:
        return change
    parts = [(change.variance, float(change.freedom)), (crowd, float(len(others) - 1))]
    return Change(change.delta, change.variance + crowd, _satterthwaite(parts))


def _crowd(others: Sequence[Change]) -> float:
    """The variance of others' changes less what their own noise explains; 0 with fewer than two.

    Of four and more, the one farthest from their median is left out: it may have changed for a reason of its own.
    """
    if len(others) < 2:
        return 0.0
    deltas = [other.delta for other in others]
    middle = median(deltas)
    kept, widened = sorted(deltas, key=lambda delta: abs(delta - middle)), 1.0
    if len(others) >= 4:
        kept, widened = kept[:-1], TRIMMED
    return max(0.0, widened * _variance(kept) - median(other.variance for other in others))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted for their number, in the order given: reject those at most 1 - RUNS_CONFIDENCE."""
    adjusted, least = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = least
    return adjusted


def _satterthwaite(parts: Sequence[tuple[float, float]]) -> int:
    """The degrees of freedom of a sum of (variance, freedom), rounded down; of all together where there is none."""
    total = sum(variance for variance, _ in parts)
    if total <= 0.0:
        return int(min(sum(freedom for _, freedom in parts), MOST_FREEDOM))
    shares = sum((variance / total) ** 2 / freedom for variance, freedom in parts)
    return max(1, int(min(1.0 / shares, MOST_FREEDOM)))


def _variance(values: Sequence[float]) -> float:
    """The sample variance of two values or more."""
    mean = fmean(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1)


def digamma(x: float) -> float:
    """The derivative of log gamma, for x > 0 (M. Abramowitz and I. Stegun 1964, 6.3.5 and 6.3.18)."""
    below = 0.0
    while x < 8.0:
        below, x = below - 1.0 / x, x + 1.0
    square = 1.0 / (x * x)
    return below + math.log(x) - 0.5 / x - square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square / 240)))


def trigamma(x: float) -> float:
    """The derivative of digamma, for x > 0 (6.4.6 and 6.4.12 there)."""
    below = 0.0
    while x < 8.0:
        below, x = below + 1.0 / (x * x), x + 1.0
    square = 1.0 / (x * x)
    return below + 1.0 / x + square / 2 + square / x * (1 / 6 - square * (1 / 30 - square * (1 / 42 - square / 30)))


def _inverse_trigamma(value: float) -> float:
    """Where trigamma, which falls throughout, has that value > 0; within 1e-8 and 1e8."""
    low, high = math.log(1e-8), math.log(1e8)
    for _ in range(80):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if trigamma(math.exp(middle)) > value else (low, middle)
    return math.exp(0.5 * (low + high))
