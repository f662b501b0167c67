"""One trial: what was planned, what was measured, what became of it."""

from __future__ import annotations

from bench.results._fact import Count, Fact, FileName, Ns, Parameter
from bench.results._measured import BrokerFacts, Distribution, Headroom, Ledger, Machine, Recount, Series, Usage, Wire
from bench.results._scenarios import (
    CapacityStep,
    EmulatedPath,
    IdleStep,
    Outage,
    Reconnects,
    Restart,
    SlowReader,
    Storm,
)


class Finding(Fact, frozen=True, kw_only=True):
    """One entry of the closed list in `bench.analysis.trials.findings`, with the observation and the remedy."""

    name: str
    disqualifying: bool
    observation: str
    remedy: str


class Failure(Fact, frozen=True, kw_only=True):
    """Why a trial has no measurement: the phase in which it failed, the error in one line, and which process had exited
    (server, broker, load generator, publisher, proxy; empty: none).
    """

    phase: str
    error: str
    exited: str = ""


class Planned(Fact, frozen=True, kw_only=True):
    """One trial of the plan, or a retry of one (see `bench.planning.retries`).

    id: the name of its file. position: its number in the order of execution. changes: the parameters in which it
    differs from its scenario. retry_of: the id of the planned trial that it replaces; empty for a planned trial.
    """

    id: FileName
    scenario: str
    variant: str
    block: Count
    position: Count
    seed: Count
    changes: dict[str, Parameter] = {}
    retry_of: str = ""

    @property
    def place(self) -> str:
        """The id of its place in the plan: its own, or that of the trial of which it is a retry."""
        return self.retry_of or self.id


class Measurements(Fact, frozen=True, kw_only=True):
    """What was measured of a trial, or a part of it; a fact that is not there was not measured."""

    ledger: Ledger | None = None
    recount: Recount | None = None
    reconnects: Reconnects | None = None
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
    slow_reader: SlowReader | None = None
    outage: Outage | None = None
    emulated_path: EmulatedPath | None = None
    broker: BrokerFacts | None = None


class Trial(Measurements, frozen=True):
    """The record of one trial; a failed one has a `failure` and whatever was measured until then."""

    schema: int
    planned: Planned
    parameters: dict[str, Parameter]
    started_at: str
    phases_ns: dict[str, Ns]
    failure: Failure | None = None
    findings: list[Finding] = []

    @property
    def valid(self) -> bool:
        """Whether its numbers may enter a comparison."""
        return self.failure is None and not any(finding.disqualifying for finding in self.findings)

    @property
    def broker_not_measured(self) -> bool:
        """Whether a broker served whose process is not known, so that no sum over the server side is known."""
        return self.broker is not None and not self.broker.process_known
