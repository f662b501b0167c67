"""Findings about a trial: a closed list of checks, each with its threshold, its reason and a remedy.

`judge` uses only the raw facts of a trial, so a stored trial can be judged again. A disqualifying finding makes the
trial invalid for every comparison; the others are shown beside the numbers. Findings about a run as a whole are in
`bench.analysis.runs.run_findings`.
"""

from __future__ import annotations

from bench.analysis.trials.findings import _deaths, _deliveries, _held_up, _load, _machine, _publisher, _server
from bench.analysis.trials.findings._check import Check
from bench.results import Finding, Trial

__all__ = [
    "CHECKS", "LOAD_SATURATED", "OF_THE_GENERATOR", "OF_THE_MACHINE", "SERVER_SATURATED", "SLOWING", "STEAL", "Check",
    "judge",
]  # fmt: skip

LOAD_SATURATED, SERVER_SATURATED, STEAL = _load.SATURATED, _server.SATURATED, _machine.STEAL

CHECKS = (
    *_deaths.CHECKS,
    *_deliveries.CHECKS,
    *_publisher.CHECKS,
    *_load.CHECKS,
    *_server.CHECKS,
    *_held_up.CHECKS,
    *_machine.CHECKS,
)

OF_THE_GENERATOR, OF_THE_MACHINE = (
    frozenset(check.name for check in checks if check.disqualifying)
    for checks in (_load.CHECKS, (*_held_up.CHECKS, *_machine.CHECKS))
)
# Disqualifying findings that make no latency shorter: latency counts from the intended publish time.
SLOWING = frozenset(
    {*OF_THE_GENERATOR, *OF_THE_MACHINE, *(check.name for check in _publisher.CHECKS if check.disqualifying)}
)


def judge(trial: Trial) -> list[Finding]:
    """All findings about a trial, in the order of the list."""
    observations = [(check, check.observe(trial)) for check in CHECKS]
    return [
        Finding(name=check.name, disqualifying=check.disqualifying, observation=observation, remedy=check.remedy)
        for check, observation in observations
        if observation is not None
    ]
