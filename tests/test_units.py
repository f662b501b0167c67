"""Numbers as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import units
from bench.analysis.numbers.statistics import Estimate, estimate
from bench.units import SPACE, Unit, factor, interval, measured, quantity, ratio, tick


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.0, "ns", "0 ns"),
        (999.0, "ns", "999 ns"),
        (12_345.0, "ns", "12.3 µs"),
        (999_999.0, "ns", "1.00 ms"),
        (1_234_567.0, "ns", "1.23 ms"),
        (250_000_000.0, "ns", "250 ms"),
        (2_000_000_000.0, "ns", "2.00 s"),
        (4.0, "wire bytes", "4.0 B"),
        (236.4, "wire bytes", "236 B"),
        (1_420.0, "wire bytes", "1.42 kB"),
        (22_528.0, "memory bytes", "22.0 KiB"),
        (5_242_880.0, "memory bytes", "5.00 MiB"),
        (-2_048.0, "memory bytes", "\N{MINUS SIGN}2.00 KiB"),
        (0.98, "count", "0.980"),
        (0.0, "count", "0"),
        (3_027.0, "count", "3,027"),
        (1.0, "share", "100 %"),
        (607_000.0, "ns per s", "607 µs/s"),
        (1_234.5, "per s", "1,234 /s"),
        (0.5, "per s", "0.50 /s"),
    ],
)
def test_three_digits_and_a_readable_unit(value: float, unit: Unit, words: str) -> None:
    assert quantity(value, unit) == words.replace(" ", SPACE)


@given(st.floats(1.0, 1e12))
def test_a_duration_read_back_is_off_by_half_a_digit_at_most(value: float) -> None:
    number, unit = quantity(value, "ns").split(SPACE)
    size = {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9}[unit]
    assert float(number.replace(",", "")) * size == pytest.approx(value, rel=0.006, abs=0.06)


def test_none_is_a_dash() -> None:
    assert quantity(None, "ns") == measured(None, "ns") == units.DASH


def test_an_interval_keeps_the_unit_of_its_median() -> None:
    median = estimate([900_000.0, 1_000_000.0, 1_200_000.0])
    assert median is not None
    assert measured(median, "ns") == f"1.00{SPACE}ms (0.90{units.DASH}1.20)"


def test_an_interval_below_zero_does_not_run_into_its_dash() -> None:
    median = estimate([-2_000.0, 1_000.0, 3_000.0])
    assert median is not None
    assert interval(median, "ns") == "\N{MINUS SIGN}2.00 to 3.00"
    assert units.span(median, "ns") == f"\N{MINUS SIGN}2.00{SPACE}µs to 3.00{SPACE}µs"


def test_without_an_interval_there_are_no_brackets() -> None:
    median = estimate([1_000_000.0])
    assert median is not None
    assert interval(median, "ns") == ""
    assert measured(median, "ns") == f"1.00{SPACE}ms"


@pytest.mark.parametrize(
    ("value", "words"), [(1.0, "1.00"), (1.564, "1.56"), (0.968, "0.968"), (158.5, "158"), (3_027.0, "3,027")]
)
def test_a_ratio_is_a_factor(value: float, words: str) -> None:
    assert factor(value) == words + units.TIMES


def test_a_ratio_carries_its_interval() -> None:
    assert ratio(Estimate(1.5, 1.4, 1.625, 0.75, ())) == f"1.50{units.TIMES} (1.40{units.DASH}1.62)"
    assert ratio(Estimate(1.5, None, None, 0.0, ())) == f"1.50{units.TIMES}"


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (1e5, "ns", "100 µs"),
        (1e6, "ns", "1 ms"),
        (1e7, "ns", "10 ms"),
        (0.0, "ns", "0"),
        (2_500.0, "wire bytes", "2.5 kB"),
        (5_000.0, "per s", "5,000 /s"),
        (500_000.0, "per s", "500,000 /s"),
        (1e12, "count", "1e+12"),
    ],
)
def test_ticks_are_round(value: float, unit: Unit, words: str) -> None:
    assert tick(value, unit) == words.replace(" ", SPACE)


@pytest.mark.parametrize(("number", "words"), [(0, "no trial"), (1, "1 trial"), (1_200, "1,200 trials")])
def test_things_are_counted_in_words(number: int, words: str) -> None:
    assert units.counted(number, "trial") == words


def test_a_count_that_is_no_average_is_a_whole_number() -> None:
    assert units.whole(15.0, "count") == "15"
    assert units.whole(-1_200.0, "count") == f"{units.MINUS}1,200"
    assert units.whole(1_500_000.0, "ns") == f"1.50{SPACE}ms"
