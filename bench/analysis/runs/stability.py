"""Unreliable estimates: cells with trials that disagree, and cells with too few trials.

The rules are those of pyperf (standard deviation above 10 % of the mean, a run 50 % off the mean, too few runs; see
`pyperf check`) in robust form, because the trials are few and the reported figure is their median. Distances are from
the median. The spread is the median absolute deviation times 1.4826, which estimates the standard deviation of normal
values (P. Rousseeuw and C. Croux, *Journal of the American Statistical Association* 88, 1993). One stray trial of three
does not raise that spread; the second rule finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench.analysis.numbers.statistics import FEWEST_TRIALS
from bench.analysis.runs.cells import Cells
from bench.analysis.trials.metrics import METRICS, Metric
from bench.units import Unit, counted, quantity

SPREAD = 0.10
STRAY = 0.50
NORMAL = 1.4826  # median absolute deviations in one standard deviation of normal values


@dataclass(frozen=True, slots=True)
class Rule:
    """One way in which the trials of a cell can disagree on a metric.

    measure: the disagreement as a share of the median; None where it cannot be computed. observe: the same in words.
    """

    name: str
    limit: float
    threshold: str
    reason: str
    remedy: str
    measure: Callable[[Sequence[float]], float | None]
    observe: Callable[[Sequence[float], Unit], str]


@dataclass(frozen=True, slots=True)
class Instability:
    """A cell with an unreliable median. `metric` is None where this is true of all metrics.

    severity: the disagreement, in units of the rule's limit.
    """

    scenario: str
    variant: str
    metric: Metric | None
    rule: Rule
    severity: float
    observation: str

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return self.rule.remedy


def unstable(cells: Cells) -> list[Instability]:
    """Every rule broken by the headline metrics of every cell with a valid trial, in the order of the run."""
    return [
        instability
        for scenario in cells.scenarios
        for variant in cells.measured(scenario)
        for instability in _of_cell(cells, scenario, variant.name)
    ]


def _of_cell(cells: Cells, scenario: str, variant: str) -> list[Instability]:
    trials = len(cells.valid(scenario, variant))
    if trials < FEWEST_TRIALS:
        observation = f"{counted(trials, 'valid trial')}; an interval needs {FEWEST_TRIALS}"
        return [Instability(scenario, variant, None, TOO_FEW, FEWEST_TRIALS / trials, observation)]
    headlines = [metric for metric in METRICS.values() if metric.headline]
    return [one for metric in headlines for one in _of_metric(cells, scenario, variant, metric)]


def _of_metric(cells: Cells, scenario: str, variant: str, metric: Metric) -> Iterator[Instability]:
    values = [value for _, value in cells.values(metric.name, scenario, variant)]
    for rule in RULES:
        share = rule.measure(values)
        if share is not None and share > rule.limit:
            observation = f"{metric.title}: {rule.observe(values, metric.unit)}"
            yield Instability(scenario, variant, metric, rule, share / rule.limit, observation)


def spread(values: Sequence[float]) -> float | None:
    """A robust standard deviation as a share of the median; None with too few values, or where the median is zero."""
    median = _median(values)
    if median is None:
        return None
    return NORMAL * float(np.median(np.abs(np.asarray(values) - median))) / abs(median)


def stray(values: Sequence[float]) -> float | None:
    """The distance of the farthest value from the median, as a share of the median; None as for `spread`."""
    median = _median(values)
    return None if median is None else abs(_farthest(values) - median) / abs(median)


def _median(values: Sequence[float]) -> float | None:
    """The median; None with too few values, or where it is zero."""
    return (float(np.median(values)) or None) if len(values) >= FEWEST_TRIALS else None


def _farthest(values: Sequence[float]) -> float:
    median = float(np.median(values))
    return max(values, key=lambda value: abs(value - median))


def _spread_words(values: Sequence[float], unit: Unit) -> str:
    share = quantity(spread(values), "share")
    ends = " to ".join(quantity(end, unit) for end in (min(values), max(values)))
    return f"{counted(len(values), 'trial')} spread by {share} of their median, {ends}"


def _stray_words(values: Sequence[float], unit: Unit) -> str:
    median = quantity(float(np.median(values)), unit)
    return f"one trial has {quantity(_farthest(values), unit)}, the median is {median}"


MORE = "repeat more often (--repetitions) or measure longer (--set measure_s=...), on a machine without other work"

TOO_FEW = Rule(
    "too few trials", FEWEST_TRIALS, f"fewer than {FEWEST_TRIALS} valid trials in a cell",
    "without an interval no difference can be shown", "run with --repetitions 3 or more",
    lambda _: None, lambda _, __: "",
)  # fmt: skip
RULES = (
    Rule("trials disagree", SPREAD, f"robust standard deviation above {SPREAD:.0%} of the median",
         "differences of that size between variants can be chance", MORE, spread, _spread_words),
    Rule("stray trial", STRAY, f"a trial more than {STRAY:.0%} off the median",
         "something disturbed that trial alone, and it widens the interval",
         f"check the findings and the time series of that trial; {MORE}", stray, _stray_words),
)  # fmt: skip
