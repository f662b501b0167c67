"""The head of a run: everything that is true of all its trials."""

from __future__ import annotations

from typing import Literal

from bench.results._fact import Count, Fact, FileName, Parameter, Positive
from bench.results._measured import BrokerFacts
from bench.results._trial import Planned


class VariantFacts(Fact, frozen=True, kw_only=True):
    """A variant as it was in this run. reason: why it was skipped, or which conformance check it failed.

    hidden: it serves the instrument (harness floor, calibration) and enters no comparison. origin: where a variant from
    outside the repository comes from, as in "file my_server.py"; empty for a file of servers/. broker: the broker of
    its own that served it in its checks; None: it has none, or it was not checked.
    """

    name: str
    label: str
    description: str
    technique: str
    product: str
    capabilities: list[str]
    options: dict[str, str]
    versions: dict[str, str]
    status: Literal["measured", "skipped", "failed"]
    reason: str = ""
    hidden: bool = False
    origin: str = ""
    broker: BrokerFacts | None = None


class ScenarioFacts(Fact, frozen=True, kw_only=True):
    """A scenario as it was in this run: its description, and the parameters of its trials before their `changes`.

    hidden: it serves the instrument and enters no comparison. excluded: the variants to which it does not apply, each
    with the reason, as in "has no broker".
    """

    name: str
    description: str
    parameters: dict[str, Parameter]
    hidden: bool = False
    excluded: dict[str, str] = {}


# The fact of the environment that says whether a core without work may enter an idle state, and its value if not.
CPU_QUOTA, IDLE_STATES = "cpu quota", "idle states"
IDLE_STATES_DISABLED = "disabled"


class Environment(Fact, frozen=True, kw_only=True):
    """Where the run was made. Keys are plain words (cpu, kernel, python, ...), values as the system reports them."""

    facts: dict[str, str]
    versions: dict[str, str]
    server_cores: list[Count]
    load_cores: list[Count]
    commit: str
    dirty: bool | None


class Run(Fact, frozen=True, kw_only=True):
    """The head of a run: everything that is true of all its trials. `workers`: Locust processes with subscribers."""

    schema: int
    name: FileName
    command: list[str]
    profile: str
    seed: int
    repetitions: Positive
    workers: Positive = 1
    started_at: str
    environment: Environment
    variants: list[VariantFacts]
    scenarios: list[ScenarioFacts]
    plan: list[Planned]
