"""How numbers are read off the raw facts of a trial: what several tables share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import fsum

from bench.analysis.numbers.distributions import quantile
from bench.results import Distribution, IdleStep, ProcessUsage, Storm, Trial


def of_distribution(fact: str, q: float) -> Callable[[Trial], float | None]:
    """The quantile q of one of the trial's distributions."""

    def read(trial: Trial) -> float | None:
        distribution: Distribution | None = getattr(trial, fact)
        return None if distribution is None else quantile(distribution, q)

    return read


def per(total: float | None, count: int) -> float | None:
    """A total per item; None without a total, or without items."""
    return None if total is None or count <= 0 else total / count


def arrived(trial: Trial) -> Storm | None:
    """The storm, where the server confirms subscriptions; without that the time of the last arrival is unknown."""
    return trial.storm if trial.connect is not None else None


def both(trial: Trial, step: IdleStep, key: str) -> float | None:
    """A quantity of the server and its broker together at an idle step; None when either is not measurable."""
    if trial.broker_not_measured:
        return None
    processes: list[ProcessUsage] = [step.server] + ([step.broker] if step.broker else [])
    values = [getattr(process, key) for process in processes]
    return None if None in values else float(sum(values))


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line: y = slope * x + intercept."""

    slope: float
    intercept: float


def line(points: Sequence[tuple[int, float | None]]) -> Line | None:
    """The least-squares line through (x, y), leaving out points without y; None unless two x differ.

    Sums are exact (fsum): others differ in the last digit between processors, and between versions of Python.
    """
    measured = [(float(x), float(y)) for x, y in points if y is not None]
    if len({x for x, _ in measured}) < 2:
        return None
    middle_x, middle_y = (fsum(values) / len(measured) for values in zip(*measured, strict=True))
    slope = fsum((x - middle_x) * y for x, y in measured) / fsum((x - middle_x) ** 2 for x, _ in measured)
    return Line(slope, middle_y - slope * middle_x)
