"""How far predictions of points that were left out of the fit are off."""

import pytest

from bench.advice.held_out import HeldOut, Miss


def test_two_variants_are_distinguished_where_most_predicted_ratios_were_off_by_less() -> None:
    def missed(predicted: float, place: int, name: str) -> Miss:
        return Miss(name, f"load {place}", "cpu", predicted, 1.0)

    exact = [missed(1.0, place, name) for place in range(10) for name in ("sse", "websocket")]
    assert HeldOut(tuple(exact)).distinguishing_factor() == pytest.approx(1.0)
    both_off = [missed(1.5, place, name) for place in range(10) for name in ("sse", "websocket")]
    # the ratio holds, but 1 + 2 e is the least
    assert HeldOut(tuple(both_off)).distinguishing_factor() == pytest.approx(2.0)
    one_off = [missed(1.5 if name == "sse" else 1.0, place, name) for place in range(5) for name in ("sse", "ws")]
    assert HeldOut(tuple(one_off)).distinguishing_factor() == pytest.approx(1.5)
    assert HeldOut(()).distinguishing_factor() == 1.0
