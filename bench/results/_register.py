"""Which record may be stored under which name: the plan of the run decides.

A record has the name of a trial of the plan, or of a retry of one, and describes that trial as the plan does. Sync
programs, editors and people leave other files in a folder of results; none of them is one more trial.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from bench.results._fact import Parameter
from bench.results._run import Run
from bench.results._trial import Planned, Trial

_RETRY = re.compile(r"(.+)-retry-[1-9][0-9]{0,3}", re.ASCII)


class Register:
    """The trials of which a run may have a record."""

    def __init__(self, run: Run) -> None:
        self._planned = {planned.id: planned for planned in run.plan}

    def planned(self, name: str) -> Planned | None:
        """The trial whose record has this name; None where the plan has no such trial."""
        if name in self._planned:
            return self._planned[name]
        retry = _RETRY.fullmatch(name)
        if retry is None or retry[1] not in self._planned:
            return None
        return msgspec.structs.replace(self._planned[retry[1]], id=name, retry_of=retry[1])


def plan_contradiction(run: Run) -> str:
    """What is wrong with the plan of a run, with the key; empty where nothing is."""
    scenarios = {scenario.name for scenario in run.scenarios}
    variants = {variant.name for variant in run.variants}
    ids: set[str] = set()
    for place, planned in enumerate(run.plan):
        if planned.id in ids:
            return f"plan[{place}].id: {planned.id} is planned twice"
        if planned.retry_of:
            return f"plan[{place}].retry_of: no plan has a retry"
        if planned.scenario not in scenarios:
            return f"plan[{place}].scenario: {_short(planned.scenario)} is not among the scenarios of the run"
        if planned.variant not in variants:
            return f"plan[{place}].variant: {_short(planned.variant)} is not among the variants of the run"
        ids.add(planned.id)
    return ""


def contradiction(planned: Planned, trial: Trial) -> str:
    """Where a record differs from the plan, with the key; empty where it does not."""
    if trial.planned != planned:
        keys = [key for key in planned.__struct_fields__ if getattr(trial.planned, key) != getattr(planned, key)]
        return _differs(f"planned.{keys[0]}", getattr(trial.planned, keys[0]), getattr(planned, keys[0]))
    return parameter_contradiction(planned.changes, trial.parameters)


def parameter_contradiction(expected: Mapping[str, Parameter], parameters: Mapping[str, Parameter]) -> str:
    """The first of the expected parameters that a record has in another form, with both values; empty without any."""
    for name, value in expected.items():
        recorded = parameters.get(name)
        if recorded != value:
            return _differs(f"parameters.{name}", recorded, value)
    return ""


def _differs(key: str, recorded: object, planned: object) -> str:
    return f"{key} is {_short(recorded)}, in the plan {_short(planned)}"


def _short(value: object) -> str:
    text = "missing" if value is None else ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
