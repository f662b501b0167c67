"""The tables of metrics, one file per subject, discovered: each public file here holds its rows as `METRICS`.

Axes, columns and sentences of the report follow from the rows. Numbers stay in base units here (ns, bytes, shares, bare
counts); `bench.units` formats them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from bench import discovery, scenarios
from bench.analysis.trials.metrics._metric import Better, Metric
from bench.analysis.trials.metrics._where import Applies

__all__ = ["METRICS", "Better", "Metric"]


def _own() -> list[Metric]:
    """The metrics that scenarios declare for themselves alone."""
    return [
        Metric(one.name, one.title, one.unit, one.better, one.value, where=_named(name), headline=one.headline)
        for name in scenarios.names()
        for one in scenarios.load(name).metrics
    ]


def _named(name: str) -> Applies:
    return lambda scenario: scenario.name == name


def _by_name(metrics: Iterable[Metric]) -> Mapping[str, Metric]:
    by_name: dict[str, Metric] = {}
    for metric in metrics:
        if by_name.setdefault(metric.name, metric) is not metric:
            raise ValueError(f"two metrics are named {metric.name!r}")
    return MappingProxyType(by_name)


METRICS = _by_name([*(row for table in discovery.tables(__name__, __path__) for row in table.METRICS), *_own()])
