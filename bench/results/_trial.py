"""One trial: what was planned, what was measured, what became of it."""

from __future__ import annotations

from bench.results._fact import Fact, Name, Parameter
from bench.results._measured import Distribution, Headroom, Ledger, Machine, Oracle, Series, Usage, Wire
from bench.results._scenarios import Absences, CapacityStep, Emulated, IdleStep, Outage, Restart, SlowReader, Storm


class Finding(Fact, frozen=True, kw_only=True):
    """One entry of the closed list in `bench.analysis.trials.findings`, with what was seen and what to do about it."""

    name: str
    disqualifying: bool
    observation: str
    remedy: str


class Failure(Fact, frozen=True, kw_only=True):
    """Why a trial has no measurement: the phase it died in, one line that says what happened, and which process had
    died (server, broker, load generator, publisher, proxy; empty: none).
    """

    phase: str
    error: str
    died: str = ""


class Planned(Fact, frozen=True, kw_only=True):
    """One trial of the plan. `id` is its file name; `position` its number in the order in which trials are run;
    `changes` are the parameters in which it differs from its scenario; `retakes` is the id of the planned trial in
    whose place it stands (see `bench.planning.retries`), empty for one that was planned.
    """

    id: Name
    scenario: str
    variant: str
    block: int
    position: int
    seed: int
    changes: dict[str, Parameter] = {}
    retakes: str = ""

    @property
    def place(self) -> str:
        """The name of its place in the plan: its own, or that of the trial which it takes again."""
        return self.retakes or self.id


class Measurements(Fact, frozen=True, kw_only=True):
    """What was measured of a trial, or a part of it; a fact that is not there was not measured."""

    ledger: Ledger | None = None
    oracle: Oracle | None = None
    absences: Absences | None = None
    restart: Restart | None = None
    latency: Distribution | None = None
    completion: Distribution | None = None
    bursts: Distribution | None = None
    slip: Distribution | None = None
    connect: Distribution | None = None
    usage: Usage | None = None
    headroom: Headroom | None = None
    machine: Machine | None = None
    wire: Wire | None = None
    series: Series | None = None
    idle: list[IdleStep] = []
    capacity: list[CapacityStep] = []
    storm: Storm | None = None
    slow: SlowReader | None = None
    outage: Outage | None = None
    emulated: Emulated | None = None


class Trial(Measurements, frozen=True):
    """The record of one trial; a failed one has a `failure` and whatever was measured until then."""

    schema: int
    planned: Planned
    parameters: dict[str, Parameter]
    started_at: str
    phases_ns: dict[str, int]
    failure: Failure | None = None
    findings: list[Finding] = []

    @property
    def valid(self) -> bool:
        """Whether its numbers may enter a comparison."""
        return self.failure is None and not any(finding.disqualifying for finding in self.findings)
