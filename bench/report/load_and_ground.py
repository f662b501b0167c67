"""The load of every scenario and the runtime of the servers, in words."""

from __future__ import annotations

from bench.analysis.runs.cells import Cells
from bench.paths import DIRECT, EMULATED, PATHS
from bench.report.parameters import filled
from bench.report.traced import Phrase
from bench.results import IDLE_STATES, IDLE_STATES_DISABLED, ScenarioFacts
from bench.scenarios import find
from bench.units import DASH, SPACE, counted


def loads(cells: Cells) -> list[Phrase]:
    """A phrase per scenario of the run in which variants are compared, if its parameters are known. The poll
    interval is given where it changes."""
    phrases: list[Phrase] = []
    polls: Phrase = ()
    for scenario in cells.run.scenarios:
        if not scenario.hidden and (load := _load(scenario)):
            again = _polls(scenario)
            same = list(map(str, again)) == list(map(str, polls))
            phrases.append((*load, *(() if same else again), *_path(scenario), "."))
            polls = again
    return phrases


def _load(scenario: ScenarioFacts) -> Phrase:
    """Its load, if it declares one and the run has all parameters of it."""
    declared = find(scenario.name)
    words = filled(declared.load, scenario) if declared else ()
    return () if DASH in (*words, *_polls(scenario)) else words


def _polls(scenario: ScenarioFacts) -> Phrase:
    return filled(", polling every {poll_interval_s}", scenario)


def _path(scenario: ScenarioFacts) -> Phrase:
    """The path, unless it is the direct one."""
    path = PATHS.get(str(scenario.parameters.get("path", DIRECT)))
    if path is None or path.name == DIRECT:
        return ()
    return (f", over a path {EMULATED}: {path.description}",)


def ground(cells: Cells) -> str:
    """The recorded runtime of the servers, such as `gevent, one server process on one core, loopback`."""
    environment = cells.run.environment
    cores = len(set(environment.server_cores))
    python = environment.facts.get("python")
    separate_cores = not set(environment.server_cores) & set(environment.load_cores)
    parts = (
        "gevent" if "gevent" in environment.versions else "",
        "one server process"
        + (f" on {'one core' if cores == 1 else counted(cores, 'core')}" if cores and separate_cores else ""),
        "loopback",
        "idle states disabled" if environment.facts.get(IDLE_STATES) == IDLE_STATES_DISABLED else "",
        f"Python{SPACE}{python}" if python else "",
    )
    return ", ".join(part for part in parts if part)
