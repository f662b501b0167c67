"""Traceable numbers: each carries its text, its value in base units and its origin.

In a page they become `<data>` elements (the macro `number`), in Markdown their text. A *phrase* is text with such
numbers in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.analysis.numbers.statistics import Estimate
from bench.analysis.runs.cells import Cells, Comparison
from bench.analysis.trials.metrics import METRICS
from bench.report import noise
from bench.units import DASH, TIMES, Scale, factor, quantity, scale_for


@dataclass(frozen=True, slots=True)
class Number:
    """`kind`: median, ratio, difference, each also with `-low` and `-high` for the ends of its interval; floor.

    A ratio is that of `variant` to `against`, a difference is `variant` less `against`.
    """

    text: str
    value: float
    kind: str
    metric: str
    scenario: str
    variant: str = ""
    against: str = ""

    def __str__(self) -> str:
        return self.text


Phrase = tuple[str | Number, ...]


def plain(phrase: Phrase) -> str:
    """A phrase without its origins."""
    return "".join(map(str, phrase))


def median(metric: str, scenario: str, variant: str, estimate: Estimate, scale: Scale | None = None) -> Phrase:
    """The median of a cell with its unit, or bare on the given scale."""
    shown = quantity(estimate.median, METRICS[metric].unit) if scale is None else scale.number(estimate.median)
    return (Number(shown, estimate.median, "median", metric, scenario, variant),)


def interval(metric: str, scenario: str, variant: str, estimate: Estimate, scale: Scale | None = None) -> Phrase:
    """The ends of a cell's interval on the scale of its median; empty if the trials are too few for one."""
    if estimate.low is None or estimate.high is None:
        return ()
    on = scale or scale_for(estimate.median, METRICS[metric].unit)
    ends = [
        Number(on.number(end), end, f"median-{side}", metric, scenario, variant)
        for end, side in ((estimate.low, "low"), (estimate.high, "high"))
    ]
    return (ends[0], DASH if estimate.low >= 0 else " to ", ends[1])


def measured(metric: str, scenario: str, variant: str, estimate: Estimate) -> Phrase:
    """The median and, in brackets, its interval."""
    ends = interval(metric, scenario, variant, estimate)
    return (*median(metric, scenario, variant, estimate), *((" (", *ends, ")") if ends else ()))


def compared(comparison: Comparison, metric: str, scenario: str) -> Phrase:
    """A ratio with its interval, or the difference if a value is zero; empty if neither has an interval."""
    if comparison.ratio is not None and not comparison.ratio.too_few:
        return _ratio(comparison.ratio, comparison, metric, scenario)
    if comparison.difference is not None and not comparison.difference.too_few:
        return _difference(comparison.difference, comparison, metric, scenario)
    return ()


def _ratio(ratio: Estimate, comparison: Comparison, metric: str, scenario: str) -> Phrase:
    def number(text: str, value: float, kind: str) -> Number:
        return Number(text, value, kind, metric, scenario, comparison.variant.name, comparison.reference.name)

    assert ratio.low is not None
    assert ratio.high is not None
    low, high = (factor(end).removesuffix(TIMES) for end in (ratio.low, ratio.high))
    return (
        number(factor(ratio.median), ratio.median, "ratio"), " (", number(low, ratio.low, "ratio-low"), DASH,
        number(high, ratio.high, "ratio-high"), ")",
    )  # fmt: skip


def _difference(difference: Estimate, comparison: Comparison, metric: str, scenario: str) -> Phrase:
    unit = METRICS[metric].unit

    def number(value: float, kind: str) -> Number:
        text, variant, against = quantity(value, unit), comparison.variant.name, comparison.reference.name
        return Number(text, value, kind, metric, scenario, variant, against)

    assert difference.low is not None
    assert difference.high is not None
    middle = number(difference.median, "difference")
    ends = (number(difference.low, "difference-low"), " to ", number(difference.high, "difference-high"))
    return ("a difference of ", middle, " (", *ends, ")")


def floor(cells: Cells, metric: str, scenario: str) -> Phrase:
    """The noise floor of a metric: as a share above 1, or in its unit where a value can be zero."""
    noise_floor = cells.floor(metric, scenario)
    by_ratio = noise.by_ratio(cells, metric, scenario)
    value, kind = (noise_floor.ratio, "floor-ratio") if by_ratio else (noise_floor.difference, "floor-difference")
    number = Number(noise.floor_text(cells, metric, scenario), value, kind, metric, scenario)
    return (number,) if noise_floor.measured else (number, ", assumed")
