"""List variants, scenarios and profiles, and what cannot run here, with the reason.

examples:
  python -m bench list
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import servers
from bench import scenarios
from bench.planning import durations, plan
from bench.planning.request import Request, settle
from bench.scenarios import Scenario
from bench.units import clock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def run(options: argparse.Namespace) -> int:
    """Print what can be compared, in which scenarios, and how long a profile takes."""
    names = servers.names()
    print("variants (files of servers/)")
    for name in names:
        _print_variant(name)
    print("\nscenarios (files of bench/scenarios/)")
    for name in scenarios.names():
        _print_scenario(scenarios.load(name), names)
    print("\nprofiles")
    for profile in plan.PROFILES.values():
        trials, expected_s = _extent(profile, names)
        print(f"  {profile.name:<24} {trials} trials in about {clock(expected_s)}: {profile.purpose}")
    return 0


def _print_variant(name: str) -> None:
    variant = servers.load(name)
    print(f"  {name:<24} {servers.description(name)}")
    if variant.limits:
        print(f"  {'':<24} {variant.limits_in_words}")
    if origin := servers.origin(name):
        print(f"  {'':<24} from {origin}")
    if reason := servers.lacking(variant):
        print(f"  {'':<24} SKIPPED: {reason}")
    if variant.extra:
        print(f"  {'':<24} measured only if it is named: -v {name}")


def _print_scenario(scenario: Scenario, names: Sequence[str]) -> None:
    print(f"  {scenario.name:<24} {scenario.description}")
    if scenario.needs:
        able = [name for name in names if not scenario.lacking(servers.load(name))]
        print(f"  {'':<24} only for {scenario.needs.words}: {', '.join(able) or 'there is none here'}")


def _extent(profile: plan.Profile, names: Sequence[str]) -> tuple[int, float]:
    """The number of trials that a run of a profile plans here, and the seconds that they are expected to take."""
    settled = settle(Request(profile=profile.name))
    floors = plan.floors(settled.controlled)
    points = settled.points(names)
    planned = plan.of_run(settled.cells(names), floors, profile.repetitions, 1, settled.twinned, points)
    calibration = scenarios.instrument()
    parameters = {**settled.parameters, calibration.name: calibration.settled(profile.name, {})}
    return len(planned), durations.expected_s(planned, parameters)
