"""The schema of a run's raw facts, and the store that writes them once and reads them back checked.

`results/<run>/run.json` holds what was planned and where; `results/<run>/trials/<id>.json` holds one trial each.
Inside, one unit per kind of quantity: integer nanoseconds (`_ns`), bytes (`_bytes`), bare counts. Nothing derived is
stored: medians, rates and verdicts are computed by `bench.analysis` whenever a record is read.
"""

from __future__ import annotations

from typing import Literal

import msgspec

SCHEMA = 1


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stored fact: immutable, and refused on reading when a key is missing, unknown or of the wrong type."""


class Distribution(Fact):
    """Durations in ns: exact count, minimum, maximum and sum beside an HdrHistogram V2 blob (three significant digits).

    `negative` counts durations below zero, which a histogram cannot hold: they are a fault of a clock.
    """

    count: int
    min_ns: int
    max_ns: int
    sum_ns: int
    negative: int
    histogram: str


class Ledger(Fact):
    """Every subscriber x message of the measured part. `delivered` counts distinct texts; a repeat is `duplicated`."""

    expected: int
    delivered: int
    lost: int
    duplicated: int
    reordered: int
    corrupted: int
    gaps_signalled: int
    errors: dict[str, int]


class ProcessUsage(Fact):
    """What one process used within the window, and what it held at the window's end. None: not measurable here."""

    cpu_ns: int
    run_queue_wait_ns: int | None
    voluntary_switches: int | None
    involuntary_switches: int | None
    pss_bytes: int | None
    fds: int | None
    threads: int | None


class Usage(Fact):
    """Cost of the measured part. `deliveries` are those received within the window: the denominator of every cost."""

    window_ns: int
    deliveries: int
    server: ProcessUsage
    broker: ProcessUsage | None
    load: ProcessUsage
    publisher: ProcessUsage | None


class Wire(Fact):
    """What crossed the subscribers' sockets within `window_ns`: kernel counters, requests and connections as counted.

    payload_bytes: the texts alone, both ways; received/sent_bytes: TCP payload, so framing and headers are the rest.
    `None` for the kernel's counters where TCP_INFO is not to be had.
    """

    window_ns: int
    deliveries: int
    payload_received_bytes: int
    payload_sent_bytes: int
    received_bytes: int | None
    sent_bytes: int | None
    segments_in: int | None
    segments_out: int | None
    requests: int
    connections_opened: int


class Series(Fact):
    """Quarter-second time series over the measured part, one entry per interval; latency None where nothing arrived."""

    interval_ns: int
    delivered: list[int]
    latency_p50_ns: list[int | None]
    latency_max_ns: list[int | None]
    server_cpu_ns: list[int]
    broker_cpu_ns: list[int]


class IdleStep(Fact):
    """N connected subscribers and nothing to say, over `window_ns`."""

    subscribers: int
    window_ns: int
    server: ProcessUsage
    broker: ProcessUsage | None


class Finding(Fact):
    """One entry of the closed list in `bench.analysis.findings`, with what was seen and what to do about it."""

    name: str
    disqualifying: bool
    observation: str
    remedy: str


class Failure(Fact):
    """Why a trial has no measurement: the phase it died in and one line that says what happened."""

    phase: str
    error: str


Parameter = int | float | str | list[int]


class Planned(Fact):
    """One trial of the plan. `id` is its file name; `position` its place in the order in which trials are run."""

    id: str
    scenario: str
    variant: str
    block: int
    position: int
    seed: int


class Trial(Fact):
    """The record of one trial; a failed one has a `failure` and whatever was measured until then."""

    schema: int
    planned: Planned
    parameters: dict[str, Parameter]
    started_at: str
    phases_ns: dict[str, int]
    failure: Failure | None = None
    findings: list[Finding] = []
    ledger: Ledger | None = None
    latency: Distribution | None = None
    completion: Distribution | None = None
    slip: Distribution | None = None
    connect: Distribution | None = None
    usage: Usage | None = None
    wire: Wire | None = None
    series: Series | None = None
    idle: list[IdleStep] = []
    notes: dict[str, str] = {}

    @property
    def valid(self) -> bool:
        """Whether its numbers may enter a comparison."""
        return self.failure is None and not any(finding.disqualifying for finding in self.findings)


class VariantFacts(Fact):
    """A variant as it stood in this run; `reason` says why it was skipped or which conformance check it failed."""

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


class ScenarioFacts(Fact):
    """A scenario as it stood in this run: its description and the parameters of every trial."""

    name: str
    description: str
    parameters: dict[str, Parameter]


class Environment(Fact):
    """Where the run was made. Keys are plain words (cpu, kernel, python, ...), values as the system tells them."""

    facts: dict[str, str]
    versions: dict[str, str]
    server_cores: list[int]
    load_cores: list[int]
    commit: str
    dirty: bool


class Run(Fact):
    """The head of a run: everything that is true of all its trials."""

    schema: int
    name: str
    command: list[str]
    profile: str
    seed: int
    repetitions: int
    started_at: str
    environment: Environment
    variants: list[VariantFacts]
    scenarios: list[ScenarioFacts]
    plan: list[Planned]
