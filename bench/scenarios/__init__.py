"""The workloads, one file each: it exists because its file exists, here or in a folder named by PUSHBENCH_SCENARIOS.

A scenario's name is that of its file, its description the first line of the file's docstring, and all else one
declaration (see `bench.scenarios._declarations`). No other module names one: each asks for what is declared.
"""

from __future__ import annotations

import importlib
from dataclasses import replace
from functools import cache

from bench import discovery
from bench.scenarios._actions import Held, Part
from bench.scenarios._declarations import Scenario
from bench.scenarios._faults import Faults
from bench.scenarios._kinds import Arrivals, IdleSteps, Kind, Messages, Publishes, Question, Search
from bench.scenarios._parameters import (
    HOLD_S,
    MEASURE_S,
    PAYLOAD_BYTES,
    POLL_INTERVAL_S,
    RATE_HZ,
    SUBSCRIBERS,
    WARM_UP_S,
    Values,
    nearest,
)
from bench.scenarios._reports import Medians, Ranking

__all__ = [
    "POLL_INTERVAL_S", "RATE_HZ", "SUBSCRIBERS", "Arrivals", "Faults", "Held", "IdleSteps", "Kind", "Medians",
    "Messages", "Part", "Publishes", "Question", "Ranking", "Scenario", "Search", "Values", "find", "instrument",
    "load", "names", "nearest", "of_record", "reference", "with_faults",
]  # fmt: skip

__path__ = discovery.extended(__path__, "PUSHBENCH_SCENARIOS")


def names(hidden: bool = False) -> list[str]:
    """Names of all scenarios, sorted; the hidden ones only when asked for."""
    return [name for name in discovery.names(__path__) if hidden or not load(name).hidden]


def load(name: str) -> Scenario:
    """The scenario of that name. Raises LookupError with the nearest match for an unknown one, and for a file that
    declares none."""
    scenario = find(name)
    if scenario is None:
        raise LookupError(f"no scenario {name!r}; {nearest(name, names())}")
    return scenario


@cache
def find(name: str) -> Scenario | None:
    """The scenario of that name; None where it has no file (any more), as in a run that was made elsewhere."""
    if name not in discovery.names(__path__):
        return None
    declared = getattr(importlib.import_module(f"{__name__}.{name}"), "SCENARIO", None)
    file = discovery.file_of(__path__, name)
    if not isinstance(declared, Scenario):
        raise LookupError(f"{file} declares no SCENARIO = Scenario(...)")
    return replace(declared, name=name, description=discovery.description(file))


# What is known of a scenario that has no file: messages of one publisher on one topic, and nothing done on purpose.
_PLAIN = Scenario(
    parameters=(
        SUBSCRIBERS(1), RATE_HZ(1.0), PAYLOAD_BYTES(100), POLL_INTERVAL_S(1.0), HOLD_S(1.0), WARM_UP_S(0.0),
        MEASURE_S(1.0),
    ),
)  # fmt: skip


def of_record(name: str) -> Scenario:
    """The scenario of a stored trial; a plain one where it has no file any more."""
    return find(name) or _PLAIN


def with_faults() -> list[str]:
    """Names of the scenarios in which something goes wrong on purpose."""
    return [name for name in names() if load(name).faults]


@cache
def reference(question: Question) -> str:
    """The name of the one scenario that answers a question. Raises LookupError unless there is exactly one."""
    return _only(f"answer {question.name}", [name for name in names() if question in load(name).answers])


@cache
def instrument() -> Scenario:
    """The one scenario whose server injects known delays and faults. Raises LookupError unless there is exactly one."""
    return load(_only("inject anything", [name for name in names(hidden=True) if load(name).injects]))


def _only(what: str, found: list[str]) -> str:
    if len(found) != 1:
        raise LookupError(f"exactly one scenario must {what}; there are: {', '.join(found) or 'none'}")
    return found[0]
