"""Findings about a trial: a closed list of checks, each with its threshold, its reason and a remedy.

The checks are the rows of the public files here, discovered: `CHECKS`, and the `CAUSE` that they have in common. When a
stored trial is judged again, `RECORD_CHECKS` come first: whether its record is whole and agrees with itself.

`judge` uses only the raw facts of a trial, so a stored trial can be judged again. A disqualifying finding makes the
trial invalid for every comparison; the others are shown beside the numbers. Findings about a run as a whole are in
`bench.analysis.runs.run_findings`.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

import msgspec

from bench import discovery
from bench.analysis.trials.findings import load_generator, machine, server
from bench.analysis.trials.findings._check import Cause, Check
from bench.analysis.trials.findings._record import RECORD_CHECKS
from bench.results import Finding, Trial

__all__ = [
    "CHECKS", "LOAD_SATURATED", "OF_THE_GENERATOR", "OF_THE_MACHINE", "RECORD_CHECKS", "SERVER_SATURATED", "SLOWING",
    "STEAL", "Check", "judge", "judged_again",
]  # fmt: skip

LOAD_SATURATED, SERVER_SATURATED, STEAL = load_generator.SATURATED, server.SATURATED, machine.STEAL

_TABLES: list[ModuleType] = discovery.tables(__name__, __path__)
CHECKS: tuple[Check, ...] = tuple(check for table in _TABLES for check in table.CHECKS)


def _disqualifying(cause: Cause) -> frozenset[str]:
    """The names of the disqualifying findings with this cause."""
    checks = [check for table in _TABLES if table.CAUSE is cause for check in table.CHECKS]
    return frozenset(check.name for check in checks if check.disqualifying)


OF_THE_GENERATOR, OF_THE_MACHINE = map(_disqualifying, (Cause.LOAD_GENERATOR, Cause.MACHINE))
# Disqualifying findings that make no latency shorter: latency counts from the intended publish time.
SLOWING = OF_THE_GENERATOR | OF_THE_MACHINE | _disqualifying(Cause.PUBLISHER)


def judge(trial: Trial, checks: Iterable[Check] | None = None) -> list[Finding]:
    """All findings about a trial, in the order of the list."""
    observations = [(check, check.observe(trial)) for check in (CHECKS if checks is None else checks)]
    return [
        Finding(name=check.name, disqualifying=check.disqualifying, observation=observation, remedy=check.remedy)
        for check, observation in observations
        if observation is not None
    ]


def judged_again(trial: Trial) -> Trial:
    """A stored trial with the findings of today's checks, those about its record first, and with the findings of its
    record that these do not make.

    A record may be of a version that had other checks, so what it holds is kept: nothing that made the trial invalid is
    lost. A finding that was removed from the record is made again.
    """
    findings = judge(trial, (*RECORD_CHECKS, *CHECKS))
    disqualifying = {finding.name: finding.disqualifying for finding in findings}
    kept = [one for one in trial.findings if one.disqualifying > disqualifying.get(one.name, -1)]
    replaced = {one.name for one in kept}
    return msgspec.structs.replace(trial, findings=[*(one for one in findings if one.name not in replaced), *kept])
