"""The parameters of a run's scenario in words."""

from __future__ import annotations

import string

from bench.report.traced import Number, Phrase
from bench.results import Parameter, ScenarioFacts
from bench.units import DASH, Unit, tick

_UNITS: dict[str, tuple[float, Unit]] = {"s": (1e9, "ns"), "bytes": (1.0, "wire bytes")}


def filled(template: str, scenario: ScenarioFacts, **words: str) -> Phrase:
    """The template with a number for every `{name}`, or with one of `words`; a dash for a parameter that the scenario
    does not have."""
    phrase: list[str | Number] = []
    for text, name, _, _ in string.Formatter().parse(template):
        phrase += [text] if text else []
        if name is not None:
            phrase += [words[name]] if name in words else _shown(name, scenario)
    return tuple(phrase)


def _shown(name: str, scenario: ScenarioFacts) -> Phrase:
    """A parameter as a number with its unit; of a list, the smallest and the largest."""
    value = scenario.parameters.get(name, DASH)
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        return (_number(name, value, scenario),)
    return (_number(name, min(value), scenario), " to ", _number(name, max(value), scenario))


def _number(name: str, value: Parameter, scenario: ScenarioFacts) -> Number:
    assert isinstance(value, int | float)
    size, unit = _UNITS.get(name.rpartition("_")[2], (1.0, None))
    base = value * size
    return Number(tick(base, unit) if unit else f"{value:,.6g}", base, "parameter", name, scenario.name)
