"""Special functions, with scipy as the oracle."""

from __future__ import annotations

import pytest
from scipy import special, stats

from bench.analysis.numbers.special_functions import digamma, inverse_trigamma, student_t, trigamma


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 8, 15, 40])
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
def test_students_t_agrees_with_scipy(confidence: float, freedom: int) -> None:
    assert student_t(confidence, freedom) == pytest.approx(stats.t.ppf(0.5 + confidence / 2, freedom), rel=1e-9)


@pytest.mark.parametrize("x", [1e-4, 0.3, 1.0, 2.5, 7.9, 8.0, 60.0])
def test_digamma_and_trigamma_agree_with_scipy(x: float) -> None:
    assert digamma(x) == pytest.approx(special.digamma(x), rel=1e-9, abs=1e-9)
    assert trigamma(x) == pytest.approx(special.polygamma(1, x), rel=1e-9)


@pytest.mark.parametrize("x", [1e-4, 0.3, 1.0, 2.5, 7.9, 8.0, 60.0])
def test_the_inverse_of_trigamma_inverts_it(x: float) -> None:
    assert inverse_trigamma(trigamma(x)) == pytest.approx(x, rel=1e-6)
