"""The statistics of two runs: their trials are not paired, and the machine may have been in another state.

All values are on a scale on which changes add up: logarithms of values above zero, else the values themselves.

*The machine.* A run as a whole can be slower than another of the same commit. So each trial of a quantity that depends
on the machine is first related to the other cells of its block, with the harness (`relative_to_others`: one sweep of
J. W. Tukey's median polish, *Exploratory Data Analysis*, 1977, chapter 10, leaving one out). That removes the change
that all cells have in common. The rest of their changes, beyond their own noise, is how differently the machine treats
different servers on two days. It widens every interval (`_variance_between`, after the moment estimate of
R. DerSimonian and N. Laird, *Controlled Clinical Trials* 7, 1986).

*The change* is a difference of means with its own variance in each run, and degrees of freedom after Satterthwaite and
B. L. Welch ("The generalization of 'Student's' problem when several different population variances are involved",
*Biometrika* 34, 1947). Three to five trials estimate their variance poorly, but all cells of one metric in one
scenario together estimate its noise well. Each variance is moved towards the common one, and further the more similar
they are (`pooled`; G. K. Smyth, "Linear models and empirical Bayes methods for assessing differential expression in
microarray experiments", *Statistical Applications in Genetics and Molecular Biology* 3, 2004, sections 3 and 6.2).

*Many comparisons.* Two runs are compared on a hundred and more pairs of metric and cell. `holm` limits the probability
of one or more false alarms in all of them to 1 - RUNS_CONFIDENCE (S. Holm, "A simple sequentially rejective multiple
test procedure", *Scandinavian Journal of Statistics* 6, 1979).

The tests simulate the error rates (tests/analysis/numbers/test_unpaired.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from bench.analysis.numbers.special_functions import (
    digamma,
    inverse_trigamma,
    probability_within,
    student_t,
    trigamma,
)
from bench.analysis.numbers.statistics import FEWEST_TRIALS

RUNS_CONFIDENCE = 0.95  # that no unchanged cell of two runs is called changed; and of the interval of one change
FEWEST_OTHERS = 2  # cells that are needed to separate the change of one cell from that of the machine
TRIMMED = 1.6  # the variance of eight normal values, in units of that without the one farthest from their median
MOST_FREEDOM = 200  # degrees of freedom; with more, Student's distribution is as good as normal
MOST_PRIOR = 6.0  # degrees of freedom of the common variance at most: cells that seem equally noisy may not be

Blocks = Mapping[int, float]  # one value per block


@dataclass(frozen=True, slots=True)
class Change:
    """The change of the mean of a cell from one run to another.

    variance: of `delta`; freedom: the degrees of freedom of that variance.
    """

    delta: float
    variance: float
    freedom: int

    @property
    def p_value(self) -> float:
        """The probability of a |delta| of this size or more where nothing changed."""
        if self.variance <= 0.0:
            return float(self.delta == 0.0)
        return max(0.0, 1.0 - probability_within(abs(self.delta) / math.sqrt(self.variance), self.freedom))

    def half_width(self, confidence: float = RUNS_CONFIDENCE) -> float:
        """Half the width of the interval of `delta` at this confidence, for one comparison."""
        return student_t(confidence, self.freedom) * math.sqrt(self.variance)


@dataclass(frozen=True, slots=True)
class Prior:
    """The variance of one value that all cells of a panel estimate together, and its degrees of freedom."""

    variance: float
    freedom: float


NO_PRIOR = Prior(0.0, 0.0)


def changes(old: Mapping[str, Blocks], new: Mapping[str, Blocks], drifts: bool) -> dict[str, Change]:
    """The change of every cell of a panel (one metric in one scenario) from the old run to the new.

    Of cells with FEWEST_TRIALS blocks in both. drifts: whether the quantity depends on the state of the machine; cells
    with too few others for an estimate of that are then left out.
    """
    if drifts:
        old, new = relative_to_others(old, new)
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


def relative_to_others(
    old: Mapping[str, Blocks], new: Mapping[str, Blocks]
) -> tuple[dict[str, Blocks], dict[str, Blocks]]:
    """Every trial minus the median deviation of the other cells of its block, each from its own level.

    The level of a cell is the middle between its means in the two runs. So the change that all cells of a block have in
    common is removed, within a run and between the two. A few cells that changed for a reason of their own do not move
    the median. Only cells of both runs count; blocks with fewer than FEWEST_OTHERS other cells are left out.
    """
    names = sorted(name for name in old.keys() & new.keys() if old[name] and new[name])
    levels = {name: (fmean(old[name].values()) + fmean(new[name].values())) / 2 for name in names}

    def relative(run: Mapping[str, Blocks]) -> dict[str, Blocks]:
        deviations = {name: {block: value - levels[name] for block, value in run[name].items()} for name in names}
        return {name: _minus_others(run[name], [deviations[key] for key in names if key != name]) for name in names}

    return relative(old), relative(new)


def _minus_others(own: Blocks, others: Sequence[Blocks]) -> Blocks:
    deviations = {block: [other[block] for other in others if block in other] for block in own}
    return {
        block: value - median(deviations[block])
        for block, value in own.items()
        if len(deviations[block]) >= FEWEST_OTHERS
    }


def welch(old: Sequence[float], new: Sequence[float], prior: Prior = NO_PRIOR) -> Change:
    """The difference of the means of two independent samples of two values or more, each with its own variance, moved
    towards that of the `prior`."""
    parts = []
    for sample in (old, new):
        own = len(sample) - 1
        freedom = prior.freedom + own
        variance = (prior.freedom * prior.variance + own * _variance(sample)) / freedom
        parts.append((variance / len(sample), freedom))
    return Change(fmean(new) - fmean(old), sum(variance for variance, _ in parts), _satterthwaite(parts))


def pooled(variances: Sequence[tuple[float, int]]) -> Prior:
    """The prior for the next variance from sample variances with their degrees of freedom (Smyth 2004, section 6.2).

    It has fewer degrees of freedom the more their logarithms scatter beyond chance, and none with fewer than three
    variances above zero.
    """
    positive = [(variance, freedom) for variance, freedom in variances if variance > 0.0]
    if len(positive) < 3:
        return NO_PRIOR
    logs = [math.log(variance) - digamma(freedom / 2) + math.log(freedom / 2) for variance, freedom in positive]
    excess = _variance(logs) - fmean(trigamma(freedom / 2) for _, freedom in positive)
    freedom = min(2.0 * inverse_trigamma(excess), MOST_PRIOR) if excess > 0 else MOST_PRIOR
    centre = fmean(logs) + digamma(freedom / 2) - math.log(freedom / 2)
    return Prior(math.exp(centre), freedom)


def _widened(change: Change, others: Sequence[Change]) -> Change:
    """The change with the variance that the changes of other cells have beyond their own noise."""
    between = _variance_between(others)
    if between <= 0.0:
        return change
    parts = [(change.variance, float(change.freedom)), (between, float(len(others) - 1))]
    return Change(change.delta, change.variance + between, _satterthwaite(parts))


def _variance_between(others: Sequence[Change]) -> float:
    """The variance of the other cells' changes minus that of their own noise; 0 with fewer than two.

    Of four and more, the one farthest from their median is left out: it may have changed for a reason of its own.
    """
    if len(others) < 2:
        return 0.0
    deltas = [other.delta for other in others]
    centre = median(deltas)
    nearest, factor = sorted(deltas, key=lambda delta: abs(delta - centre)), 1.0
    if len(others) >= 4:
        nearest, factor = nearest[:-1], TRIMMED
    return max(0.0, factor * _variance(nearest) - median(other.variance for other in others))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted for their number, in the same order: reject those of at most 1 - RUNS_CONFIDENCE."""
    adjusted, least = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = least
    return adjusted


def _satterthwaite(parts: Sequence[tuple[float, float]]) -> int:
    """The degrees of freedom of a sum of (variance, freedom), rounded down; their sum where the variance is zero."""
    total = sum(variance for variance, _ in parts)
    if total <= 0.0:
        return int(min(sum(freedom for _, freedom in parts), MOST_FREEDOM))
    shares = sum((variance / total) ** 2 / freedom for variance, freedom in parts)
    return max(1, int(min(1.0 / shares, MOST_FREEDOM)))


def _variance(values: Sequence[float]) -> float:
    """The sample variance of two values or more."""
    mean = fmean(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1)
