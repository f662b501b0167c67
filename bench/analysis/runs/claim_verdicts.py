"""What a run shows of the claims about push techniques.

The verdict of a claim is that of the paired comparison of its two sides: the side that is claimed to have more, divided
by the side that is claimed to have less. So a ratio above 1 always agrees with the claim.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from bench.analysis.numbers.statistics import Estimate, Verdict
from bench.analysis.runs.cells import Cells, Comparison
from bench.analysis.runs.claims import ABOUT_MAIN_TECHNIQUE, Claim, Side, about_products, between_others
from bench.analysis.trials.metrics import METRICS, Metric
from bench.results import VariantFacts

RELEVANT_RATIO = 1.25  # or its inverse: where the interval still contains 1, the measurement was too noisy


class ClaimVerdict(enum.StrEnum):
    """What a run shows of a claim."""

    SUPPORTED = "supported"
    NOT_SUPPORTED = "not supported"
    NO_DIFFERENCE = "no difference beyond noise"
    TOO_FEW = "too few trials"
    NOT_MEASURED = "not measured here"


_VERDICTS = {
    Verdict.HIGHER: ClaimVerdict.SUPPORTED,
    Verdict.LOWER: ClaimVerdict.NOT_SUPPORTED,
    Verdict.NONE_SHOWN: ClaimVerdict.NO_DIFFERENCE,
    Verdict.TOO_FEW: ClaimVerdict.TOO_FEW,
}


@dataclass(frozen=True, slots=True)
class MeasuredSide:
    """What was measured of one side of a claim."""

    variant: VariantFacts
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class JudgedClaim:
    """A claim with its verdict.

    subject, other: None for a side without a value.
    comparison: the side that is claimed to have more, compared with the other; None unless both have values.
    noisy: no difference was shown, although the ratio is relevant or outside the noise floor.
    """

    claim: Claim
    verdict: ClaimVerdict
    subject: MeasuredSide | None
    other: MeasuredSide | None
    comparison: Comparison | None
    noisy: bool = False

    @property
    def larger(self) -> Comparison | None:
        """The comparison, inverted where the run contradicts the claim: a ratio that shows a difference is above 1."""
        if self.comparison is None or self.verdict is not ClaimVerdict.NOT_SUPPORTED:
            return self.comparison
        return inverted(self.comparison)

    @property
    def metric(self) -> Metric:
        """What the claim is about."""
        return METRICS[self.claim.theme.metric]


def inverted(comparison: Comparison) -> Comparison:
    """The reference compared with the variant. A ratio is computed on logarithms, so its inverse is exact."""
    ratio, difference = comparison.ratio, comparison.difference
    return Comparison(
        comparison.reference,
        comparison.variant,
        ratio and _ends_swapped(ratio, lambda value: 1.0 / value),
        difference and _ends_swapped(difference, lambda value: -value),
        _OPPOSITES.get(comparison.verdict, comparison.verdict),
    )


_OPPOSITES = {Verdict.HIGHER: Verdict.LOWER, Verdict.LOWER: Verdict.HIGHER}


def _ends_swapped(estimate: Estimate, of: Callable[[float], float]) -> Estimate:
    low, high = (None if end is None else of(end) for end in (estimate.high, estimate.low))
    return Estimate(of(estimate.median), low, high, estimate.coverage, tuple(map(of, estimate.values)))


def judge(cells: Cells, claim: Claim) -> JudgedClaim:
    """What a run shows of a claim."""
    metric, scenario = claim.theme.metric, claim.theme.scenario
    subject, other = (_measured(cells, metric, scenario, side) for side in (claim.subject, claim.other))
    if subject is None or other is None:
        return JudgedClaim(claim, ClaimVerdict.NOT_MEASURED, subject, other, None)
    more, less = (subject, other) if claim.more else (other, subject)
    comparison = cells.compare(metric, scenario, more.variant.name, less.variant.name)
    verdict = _VERDICTS[comparison.verdict]
    noisy = verdict is ClaimVerdict.NO_DIFFERENCE and _relevant(comparison.ratio, cells.floor(metric, scenario).ratio)
    return JudgedClaim(claim, verdict, subject, other, comparison, noisy)


def _relevant(ratio: Estimate | None, floor: float) -> bool:
    return ratio is not None and max(ratio.median, 1.0 / ratio.median) > min(floor, RELEVANT_RATIO)


def _measured(cells: Cells, metric: str, scenario: str, side: Side) -> MeasuredSide | None:
    variant = side.of(cells, metric, scenario)
    estimate = cells.estimate(metric, scenario, variant.name) if variant else None
    return MeasuredSide(variant, estimate) if variant and estimate else None


@dataclass(frozen=True, slots=True)
class Claims:
    """Every claim of a run with its verdict: about WebSocket, about two other techniques, about products."""

    main: list[JudgedClaim]
    others: list[JudgedClaim]
    products: list[JudgedClaim]

    @property
    def every(self) -> list[JudgedClaim]:
        """All of them."""
        return [*self.main, *self.others, *self.products]


def claims(cells: Cells) -> Claims:
    """All claims with what a run shows of them."""
    tables = (ABOUT_MAIN_TECHNIQUE, between_others(cells), about_products(cells))
    return Claims(*([judge(cells, claim) for claim in table] for table in tables))
