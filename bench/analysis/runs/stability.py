"""Estimates that cannot be relied on: cells whose trials disagree, or are too few to tell.

The rules are those of pyperf (standard deviation above 10 % of the mean, a run 50 % off the mean, too few runs; see
`pyperf check`) in robust form, since our trials are few and the figure shown is their median: distances are taken from
the median, and the spread is the median absolute deviation times 1.4826, which for normal values estimates the standard
deviation (P. Rousseeuw and C. Croux, *Journal of the American Statistical Association* 88, 1993). One stray trial of
three cannot then hide in a spread of its own making: it is told apart by the second rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.analysis.numbers.statistics import FEWEST_TRIALS
from bench.analysis.runs.cells import Cells
from bench.analysis.trials.metrics import METRICS, Metric
from bench.units import Unit, counted, quantity

SPREAD = 0.10
STRAY = 0.50
NORMAL = 1.4826


@dataclass(frozen=True, slots=True)
class Rule:
    """One way in which the trials of a cell can disagree on a metric.

    measure: by how much, as a share of the median; None where the rule cannot tell. observe: the same in words.
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
    """A cell whose median should not be relied on. `metric` is None where it is true of all of them.

    severity: how many times the limit of its rule it is.
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
    found: list[Instability] = []
    for scenario in cells.scenarios:
        for variant in cells.measured(scenario):
            if variant.hidden:  # it is compared with nobody
                continue
            trials = len(cells.valid(scenario, variant.name))
            if trials < FEWEST_TRIALS:
                seen = f"{counted(trials, 'valid trial')} of {FEWEST_TRIALS} that an interval needs"
                found.append(Instability(scenario, variant.name, None, TOO_FEW, FEWEST_TRIALS / trials, seen))
                continue
            found += _of_cell(cells, scenario, variant.name)
    return found


def _of_cell(cells: Cells, scenario: str, variant: str) -> list[Instability]:
    found = []
    for metric in METRICS.values():
        values = [value for _, value in cells.values(metric.name, scenario, variant)] if metric.headline else []
        for rule in RULES:
            share = rule.measure(values)
            if share is not None and share > rule.limit:
                seen = f"{metric.title}: {rule.observe(values, metric.unit)}"
                found.append(Instability(scenario, variant, metric, rule, share / rule.limit, seen))
    return found


def spread(values: Sequence[float]) -> float | None:
    """A robust standard deviation as a share of the median; None with too few values, or where the median is zero."""
    middle = _middle(values)
    if middle is None:
        return None
    return NORMAL * float(np.median(np.abs(np.asarray(values) - middle))) / abs(middle)


def stray(values: Sequence[float]) -> float | None:
    """How far the farthest value lies from the median, as a share of it; None as for `spread`."""
    middle = _middle(values)
    return None if middle is None else abs(_farthest(values) - middle) / abs(middle)


def _middle(values: Sequence[float]) -> float | None:
    """The median, where there are enough values to stray from it and it is not zero."""
    return (float(np.median(values)) or None) if len(values) >= FEWEST_TRIALS else None


def _farthest(values: Sequence[float]) -> float:
    middle = float(np.median(values))
    return max(values, key=lambda value: abs(value - middle))


def _spread_seen(values: Sequence[float], unit: Unit) -> str:
    share = quantity(spread(values), "share")
    ends = " to ".join(quantity(end, unit) for end in (min(values), max(values)))
    return f"{counted(len(values), 'trial')} spread by {share} of their median, {ends}"


def _stray_seen(values: Sequence[float], unit: Unit) -> str:
    return f"one trial says {quantity(_farthest(values), unit)}, the median {quantity(float(np.median(values)), unit)}"


MORE = "repeat more often (--repetitions) or measure longer (--set measure_s=...), on a machine with nothing else to do"

TOO_FEW = Rule(
    "too few trials", FEWEST_TRIALS, f"fewer than {FEWEST_TRIALS} valid trials in a cell",
    "no interval can be given, so no difference can be shown", "run with --repetitions 3 or more",
    lambda _: None, lambda _, __: "",
)  # fmt: skip
RULES = (
    Rule("trials disagree", SPREAD, f"robust standard deviation above {SPREAD:.0%} of the median",
         "differences of that size between variants are then chance", MORE, spread, _spread_seen),
    Rule("stray trial", STRAY, f"a trial more than {STRAY:.0%} off the median",
         "something happened to it that did not happen to the others, and the interval reaches out for it",
         f"look at the findings and the time series of that trial; {MORE}", stray, _stray_seen),
)  # fmt: skip
