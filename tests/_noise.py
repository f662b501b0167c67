"""Telling what a trial did from what a noisy machine did to it: tests run beside other work and are not about it."""

from bench.analysis.trials.findings import _held_up, _load, _machine, _publisher

EXCUSED = {check.name for module in (_held_up, _load, _machine, _publisher) for check in module.CHECKS}


def sound(trial):
    """Whether a trial is valid but for what the machine did to it."""
    struck = {finding.name for finding in trial.findings if finding.disqualifying}
    return trial.failure is None and struck <= EXCUSED
