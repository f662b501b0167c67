"""What the person asked for: names resolved, parameters fixed, and whether it can be measured here at all."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import clients, scenarios
from bench.planning import settings
from bench.planning.plan import PROFILES, Point
from bench.scenarios import Publishes, Scenario, nearest
from servers import _variant
from servers._variant import Variant


class Refused(Exception):
    """A run cannot be started as asked; the message says why and what to type instead."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the person asked for; empty `variants` and `scenarios` mean all that are not extra, or of the profile."""

    profile: str = "standard"
    variants: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    repetitions: int | None = None
    seed: int = 1
    changes: tuple[str, ...] = ()
    sweeps: tuple[str, ...] = ()
    workers: int = 1
    cores_may_sleep: bool = False
    name: str = ""
    results: Path = Path("results")
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """The request with every name resolved and every parameter fixed; `swept` holds what else each scenario is run
    with: a parameter and a value that differs from the fixed one.
    """

    profile: str
    variants: Mapping[str, Variant]
    scenarios: Mapping[str, Scenario]
    parameters: Mapping[str, Mapping[str, Any]]
    repetitions: int
    seed: int
    swept: Mapping[str, Sequence[tuple[str, Any]]] = field(default_factory=dict)

    def points(self, measured: Container[str]) -> list[Point]:
        """The points of all sweeps: of every cell whose variant's client heeds the parameter."""
        return [
            Point(scenario, name, parameter, value)
            for scenario, name in self.cells(measured)
            for parameter, value in self.swept.get(scenario, ())
            if clients.uses(self.variants[name].client, parameter)
        ]

    def cells(self, measured: Container[str]) -> list[tuple[str, str]]:
        """(scenario, variant) of all that is to be compared: every variant that is measured and has a part there."""
        return [
            (scenario, name)
            for scenario in self.scenarios
            for name in self.variants
            if name in measured and name not in self.apart(scenario)
        ]

    def apart(self, scenario: str) -> dict[str, str]:
        """The variants that have no part in a scenario, and why."""
        reasons = {name: self.scenarios[scenario].lacking(variant) for name, variant in self.variants.items()}
        return {name: reason for name, reason in reasons.items() if reason}

    @property
    def controlled(self) -> dict[str, Publishes]:
        """The scenarios with controls, and who publishes in them."""
        return {name: one.publishes for name, one in self.scenarios.items() if one.controls and not one.needs}

    @property
    def twinned(self) -> frozenset[str]:
        """The scenarios of which a cell is run twice in every block."""
        return frozenset(self.controlled) if PROFILES[self.profile].twins else frozenset()

    @property
    def idle(self) -> dict[str, str]:
        """The variants that have no part in any of the scenarios, and why."""
        held = {scenario: self.apart(scenario) for scenario in self.scenarios}
        return {
            name: "; ".join(f"no part in {scenario}: {apart[name]}" for scenario, apart in held.items())
            for name in self.variants
            if held and all(name in apart for apart in held.values())
        }


def variants(names: Sequence[str] = ()) -> dict[str, Variant]:
    """The named variants, or all public ones. Raises Refused for an unknown name."""
    try:
        return {name: _variant.load(name) for name in names or _variant.names()}
    except LookupError as unknown:
        raise Refused(f"{unknown.args[0]} (see `python -m bench list`)") from unknown


def compared_by_default() -> list[str]:
    """The variants that are measured unless others are named."""
    return [name for name in _variant.names() if not _variant.load(name).extra]


def settle(request: Request) -> Settled:
    """Resolve names and parameters. Raises Refused."""
    if request.profile not in PROFILES:
        raise Refused(f"no profile {request.profile!r}; {nearest(request.profile, list(PROFILES))}")
    try:
        chosen = {name: scenarios.load(name) for name in request.scenarios or of_profile(request.profile)}
        _no_instrument(chosen)
        parameters = _parameters(request, chosen)
        swept = {name: _swept(request, scenario, parameters[name]) for name, scenario in chosen.items()}
        _find_homes(request, chosen)
    except (LookupError, ValueError) as mistake:
        raise Refused(f"{mistake.args[0]} (see `python -m bench list`)") from mistake
    chosen_variants = variants(request.variants or compared_by_default())
    _find_parts(request, chosen, chosen_variants)
    repetitions = request.repetitions or PROFILES[request.profile].repetitions
    return Settled(request.profile, chosen_variants, chosen, parameters, repetitions, request.seed, swept)


def _find_parts(request: Request, chosen: Mapping[str, Scenario], held: Mapping[str, Variant]) -> None:
    """Every scenario that was asked for must have a variant that can take part. Raises Refused."""
    for name in request.scenarios:
        scenario = chosen[name]
        reasons = {one: scenario.lacking(variant) for one, variant in held.items()}
        if scenario.needs and all(reasons.values()):
            able = [one for one in _variant.names() if not scenario.lacking(_variant.load(one))]
            said = "; ".join(f"{one} {reason}" for one, reason in reasons.items())
            raise Refused(
                f"{name} is for {scenario.needs.words}: {said}"
                + (f"; try -v {able[0]}" if able else "; here there is none")
            )


def of_profile(profile: str) -> list[str]:
    """The scenarios that a profile is made of, unless others are asked for."""
    order = list(PROFILES)
    return [name for name in scenarios.names() if order.index(scenarios.load(name).since) <= order.index(profile)]


def _no_instrument(chosen: Mapping[str, Scenario]) -> None:
    for name, scenario in chosen.items():
        if scenario.hidden:
            raise ValueError(f"{name} is part of every run; for a long one there is `python -m bench calibrate`")


def _parameters(request: Request, chosen: Mapping[str, Scenario]) -> dict[str, dict[str, Any]]:
    """Parameters by scenario. A change applies to every chosen scenario with the parameter, one at least."""
    changes = settings.changes(request.changes)
    homeless = [name for name in changes if not any(name in scenario.known for scenario in chosen.values())]
    if homeless:
        known = sorted({name for scenario in chosen.values() for name in scenario.known})
        raise ValueError(f"no chosen scenario has a parameter {homeless[0]!r}; {nearest(homeless[0], known)}")
    return {
        name: scenario.settled(request.profile, {key: value for key, value in changes.items() if key in scenario.known})
        for name, scenario in chosen.items()
    }


def _find_homes(request: Request, chosen: Mapping[str, Scenario]) -> None:
    """Every sweep must concern a chosen scenario. Raises ValueError."""
    for sweep in settings.sweeps(request.sweeps):
        if sweep.scenario and sweep.scenario not in chosen:
            raise ValueError(f"no chosen scenario {sweep.scenario!r}; {nearest(sweep.scenario, chosen)}")
        homes = [chosen[sweep.scenario]] if sweep.scenario else list(chosen.values())
        known = sorted({name for scenario in homes for name in scenario.known})
        if sweep.name not in known:
            raise ValueError(f"no chosen scenario has a parameter {sweep.name!r}; {nearest(sweep.name, known)}")


def _swept(request: Request, scenario: Scenario, base: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What else a scenario is run with: the sweeps that were asked for, or all that it declares where the profile has
    them. Raises ValueError for a value that the parameter does not take."""
    asked = [
        (sweep.name, sweep.values)
        for sweep in settings.sweeps(request.sweeps)
        if sweep.scenario in ("", scenario.name) and sweep.name in scenario.known
    ]
    full = PROFILES[request.profile].sweeps and not request.sweeps
    declared = [(one.name, one.sweep) for one in scenario.parameters] if full else []
    found = [
        (name, scenario.settled(request.profile, {**base, name: value})[name])
        for name, values in (*asked, *declared)
        for value in values
    ]
    lists = [name for name, value in found if isinstance(value, list)]
    if lists:
        raise ValueError(f"{scenario.name}: {lists[0]} is a list and cannot be swept")
    return list(dict.fromkeys(point for point in found if point[1] != base[point[0]]))
