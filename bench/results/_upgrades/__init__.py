"""One-step upgraders: each turns the raw JSON object of one schema version into that of the next.

They are pure, a module per version. A file of an older version passes through all steps from its version on, whenever
it is read.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from bench.results._upgrades import _to_3

Steps = Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]

# By the version from which a step leads to the next.
RUN: Steps = MappingProxyType({2: _to_3.run})
TRIAL: Steps = MappingProxyType({2: _to_3.trial})
COMPARISON: Steps = MappingProxyType({1: _to_3.comparison})


def name(stem: str) -> str:
    """The name in the current schema of a record whose file has this name, without the suffix."""
    return _to_3.trial_id(stem)
