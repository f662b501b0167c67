"""A stored run, every record of it judged again: what can be computed from a record is not believed.

Reading checks types, ranges and the place of a record in the plan (`bench.results`). Here the parameters are compared
with those that the scenario gives to the place in the plan, histograms with the numbers beside them, and the findings
are made again. What is damaged is an error that names file and key; a record that contradicts itself is an invalid
trial (`RECORD_CHECKS` of the findings).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import attrgetter
from pathlib import Path

from bench import results
from bench.analysis.numbers.distributions import contradiction
from bench.analysis.trials.findings import judged_again
from bench.results import Parameter, Planned, ResultsError, Run, ScenarioFacts, Trial
from bench.scenarios import of_record

# Where a record has distributions.
DISTRIBUTIONS = (
    "latency", "completion", "bursts", "slip", "connect", "headroom.loop_delay", "headroom.read_delay",
    "reconnects.catch_up_time", "reconnects.reconnect_time",
)  # fmt: skip
_OWN = [(key, attrgetter(key)) for key in DISTRIBUTIONS if "." not in key]
_NESTED = [(key, attrgetter(key.partition(".")[0]), attrgetter(key.partition(".")[2])) for key in DISTRIBUTIONS
           if "." in key]  # fmt: skip


def load(folder: Path) -> tuple[Run, list[Trial]]:
    """A run and its records so far, judged again. Raises ResultsError, naming file and key."""
    run, trials = results.load(folder)
    return run, judged(folder, run, trials)


def judged(folder: Path, run: Run, trials: Iterable[Trial]) -> list[Trial]:
    """The records of a run, judged again. Raises ResultsError, naming file and key."""
    scenarios = {facts.name: facts for facts in run.scenarios}
    for facts in run.scenarios:
        if wrong := _absurd(facts.name, facts.parameters):
            raise ResultsError(f"{folder / 'run.json'}: scenario {facts.name}: {wrong}")
    return [_judged(folder, scenarios[trial.planned.scenario], trial) for trial in trials]


def _judged(folder: Path, facts: ScenarioFacts, trial: Trial) -> Trial:
    wrong = _other_parameters(facts, trial.planned, trial.parameters) or _damaged(trial)
    if wrong:
        raise ResultsError(f"{folder / 'trials' / trial.planned.id}.json: {wrong}")
    return judged_again(trial)


def _absurd(scenario: str, parameters: Mapping[str, Parameter]) -> str:
    """The first parameter that the scenario cannot have, in words; empty without one.

    The texts of an injection are those of the version that injected them.
    """
    declared = of_record(scenario)
    for parameter in declared.parameters:
        if parameter.name in parameters and parameter is not declared.injects:
            try:
                parameter.checked(parameters[parameter.name])
            except ValueError as error:
                return f"parameters.{parameter.name}: {error}"
    return ""


def _other_parameters(facts: ScenarioFacts, planned: Planned, parameters: Mapping[str, Parameter]) -> str:
    """How the parameters of a record differ from those that its place in the plan has; empty where they do not."""
    if planned.changes and (wrong := _absurd(facts.name, planned.changes)):
        return wrong
    planned_values = {**facts.parameters, **planned.changes}
    if parameters == planned_values:
        return ""
    try:
        expected = of_record(facts.name).driven(facts.parameters, planned.changes)
    except (LookupError, TypeError, ValueError, ArithmeticError):  # of a version that had other parameters
        expected = planned_values
    names = [name for name in {**expected, **parameters} if expected.get(name) != parameters.get(name)]
    return f"parameters.{names[0]!a} is not what run.json and the plan say".replace("'", "") if names else ""


def _damaged(trial: Trial) -> str:
    """The first distribution that is not that of its histogram, with its key; empty without one."""
    found = [(key, of(trial)) for key, of in _OWN]
    found += [(key, None if (whole := of(trial)) is None else part(whole)) for key, of, part in _NESTED]
    for key, distribution in found:
        if distribution is not None:
            try:
                wrong = contradiction(distribution)
            except ValueError as error:
                wrong = str(error)
            if wrong:
                return f"{key}: {wrong}"
    return ""
