"""Limits of trust: findings, twins, missed laws, and the measurements of the harness and the generator themselves."""

from __future__ import annotations

from dataclasses import dataclass

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.run_findings import run_findings
from bench.analysis.trials.findings import CHECKS, RECORD_CHECKS, Check
from bench.analysis.trials.metrics import METRICS
from bench.paths import EMULATED
from bench.report import noise
from bench.report.sections._section import Section
from bench.report.sections.laws import about_laws
from bench.results import Trial
from bench.units import percent, quantity


@dataclass(frozen=True, slots=True)
class Doubt:
    """A finding that leaves its trials valid: its cells and an observation. Without `trials`: of the whole run."""

    name: str
    trials: int | None
    cells: list[str]
    observation: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Trust:
    """Limits of trust. doubts: findings on valid trials. sentences: missed laws, noise floor, harness, publisher slip,
    generator. twins: the A/A comparison. checks: all checks of a trial."""

    doubts: list[Doubt]
    sentences: list[str]
    twins: list[noise.Twins]
    checks: tuple[Check, ...]


def trust(cells: Cells) -> Trust:
    """All limits of trust of a run."""
    by_finding: dict[str, list[Trial]] = {}
    for trial in cells.trials:
        for finding in trial.findings:
            if not finding.disqualifying:
                by_finding.setdefault(finding.name, []).append(trial)
    doubts = [_doubt(name, trials) for name, trials in by_finding.items()] + [
        Doubt(one.name, None, one.cells, one.observation, one.remedy) for one in run_findings(cells)
    ]
    compared = [*about_laws(cells), *noise.about_twins(cells), *noise.about_harness(cells)] if cells.scenarios else []
    sentences = [
        *compared,
        *(sentence for sentence in (_slip(cells), _generator(cells), _room(cells), _paths(cells)) if sentence),
    ]
    return Trust(doubts, sentences, noise.twins(cells), (*RECORD_CHECKS, *CHECKS))


def _doubt(name: str, trials: list[Trial]) -> Doubt:
    first = next(finding for finding in trials[0].findings if finding.name == name)
    cells = dict.fromkeys(f"{trial.planned.scenario} {trial.planned.variant}" for trial in trials)
    return Doubt(name, len(trials), list(cells), first.observation, first.remedy)


def _all(cells: Cells, metric: str) -> list[float]:
    values = [METRICS[metric].of(trial) for trial in cells.compared if trial.valid]
    return sorted(value for value in values if value is not None)


def _slip(cells: Cells) -> str:
    slips = _all(cells, "slip_p99")
    if not slips:
        return ""
    return (
        f"Publisher: the p99 slip is {quantity(slips[len(slips) // 2], 'ns')} in the median trial and"
        f" {quantity(slips[-1], 'ns')} in the worst. Latency counts from the intended publish time."
    )


def _generator(cells: Cells) -> str:
    costs = _all(cells, "load_cpu")
    if not costs:
        return ""
    shares = [
        load.cpu_ns / trial.usage.window_ns
        for trial in cells.compared
        if trial.valid and trial.usage and trial.usage.window_ns
        for load in trial.usage.load
    ]
    return (
        f"Load generator: {quantity(costs[0], 'ns')} to {quantity(costs[-1], 'ns')} of CPU per received message; its"
        f" largest load is {percent(max(shares))} of a core."
    )


def _room(cells: Cells) -> str:
    delays, unread = _all(cells, "loop_lag_p99"), _all(cells, "unread_p50")
    if not delays:
        return ""
    sentence = (
        f"Its p99 event-loop delay is {quantity(delays[len(delays) // 2], 'ns')} in the median trial and"
        f" {quantity(delays[-1], 'ns')} in the worst."
    )
    if unread:
        sentence += (
            f" The median wait of received data in its sockets is {quantity(unread[len(unread) // 2], 'ns')} in the"
            f" median trial and {quantity(unread[-1], 'ns')} in the worst. Every latency includes this wait."
        )
    return sentence


def _paths(cells: Cells) -> str:
    """The emulated paths of the run, or empty without any."""
    paths = {trial.emulated_path.name: trial.emulated_path.description for trial in cells.trials if trial.emulated_path}
    scenarios = dict.fromkeys(trial.planned.scenario for trial in cells.trials if trial.emulated_path)
    if not paths:
        return ""
    words = "; ".join(f"{name}: {description}" for name, description in sorted(paths.items()))
    return f"In {', '.join(scenarios)} the path between subscribers and server was {EMULATED}. {words}."


SECTION = Section("Limits of trust", "Trust", 70, lambda sources: trust(sources.cells))
