"""Least squares with coefficients that are not negative, beside those of SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from bench.analysis.numbers.non_negative import non_negative


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_non_negative_least_squares_agree_with_scipy(columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, target = rng.normal(size=(columns + 4, columns)), rng.normal(size=columns + 4)
    solution = non_negative(rows, target)
    expected, rest = optimize.nnls(rows, target)
    assert (solution >= 0).all()
    assert float(np.linalg.norm(rows @ solution - target)) == pytest.approx(float(rest), rel=1e-9, abs=1e-12)
    assert solution == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_a_column_without_an_entry_costs_nothing() -> None:
    assert list(non_negative(np.array([[1.0, 0.0], [2.0, 0.0]]), np.array([2.0, 4.0]))) == pytest.approx([2.0, 0.0])
