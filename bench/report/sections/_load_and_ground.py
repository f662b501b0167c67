"""The load of every scenario and the runtime of the servers, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.analysis.runs.cells import Cells
from bench.paths import DIRECT, EMULATED, PATHS
from bench.report.traced import Number, Phrase
from bench.results import IDLE_STATES, IDLE_STATES_DISABLED, Parameter, ScenarioFacts
from bench.units import SPACE, counted, quantity


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
    words = WORDS.get(scenario.name)
    complete = words is not None and words.needs <= scenario.parameters.keys()
    return words.phrase(scenario) if words and complete else ()


def _broadcast(scenario: ScenarioFacts) -> Phrase:
    return (
        "Broadcast: ", _count(scenario, "rate_hz"), " messages/s of ", *_payload(scenario), " to each of ",
        _count(scenario, "subscribers"), " subscribers",
    )  # fmt: skip


def _echo(scenario: ScenarioFacts) -> Phrase:
    return (
        "Echo: each of ", _count(scenario, "subscribers"), " subscribers sends ", _count(scenario, "rate_hz"),
        " messages/s of ", *_payload(scenario), " and gets them back",
    )  # fmt: skip


def _idle(scenario: ScenarioFacts) -> Phrase:
    steps = scenario.parameters["steps"]
    assert isinstance(steps, list)
    ends = [
        Number(f"{count:,}", float(count), "parameter", "steps", scenario.name) for count in (min(steps), max(steps))
    ]
    return ("Idle: ", ends[0], " to ", ends[1], " silent subscribers")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a scenario, and the parameters that they need."""

    phrase: Callable[[ScenarioFacts], Phrase]
    needs: frozenset[str]


_SENT = frozenset({"subscribers", "rate_hz", "payload_bytes", "poll_interval_s"})
WORDS = {
    "broadcast": Words(_broadcast, _SENT),
    "echo": Words(_echo, _SENT),
    "idle": Words(_idle, frozenset({"steps", "poll_interval_s"})),
}


def _payload(scenario: ScenarioFacts) -> Phrase:
    size = _float(scenario.parameters["payload_bytes"])
    return (Number(quantity(size, "wire bytes"), size, "parameter", "payload_bytes", scenario.name),)


def _polls(scenario: ScenarioFacts) -> Phrase:
    interval_ns = 1e9 * _float(scenario.parameters["poll_interval_s"])
    shown = Number(quantity(interval_ns, "ns"), interval_ns, "parameter", "poll_interval_s", scenario.name)
    return (", polling every ", shown)


def _path(scenario: ScenarioFacts) -> Phrase:
    """The path, unless it is the direct one."""
    path = PATHS.get(str(scenario.parameters.get("path", DIRECT)))
    if path is None or path.name == DIRECT:
        return ()
    return (f", over a path {EMULATED}: {path.description}",)


def _count(scenario: ScenarioFacts, name: str) -> Number:
    value = _float(scenario.parameters[name])
    return Number(f"{value:,.4g}", value, "parameter", name, scenario.name)


def _float(value: Parameter) -> float:
    assert not isinstance(value, list)
    return float(value)


def ground(cells: Cells) -> str:
    """The recorded runtime of the servers, such as `gevent, one server process on one core, loopback`."""
    environment = cells.run.environment
    cores = len(set(environment.server_cores))
    python = environment.facts.get("python")
    apart = not set(environment.server_cores) & set(environment.load_cores)
    parts = (
        "gevent" if "gevent" in environment.versions else "",
        "one server process"
        + (f" on {'one core' if cores == 1 else counted(cores, 'core')}" if cores and apart else ""),
        "loopback",
        "idle states disabled" if environment.facts.get(IDLE_STATES) == IDLE_STATES_DISABLED else "",
        f"Python{SPACE}{python}" if python else "",
    )
    return ", ".join(part for part in parts if part)
