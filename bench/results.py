"""The schema of a run's raw facts, and the store that writes them once and reads them back checked.

`results/<run>/run.json` holds what was planned and where; `results/<run>/trials/<id>.json` holds one trial each.
Inside, one unit per kind of quantity: integer nanoseconds (`_ns`), bytes (`_bytes`), bare counts. Nothing derived is
stored: medians, rates and verdicts are computed by `bench.analysis` whenever a record is read.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec

SCHEMA = 2
LARGEST_FILE_BYTES = 64 << 20  # a record is kilobytes; whatever is larger is not one
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stored fact: immutable, and refused on reading when a key is missing, unknown or of the wrong type."""


class Distribution(Fact, frozen=True, kw_only=True):
    """Durations in ns: exact count, minimum, maximum and sum beside an HdrHistogram V2 blob (three significant digits).

    `negative` counts durations below zero, which a histogram cannot hold: they are a fault of a clock.
    """

    count: int
    min_ns: int
    max_ns: int
    sum_ns: int
    negative: int
    histogram: str


class Ledger(Fact, frozen=True, kw_only=True):
    """Every subscriber x message of the measured part. `delivered` counts distinct texts; a repeat is `duplicated`.
    Of what was lost, `signalled` lay in a gap that the server told the subscriber of.
    """

    expected: int
    delivered: int
    lost: int
    signalled: int = 0
    duplicated: int
    reordered: int
    corrupted: int
    gaps_signalled: int
    errors: dict[str, int]


class Oracle(Fact, frozen=True, kw_only=True):
    """The ledger's counts once more, from the raw arrivals by the definitions. They must be equal."""

    lost: int
    signalled: int
    duplicated: int
    reordered: int


class Absences(Fact, frozen=True, kw_only=True):
    """What became of subscribers that were cut off while publishing went on.

    resumes: whether the variant promises that nothing is missing after a return unless it says so. cuts: connections
    cut or lost, without further losses before the subscriber was fresh again; returns: those that were back and fresh
    at the end; attempts: connects that it took, and how many of them fell into each tenth of a second from the
    beginning of the measured part. recovered: messages that were due while their subscriber
    was away, and reached it. fresh: from the first attempt until the subscriber had, or had passed, all that was due
    before it. back: from the loss of the connection until the subscription stood again (where the protocol does not
    show that: until its first message); who never was back is not in it. unsent: messages that the publisher could
    hand to nobody, because there was no server; they count among the lost, too.
    """

    resumes: bool
    cuts: int
    returns: int
    attempts: int
    attempt_slots: list[int]
    recovered: int
    fresh: Distribution
    back: Distribution | None = None
    unsent: int = 0


class Restart(Fact, frozen=True, kw_only=True):
    """A server ended in the measured part and another took its place: when, from the beginning of that part, and what
    each held with everybody subscribed, the one just before its end, the other after the drain. None: not to be told.
    """

    ended_ns: int
    ready_ns: int
    fds_before: int | None = None
    fds_after: int | None = None
    memory_before_bytes: int | None = None
    memory_after_bytes: int | None = None


class SlowReader(Fact, frozen=True, kw_only=True):
    """What became of the one subscriber that read slowly. The ledger, the latencies and the completion of its trial are
    those of the others. messages: received by it intact; closed: how often its connection was closed by the server.
    Of what it lost, `signalled` lay in a gap that the server told it of. Where nobody is slow (the trials to compare
    with) it is the same subscriber, reading like the others.
    """

    messages: int
    corrupted: int
    lost: int
    duplicated: int
    reordered: int
    signalled: int
    closed: int
    memory_before_bytes: int  # PSS of the server (and what it starts) before the slow reader grew slow
    memory_peak_bytes: int  # the most since, in the measured part


class Outage(Fact, frozen=True, kw_only=True):
    """The broker was away. Times from the beginning of the measured part. recovered_ns: from its return until every
    subscriber had received a message that was due after it; None where somebody never did."""

    began_ns: int
    ended_ns: int
    recovered_ns: int | None


class Emulated(Fact, frozen=True, kw_only=True):
    """The path between subscribers and server was emulated in user space, by a TCP proxy of the bench: its name, what
    it does in words, and what was done: `connections` carried, of which `resets` were reset; how often a direction
    stalled with something to say; `pieces` handed on."""

    path: str
    description: str
    connections: int
    resets: int
    stalls: int
    pieces: int


class ProcessUsage(Fact, frozen=True, kw_only=True):
    """What one process used within the window, and what it held at the window's end. None: not measurable here."""

    cpu_ns: int
    run_queue_wait_ns: int | None
    voluntary_switches: int | None
    involuntary_switches: int | None
    pss_bytes: int | None
    fds: int | None
    threads: int | None


class Usage(Fact, frozen=True, kw_only=True):
    """Cost of the measured part. `deliveries` are those received within the window: the denominator of every cost.
    `load` has one entry per Locust process with subscribers.
    """

    window_ns: int
    deliveries: int
    server: ProcessUsage
    broker: ProcessUsage | None
    load: list[ProcessUsage]
    publisher: ProcessUsage | None
    proxy: ProcessUsage | None = None


class Headroom(Fact, frozen=True, kw_only=True):
    """How much room the load generator had in the measured part, over all its processes.

    loop_lag: how late its event loop served an alarm that rings every few milliseconds.
    unread: how long received bytes lay in their socket until they were read, by the kernel's receive timestamp, for a
    sample of the reads; None where the kernel does not tell.
    """

    loop_lag: Distribution
    unread: Distribution | None


class Machine(Fact, frozen=True, kw_only=True):
    """What the cores of the trial did, whoever made them: in a look just before it, and in the measured part.

    busy_ns counts everybody's CPU time on these cores, steal_ns what the hypervisor took from them, summed over the
    cores; both come in the kernel's ticks of some 10 ms. Frequencies are per core. None: not visible here.
    """

    cores: list[int]
    before_window_ns: int
    before_busy_ns: int | None
    window_ns: int
    busy_ns: int | None
    steal_ns: int | None
    frequencies_before_hz: list[int] | None
    frequencies_after_hz: list[int] | None


class Wire(Fact, frozen=True, kw_only=True):
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


class Series(Fact, frozen=True, kw_only=True):
    """Quarter-second time series over the measured part, one entry per interval; latency None where nothing arrived."""

    interval_ns: int
    delivered: list[int]
    latency_p50_ns: list[int | None]
    latency_max_ns: list[int | None]
    server_cpu_ns: list[int]
    broker_cpu_ns: list[int]


class IdleStep(Fact, frozen=True, kw_only=True):
    """N connected subscribers and nothing to say, over `window_ns`."""

    subscribers: int
    window_ns: int
    server: ProcessUsage
    broker: ProcessUsage | None


class Storm(Fact, frozen=True, kw_only=True):
    """Subscribers that arrived all at once: how many stood, how long until the last one did, what that cost the server
    and its broker, and what the kernel's accept queues threw away meanwhile (None: it does not tell).

    Then everybody left at once. fds: descriptors of the server before anybody came, and when it was last looked at;
    fds_back_ns: from the leave until they were within 5 of those before. None: not in time, or not to be told.
    """

    subscribers: int
    standing: int
    window_ns: int
    server_cpu_ns: int
    broker_cpu_ns: int
    accept_queue_overflows: int | None
    accept_queue_drops: int | None
    fds_before: int | None = None
    fds_after: int | None = None
    fds_back_ns: int | None = None


class CapacityStep(Fact, frozen=True, kw_only=True):
    """One load of a search for the most that a server sustains: messages per second on the topic, and how that went.

    verdict: sustained; exceeded (the bound, or something was lost); generator (its own limit came first); disturbed (by
    something that has nothing to do with the rate, so that it says nothing); observation: what was seen, in words. The
    CPU times, `deliveries` (their denominator), `requests` and `segments_in` (see Wire) are those of `window_ns`; the
    slip is the publisher's, over the messages that were measured.
    """

    rate_hz: float
    verdict: Literal["sustained", "exceeded", "generator", "disturbed"]
    observation: str
    expected: int
    delivered: int
    p50_ns: int | None
    p99_ns: int | None
    server_cpu_ns: int | None
    window_ns: int | None
    broker_cpu_ns: int | None = None
    deliveries: int | None = None
    requests: int | None = None
    segments_in: int | None = None
    slip_p50_ns: int | None = None
    slip_p99_ns: int | None = None


class Finding(Fact, frozen=True, kw_only=True):
    """One entry of the closed list in `bench.analysis.findings`, with what was seen and what to do about it."""

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


Name = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,127}\Z")]
"""What can safely be the name of a file."""

Parameter = int | float | str | list[int]


class Planned(Fact, frozen=True, kw_only=True):
    """One trial of the plan. `id` is its file name; `position` its place in the order in which trials are run;
    `changes` are the parameters in which it differs from its scenario; `retakes` is the id of the trial in whose place
    it stands (see `bench.retakes`), empty for one that was planned.
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


class Trial(Fact, frozen=True, kw_only=True):
    """The record of one trial; a failed one has a `failure` and whatever was measured until then."""

    schema: int
    planned: Planned
    parameters: dict[str, Parameter]
    started_at: str
    phases_ns: dict[str, int]
    failure: Failure | None = None
    findings: list[Finding] = []
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

    @property
    def valid(self) -> bool:
        """Whether its numbers may enter a comparison."""
        return self.failure is None and not any(finding.disqualifying for finding in self.findings)


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


class ResultsError(Exception):
    """A results folder cannot be read or written; the message names the file and what is wrong with it."""


class Store:
    """The folder of one run. Every file is written whole or not at all, and never written over."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def trials_folder(self) -> Path:
        """Where the records of the trials are."""
        return self.folder / "trials"

    def begin(self, run: Run) -> None:
        """Write the head of a new run. Raises ResultsError if the folder already holds one."""
        self.trials_folder.mkdir(parents=True, exist_ok=True)
        write_new(self.folder / "run.json", run)

    def add(self, trial: Trial) -> None:
        """Write the record of a trial. Raises ResultsError if it was written before."""
        write_new(self.trials_folder / f"{trial.planned.id}.json", trial)

    def run(self) -> Run:
        """The head of the run. Raises ResultsError."""
        return read(self.folder / "run.json", Run)

    def trials(self) -> list[Trial]:
        """Every record there is, in the order of the plan. Raises ResultsError for a malformed one."""
        records = [read(path, Trial) for path in self.trials_folder.glob("*.json")]
        return sorted(records, key=lambda trial: (trial.planned.position, trial.planned.id))


def load(folder: Path) -> tuple[Run, list[Trial]]:
    """A run and its records so far. Raises ResultsError, naming the file, for anything missing or malformed."""
    store = Store(folder)
    return store.run(), store.trials()


def check_name(name: str) -> str:
    """`name` if it can be the name of a run; raises ResultsError otherwise."""
    if name == "latest":
        raise ResultsError("'latest' cannot be the name of a run: reports/latest leads to the newest report")
    if not _NAME.fullmatch(name):
        raise ResultsError(f"{name!r} cannot be the name of a run: letters, digits, '_', '.' and '-', 128 at most")
    return name


def write_new(path: Path, fact: Fact) -> None:
    """Write through a temporary file and a hard link, which fails if the name is taken."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(fact), indent=1) + b"\n")
        os.link(temporary, path)
    except FileExistsError:
        raise ResultsError(f"{path} exists already; results are never written over") from None
    except OSError as error:
        raise ResultsError(f"cannot write {path}: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)


_Read = TypeVar("_Read", bound=Fact)


def read(path: Path, kind: type[_Read], schema: int = SCHEMA) -> _Read:
    """A stored fact of that schema version. Raises ResultsError, naming the file, for anything else."""
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise ResultsError(f"{path} is larger than {LARGEST_FILE_BYTES >> 20} MiB: not a record")
        raw = path.read_bytes()
        version = msgspec.json.decode(raw, type=dict[str, msgspec.Raw]).get("schema")
        if version is not None and bytes(version) != str(schema).encode():
            raise ResultsError(f"{path} has schema {bytes(version)[:20].decode()}; this version reads {schema}")
        fact = msgspec.json.decode(raw, type=kind)
    except OSError as error:
        raise ResultsError(f"cannot read {path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ResultsError(f"{path} is malformed: {error}") from error
    return fact
