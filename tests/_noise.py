"""Findings that a busy machine causes: tests run beside other work, and must not fail because of it."""

from bench.analysis.trials import findings
from bench.analysis.trials.findings import core_waits, load_generator, machine, publisher

EXCUSED = {check.name for module in (core_waits, load_generator, machine, publisher) for check in module.CHECKS}


def sound(trial):
    """Whether a trial has no failure and no disqualifying finding but those that a busy machine causes."""
    disqualifying = {finding.name for finding in trial.findings if finding.disqualifying}
    return trial.failure is None and disqualifying <= EXCUSED


def excuse_the_machine(monkeypatch):
    """No finding of a busy machine is made: whether a run is valid then depends on its processes alone."""
    kept = tuple(check for check in findings.CHECKS if check.name not in EXCUSED)
    monkeypatch.setattr(findings, "CHECKS", kept)
