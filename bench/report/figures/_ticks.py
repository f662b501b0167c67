"""Ticks at round numbers of a readable unit, without overlapping labels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from bench.report.figures._text_width import text_width_in
from bench.units import Unit, percent, tick, unit_size

# The free space between two labels of an axis.
BETWEEN_IN = 0.08


def linear_ticks(axis: mpl.axis.Axis, unit: Unit, most: int = 5, room_in: float = 3.0) -> None:
    """Ticks that are round in the unit in which the end of the axis reads best, as few as `room_in` inches hold beside
    each other. The limits of the axis must stand by now."""
    low, high = axis.get_view_interval()
    size = unit_size(high, unit)
    places: list[float] = []
    for number in range(most, 0, -1):
        values = MaxNLocator(number, steps=[1, 2, 2.5, 5, 10], min_n_ticks=2).tick_values(low / size, high / size)
        places = [place * size for place in values if low <= place * size <= high]
        widest = max((text_width_in(tick(place, unit)) for place in places), default=0.0) + BETWEEN_IN
        if len(places) < 2 or (places[1] - places[0]) / (high - low) * room_in >= widest:
            break
    axis.set_major_locator(FixedLocator(places))
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value, unit)))


def log_ticks(axis: mpl.axis.Axis, unit: Unit, low: float, high: float, room_in: float = 4.0) -> None:
    """Ticks at powers of ten, within two decades also at 2 and 5 of each or at 3, within half a decade at every round
    number; as few as `room_in` inches hold. Where that leaves less than two, ticks as on a linear axis."""
    places = _log_places(low, high, max(2, int(room_in / 0.5)))
    if len(places) < 2:
        linear_ticks(axis, unit)
    else:
        axis.set_major_locator(FixedLocator(places))
        axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value, unit)))
    axis.set_minor_locator(NullLocator())


FINE = (1, 2, 5)
# Ways to part a logarithmic axis, finest first: up to how many decades, powers of ten apart, steps within each.
STEPS: tuple[tuple[float, int, tuple[float, ...]], ...] = (
    (0.5, 1, (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)),
    (2.0, 1, FINE),
    (2.0, 1, (1, 3)),
    (math.inf, 1, (1,)),
    *((math.inf, spacing, (1,)) for spacing in (2, 3, 6, 12, 24)),
)


def _log_places(low: float, high: float, most: int) -> list[float]:
    """The finest ticks of which there are two to `most`; empty where no round number lies in between."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for decades, spacing, steps in STEPS:
        begin = first if spacing == 1 else math.ceil(math.log10(low))  # a power left out must not be the one in range
        every = [step * 10.0**power for power in range(begin, last + 1, spacing) for step in steps]
        places = [place for place in every if low <= place <= high]
        if math.log10(high / low) <= decades and 2 <= len(places) <= most:
            return places
    fine = [step * 10.0**power for power in range(first, last + 1) for step in FINE]
    inner = [place for place in fine if low <= place <= high]
    return [inner[0], inner[-1]] if len(inner) > 1 else []


def narrow_ticks(axis: mpl.axis.Axis, unit: Unit, low: float, high: float, room_in: float) -> None:
    """Ticks of a horizontal logarithmic axis that is too narrow for a fixed choice: round numbers from `low` to `high`,
    the roundest first, as many as have room for their labels on `room_in` inches."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    round_ones = [step * 10.0**power for power in range(first, last + 1) for step in ROUND]
    inner = [place for place in round_ones if low <= place <= high]
    scale = room_in / math.log10(high / low)
    kept: list[float] = []
    for place in sorted(inner, key=lambda place: (_roundness(place), place)):
        if len(kept) > 1 and _roundness(place) > 1:
            break
        half = text_width_in(tick(place, unit)) / 2 + BETWEEN_IN / 2
        clear = all(
            abs(math.log10(place / other)) * scale > half + text_width_in(tick(other, unit)) / 2 + BETWEEN_IN / 2
            for other in kept
        )
        if clear:
            kept.append(place)
    axis.set_major_locator(FixedLocator(sorted(kept)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value, unit)))
    axis.set_minor_locator(NullLocator())


ROUND = (1, 1.2, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)


def _roundness(place: float) -> int:
    """Powers of ten first, then 2 and 5 of each, then the rest."""
    step = round(place / 10.0 ** math.floor(math.log10(place) + 1e-9), 6)
    return {1.0: 0, 2.0: 1, 5.0: 1}.get(step, 2)


def log_end(low: float, reaches: Sequence[tuple[float, float]], room_in: float) -> float:
    """How far a logarithmic axis from `low`, `room_in` inches long, must go to hold texts right of some values:
    (value, inches)."""
    ends = [low * (value / low) ** (1 / max(0.2, 1 - wide_in / room_in)) for value, wide_in in reaches]
    return float(max(ends))


def exact_ticks(axes: Axes, values: Sequence[float], texts: Sequence[str], room_in: float) -> None:
    """A tick at each of these values of the horizontal axis (ascending), named as far as the names have room."""
    low, high = axes.transData.transform([(values[0], 0), (values[-1], 0)])[:, 0]
    left, right = axes.transAxes.transform([(0, 0), (1, 0)])[:, 0]
    scale = room_in / (right - left) if right > left else 1.0
    shown = list(texts)
    free = -math.inf
    for place, (value, text) in enumerate(zip(values, texts, strict=True)):
        at = float(axes.transData.transform((value, 0))[0]) * scale
        half = text_width_in(text) / 2
        last = place == len(values) - 1 or low == high
        clear = last or at + half + BETWEEN_IN <= high * scale - text_width_in(texts[-1]) / 2
        if at - half < free or not clear:
            shown[place] = ""
        else:
            free = at + half + BETWEEN_IN
    axes.xaxis.set_major_locator(FixedLocator(list(values)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda _, place: shown[place or 0]))


def share_ticks(axes: Axes) -> None:
    """Quarters of the whole on the vertical axis."""
    quarters = (0.0, 0.25, 0.5, 0.75, 1.0)
    axes.set_yticks(quarters, [percent(share) for share in quarters])
