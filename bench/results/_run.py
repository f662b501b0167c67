"""The head of a run: everything that is true of all its trials."""

from __future__ import annotations

from typing import Literal

from bench.results._fact import Fact, Name, Parameter
from bench.results._trial import Planned


class VariantFacts(Fact, frozen=True, kw_only=True):
    """A variant as it stood in this run; `reason` says why it was skipped or which conformance check it failed.

    A `hidden` one serves the instrument (the harness floor, calibration) and is compared with nobody.
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


class ScenarioFacts(Fact, frozen=True, kw_only=True):
    """A scenario as it stood in this run: its description and the parameters of every trial, but for its `changes`.

    A `hidden` one serves the instrument, and nothing is compared in it. `apart`: the variants that have no part in it,
    and why, as in "has no broker".
    """

    name: str
    description: str
    parameters: dict[str, Parameter]
    hidden: bool = False
    apart: dict[str, str] = {}


CORES_WITHOUT_WORK = "cores without work"
"""The fact of the environment that says what they do, and its value where they are kept from idle states."""
KEPT_AWAKE = "kept awake"


class Environment(Fact, frozen=True, kw_only=True):
    """Where the run was made. Keys are plain words (cpu, kernel, python, ...), values as the system tells them."""

    facts: dict[str, str]
    versions: dict[str, str]
    server_cores: list[int]
    load_cores: list[int]
    commit: str
    dirty: bool


class Run(Fact, frozen=True, kw_only=True):
    """The head of a run: everything that is true of all its trials. `workers`: Locust processes with subscribers."""

    schema: int
    name: Name
    command: list[str]
    profile: str
    seed: int
    repetitions: int
    workers: int = 1
    started_at: str
    environment: Environment
    variants: list[VariantFacts]
    scenarios: list[ScenarioFacts]
    plan: list[Planned]
