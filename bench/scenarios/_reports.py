"""The sentences of a scenario's own paragraph in the report, as data: which metric, and how the sentence begins.

In an opening, `{name}` stands for a parameter of the run.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ranking:
    """Techniques ranked on a metric, then each product compared with its own technique."""

    metric: str
    opening: str


@dataclass(frozen=True, slots=True)
class Medians:
    """The medians of all variants on a metric, without a ranking."""

    metric: str
    opening: str
