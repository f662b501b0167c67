"""Ticks of logarithmic axes: wherever there is room for two, two round numbers are found."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bench.report.figures._ticks import _log_places


@given(st.floats(-3, 12), st.floats(0.0, 12), st.integers(2, 9))
def test_a_logarithmic_axis_has_as_many_ticks_as_it_has_room_for(power: float, decades: float, most: int) -> None:
    low, high = 10.0**power, 10.0 ** (power + decades)
    places = _log_places(low, high, most)
    assert all(low <= place <= high for place in places)
    assert places == sorted(places)
    assert len(places) <= most
    if decades > 0.7:  # a factor of five holds two of 1, 2 and 5, whatever it begins with
        assert len(places) >= 2
    if decades > 2.001:  # and a hundred two powers of ten
        apart = {round(math.log10(b / a), 6) for a, b in pairwise(places)}
        assert len(apart) == 1
