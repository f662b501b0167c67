"""The request of a user, and the request with its names resolved and its parameters fixed."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import servers
from bench import clients, scenarios
from bench.planning import settings
from bench.planning.plan import PROFILES, Point
from bench.scenarios import POLL_INTERVAL_S, Publishes, Scenario, nearest
from servers import Variant


class Refused(Exception):
    """A run cannot be started as requested. The message has the reason and what to type instead."""


@dataclass(frozen=True, slots=True)
class Request:
    """The request of a user. Empty `variants`: all that are not extra; empty `scenarios`: all of the profile."""

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
    """The request with every name resolved and every parameter fixed.

    swept: for each scenario the other values of its parameters, as pairs of a parameter and a value.
    """

    profile: str
    variants: Mapping[str, Variant]
    scenarios: Mapping[str, Scenario]
    parameters: Mapping[str, Mapping[str, Any]]
    repetitions: int
    seed: int
    swept: Mapping[str, Sequence[tuple[str, Any]]] = field(default_factory=dict)

    def points(self, measured: Container[str]) -> list[Point]:
        """The points of all sweeps, for every cell whose client uses the parameter."""
        return [
            Point(scenario, name, parameter, value)
            for scenario, name in self.cells(measured)
            for parameter, value in self.swept.get(scenario, ())
            if clients.uses(self.variants[name].client, parameter)
        ]

    def driven(self, scenario: str) -> list[dict[str, Any]]:
        """The parameters of the trials of a scenario: its own, and those of every point of its sweeps."""
        base, chosen = self.parameters[scenario], self.scenarios[scenario]
        return [
            chosen.driven(base, dict(changes)) for changes in ([], *([one] for one in self.swept.get(scenario, ())))
        ]

    def cells(self, measured: Container[str]) -> list[tuple[str, str]]:
        """The cells (scenario, variant) to compare: every scenario with the measured variants that can take part."""
        return [
            (scenario, name)
            for scenario in self.scenarios
            for name in self.variants
            if name in measured and name not in self.excluded(scenario)
        ]

    def excluded(self, scenario: str) -> dict[str, str]:
        """The variants that cannot take part in a scenario, and why."""
        reasons = {name: self.scenarios[scenario].lacking(variant) for name, variant in self.variants.items()}
        return {name: reason for name, reason in reasons.items() if reason}

    @property
    def controlled(self) -> dict[str, Publishes]:
        """The scenarios with controls, and the publisher in each."""
        return {name: one.publishes for name, one in self.scenarios.items() if one.controls and not one.needs}

    @property
    def twinned(self) -> frozenset[str]:
        """The scenarios of which one cell runs twice in every block."""
        return frozenset(self.controlled) if PROFILES[self.profile].twins else frozenset()

    @property
    def idle(self) -> dict[str, str]:
        """The variants that cannot take part in any of the scenarios, and why."""
        by_scenario = {scenario: self.excluded(scenario) for scenario in self.scenarios}
        return {
            name: "; ".join(f"no part in {scenario}: {excluded[name]}" for scenario, excluded in by_scenario.items())
            for name in self.variants
            if by_scenario and all(name in excluded for excluded in by_scenario.values())
        }


def variants(words: Sequence[str] = ()) -> dict[str, Variant]:
    """The variants of these names or paths of files, or all public ones. Raises Refused."""
    try:
        return servers.chosen(words)
    except servers.VariantError as mistake:
        raise Refused(mistake.args[0]) from mistake


def compared_by_default() -> list[str]:
    """The variants that are measured by default."""
    return [name for name in servers.names() if not servers.load(name).extra]


def settle(request: Request) -> Settled:
    """Resolve names and parameters. Raises Refused."""
    if request.profile not in PROFILES:
        raise Refused(f"no profile {request.profile!r}; {nearest(request.profile, list(PROFILES))}")
    try:
        chosen = {name: scenarios.load(name) for name in request.scenarios or of_profile(request.profile)}
        _no_instrument(chosen)
        parameters = _parameters(request, chosen)
        swept = {name: _swept(request, scenario, parameters[name]) for name, scenario in chosen.items()}
        _check_sweeps(request, chosen)
    except (LookupError, ValueError) as mistake:
        raise Refused(f"{mistake.args[0]} (see `python -m bench list`)") from mistake
    chosen_variants = variants(request.variants or compared_by_default())
    _check_participation(request, chosen, chosen_variants)
    repetitions = request.repetitions or PROFILES[request.profile].repetitions
    settled = Settled(request.profile, chosen_variants, chosen, parameters, repetitions, request.seed, swept)
    _check_polling(settled)
    return settled


def _check_polling(settled: Settled) -> None:
    """Check that a subscriber that polls can receive every message, where one of our variants polls. Raises Refused."""
    for scenario, name in settled.cells(settled.variants):
        variant = settled.variants[name]
        if variant.product or not clients.uses(variant.client, POLL_INTERVAL_S.name):
            continue
        for values in settled.driven(scenario):
            if reason := settled.scenarios[scenario].polls_too_seldom(values):
                raise Refused(f"{scenario}: {name} cannot take part with {reason}")


def _check_participation(request: Request, chosen: Mapping[str, Scenario], variants: Mapping[str, Variant]) -> None:
    """Check that every requested scenario has a variant that can take part. Raises Refused."""
    for name in request.scenarios:
        scenario = chosen[name]
        reasons = {one: scenario.lacking(variant) for one, variant in variants.items()}
        if scenario.needs and all(reasons.values()):
            able = [one for one in servers.names() if not scenario.lacking(servers.load(one))]
            reason = "; ".join(f"{one} {lacking}" for one, lacking in reasons.items())
            raise Refused(
                f"{name} is for {scenario.needs.words}: {reason}"
                + (f"; try -v {able[0]}" if able else "; there is none here")
            )


def of_profile(profile: str) -> list[str]:
    """The scenarios of a profile."""
    order = list(PROFILES)
    return [name for name in scenarios.names() if order.index(scenarios.load(name).since) <= order.index(profile)]


def _no_instrument(chosen: Mapping[str, Scenario]) -> None:
    for name, scenario in chosen.items():
        if scenario.hidden:
            raise ValueError(f"{name} is part of every run; for a long one there is `python -m bench calibrate`")


def _parameters(request: Request, chosen: Mapping[str, Scenario]) -> dict[str, dict[str, Any]]:
    """The parameters by scenario. A change applies to every chosen scenario with the parameter, at least one.
    Raises ValueError."""
    changes = settings.changes(request.changes)
    unknown = [name for name in changes if not any(name in scenario.known for scenario in chosen.values())]
    if unknown:
        parameters = sorted({name for scenario in chosen.values() for name in scenario.known})
        raise ValueError(f"no chosen scenario has a parameter {unknown[0]!r}; {nearest(unknown[0], parameters)}")
    return {
        name: scenario.settled(request.profile, {key: value for key, value in changes.items() if key in scenario.known})
        for name, scenario in chosen.items()
    }


def _check_sweeps(request: Request, chosen: Mapping[str, Scenario]) -> None:
    """Check that every sweep concerns a chosen scenario. Raises ValueError."""
    for sweep in settings.sweeps(request.sweeps):
        if sweep.scenario and sweep.scenario not in chosen:
            raise ValueError(f"no chosen scenario {sweep.scenario!r}; {nearest(sweep.scenario, chosen)}")
        concerned = [chosen[sweep.scenario]] if sweep.scenario else list(chosen.values())
        parameters = sorted({name for scenario in concerned for name in scenario.known})
        if sweep.name not in parameters:
            raise ValueError(f"no chosen scenario has a parameter {sweep.name!r}; {nearest(sweep.name, parameters)}")


def _swept(request: Request, scenario: Scenario, base: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The other values of the parameters of a scenario: those of the requested sweeps, or those that it declares if the
    profile has sweeps. Raises ValueError for a value that a parameter does not take."""
    requested = [
        (sweep.name, sweep.values)
        for sweep in settings.sweeps(request.sweeps)
        if sweep.scenario in ("", scenario.name) and sweep.name in scenario.known
    ]
    full = PROFILES[request.profile].sweeps and not request.sweeps
    declared = [(one.name, one.sweep) for one in scenario.parameters] if full else []
    points = [
        (name, scenario.settled(request.profile, {**base, name: value})[name])
        for name, values in (*requested, *declared)
        for value in values
    ]
    lists = [name for name, value in points if isinstance(value, list)]
    if lists:
        raise ValueError(f"{scenario.name}: {lists[0]} is a list and cannot be swept")
    return list(dict.fromkeys(point for point in points if point[1] != base[point[0]]))
