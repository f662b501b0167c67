"""The CPU cost of a received message, and the highest sustained rate, of our load generator and of its alternatives,
measured in one run.

All generators receive from the same kind of server and the same publisher, at the same rate, on one core. The cost of a
message is measured on a variant, at the rate of a trial. The sustained rate is searched (see `generator_search`) with a
server in C in place of the variant, because a server in Python is saturated before the better generators are. The C
server implements only WebSocket. Of the other variants only Flask-SocketIO is fast enough for the generators that are
compared on it. The SSE server writes several texts at once when it is late, which favours its reader. The polling
servers are saturated long before any generator.

CPU time is read from outside. Our generator does more than the others (it checks every byte, keeps the ledger, records
every latency) and less: the garbage collector of Python is off while it measures.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import servers
from bench.analysis.runs import generator_search
from bench.analysis.runs.generator_table import OURS, markdown
from bench.analysis.trials.findings import LOAD_SATURATED
from bench.execution.preflight import Needs, Route
from bench.execution.preflight import preflight as check_machine
from bench.generators import ours, programs, sources
from bench.generators.peers import PEERS, Peer
from bench.generators.theirs import Stand
from bench.load.addresses import by_source
from bench.measure import idle_states, machine
from bench.measure.machine import Cores
from bench.planning.request import Refused
from bench.processes.errors import ProcessError
from bench.results import GENERATOR_SCHEMA, GeneratorComparison, GeneratorPass, GeneratorRow

VARIANTS = ("websocket", "sse", "flask_socketio", "long_polling", "polling")
POLLED = {"long_polling", "polling"}
POLLS_PER_S = 2000.0  # at most: a poll costs a server twelve times as much as a message
# The servers for a search on a variant, the best first; on the other variants there is no search.
SERVERS = {"websocket": (sources.C_SERVER, "websocket"), "flask_socketio": ("flask_socketio",)}
SEARCH_MEASURE_S = 2.0
FAILED = "failed: "  # how the reason of a row begins whose measurement failed
AROUND_A_PASS_S = 10.0  # at most: starting, connecting, draining a backlog

__all__ = ["OURS", "Candidate", "Load", "candidates", "compare", "failed", "markdown", "preflight"]

Measure = Callable[[float, float], GeneratorPass]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Load:
    """The load of all generators and the number of repetitions. `headroom`: search for the sustained rate, too."""

    subscribers: int = 1000
    rate_hz: float = 20.0
    payload_bytes: int = 100
    measure_s: float = 5.0
    repetitions: int = 1
    headroom: bool = True
    cores_may_sleep: bool = False

    def rate_of(self, variant: str) -> float:
        """The common rate, or a lower one for a variant whose server could not keep up."""
        return min(self.rate_hz, POLLS_PER_S / self.subscribers) if variant in POLLED else self.rate_hz


@dataclass(frozen=True, slots=True)
class Candidate:
    """One row: a generator on a variant. `peer` is None for ours."""

    label: str
    variant: str
    peer: Peer | None = None

    @property
    def name(self) -> str:
        """The name that `--only` matches a part of."""
        return f"{self.label} on {self.variant}"

    def missing(self) -> str | None:
        """Why this generator cannot run here, or None."""
        return (self.peer.needs() if self.peer else None) or servers.unavailable(servers.load(self.variant))

    def needs(self, load: Load) -> Needs:
        """What it needs of the machine. Ours spreads its connections over addresses; the others know only one."""
        variant = servers.load(self.variant)
        each = by_source(load.subscribers) if self.peer is None else {"127.0.0.1": load.subscribers}
        routes = (Route(f"subscribers at {address}", number, variant.connections) for address, number in each.items())
        return Needs(
            what=self.name,
            subscribers=load.subscribers,
            descriptors=variant.descriptors,
            routes=tuple(routes),
            fewer="--subscribers",
        )

    @contextmanager
    def on(self, server: str, load: Load, cores: Cores) -> Iterator[Measure]:
        """A function that measures a pass at (rate_hz, measure_s), with messages from `server`."""
        if self.peer is None:
            yield partial(ours.measure, self.variant, server, load.subscribers, load.payload_bytes, cores)
        else:
            with Stand(self.peer, server, load.subscribers, load.payload_bytes, cores) as stand:
                yield stand.measure


@dataclass(slots=True)
class Progress:
    """The passes of a candidate so far."""

    costs: list[GeneratorPass] = field(default_factory=list)
    searches: list[list[GeneratorPass]] = field(default_factory=list)
    reason: str = ""
    missing: bool = False  # the generator cannot run here


def candidates(only: Sequence[str] = ()) -> list[Candidate]:
    """All rows of the table, or those whose name contains one of `only`. Raises LookupError if there is none."""
    every = [Candidate(OURS, variant) for variant in VARIANTS]
    every += [Candidate(peer.label, peer.variant, peer) for peer in PEERS]
    chosen = [one for one in every if not only or any(part.lower() in one.name.lower() for part in only)]
    if not chosen:
        names = "; ".join(one.name for one in every)
        raise LookupError(f"no load generator is called {' or '.join(only)}; there are: {names}")
    return chosen


def preflight(chosen: Sequence[Candidate], load: Load, folder: Path) -> None:
    """Check that one of these generators can run here, and that all that can will find what they need. Raises Refused.

    `folder`: where the measurements are stored, or would be.
    """
    missing = {one: one.missing() for one in chosen}
    if all(missing.values()):
        raise Refused("; ".join(f"{one.name}: {reason}" for one, reason in missing.items()))
    check_machine([one.needs(load) for one, reason in missing.items() if not reason], folder)


def failed(comparison: GeneratorComparison) -> list[str]:
    """The rows that could not be measured, although their generator can run here."""
    return [f"{row.generator} on {row.variant}" for row in comparison.rows if row.reason.startswith(FAILED)]


def compare(
    chosen: Sequence[Candidate],
    load: Load,
    command: Sequence[str],
    say: Say,
    keep: Callable[[GeneratorComparison], object],
) -> GeneratorComparison:
    """Measure all candidates that can run here, in turns. A candidate that fails is a row with the reason.

    After every turn `keep` is called with the comparison so far, so that an interrupted comparison is a shorter one.
    """
    cores = sources.one_core_each()
    environment = machine.environment(cores, idle_states.disable_unless(load.cores_may_sleep))
    head = partial(
        GeneratorComparison, schema=GENERATOR_SCHEMA, command=list(command),
        started_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        environment=environment, versions=_versions(), payload_bytes=load.payload_bytes,
    )  # fmt: skip
    progress = {one: Progress() for one in chosen}
    for one, it in progress.items():
        if reason := one.missing():
            it.missing, it.reason = True, f"skipped: {reason}"
            say(f"{one.name}: {it.reason}")
    say(_expectation(load, [one for one, it in progress.items() if not it.missing]))
    for repetition in range(1, load.repetitions + 1):
        for one, it in progress.items():
            if not it.missing:
                _measure(one, it, load, cores, partial(_say_in_turn, say, repetition))
                keep(head(rows=_rows(progress)))
    return head(rows=_rows(progress))


def _rows(progress: Mapping[Candidate, Progress]) -> list[GeneratorRow]:
    return [
        GeneratorRow(
            generator=one.label, variant=one.variant, costs=[*it.costs], searches=[*it.searches], reason=it.reason
        )
        for one, it in progress.items()
    ]


def _say_in_turn(say: Say, repetition: int, line: str) -> None:
    say(f"[{repetition}] {line}")


def _versions() -> dict[str, str]:
    """The versions that the environment lacks: those of the peers, and of the C compiler."""
    versions = {}
    if binary := programs.k6():
        versions["k6"] = _first_line([str(binary), "version"])
    if programs.unavailable(sources.C_SERVER) is None:
        versions["cc"] = _first_line(["cc", "--version"])
    with suppress(importlib.metadata.PackageNotFoundError):
        versions["websocket-client"] = importlib.metadata.version("websocket-client")
    return versions


def _first_line(command: list[str]) -> str:
    try:
        output = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return (output.splitlines() or ["unknown"])[0].strip()


def _expectation(load: Load, runnable: Sequence[Candidate]) -> str:
    """A sentence with the number of generators and the time that they take."""
    searched = sum(load.headroom and _server(one) is not None for one in runnable)
    cost_s = load.measure_s + AROUND_A_PASS_S
    search_s = generator_search.MOST_PASSES * (SEARCH_MEASURE_S + AROUND_A_PASS_S)
    most_s = load.repetitions * (len(runnable) * cost_s + searched * search_s)
    return (
        f"{len(runnable)} load generators at the common rate; what {searched} of them sustain, in at most "
        f"{generator_search.MOST_PASSES} passes each; each {load.repetitions} times: {most_s / 60:.0f} minutes at most"
    )


def _measure(one: Candidate, it: Progress, load: Load, cores: Cores, say: Say) -> None:
    """Measure what a message costs, then what rate is sustained. A failure ends the turn of this candidate."""
    try:
        with one.on(one.variant, load, cores) as measure:
            cost = measure(load.rate_of(one.variant), load.measure_s)
        it.costs.append(cost)
        say(f"{one.name}: {cost.generator_cpu_ns / max(1, cost.received) / 1e3:.1f} µs per message")
        if load.headroom and (server := _server(one)):
            it.searches.append([])
            _search(one, server, cost, it.searches[-1], load, cores, say)
    except ProcessError as error:
        it.reason = f"{FAILED}{error}"
        say(f"{one.name}: {it.reason}")


def _search(
    one: Candidate, server: str, cost: GeneratorPass, passes: list[GeneratorPass], load: Load, cores: Cores, say: Say
) -> None:
    """Append passes until the search is over. It starts slightly below the rate that should saturate a core."""
    dearest_ns = max(cost.generator_cpu_ns, cost.server_cpu_ns if server == one.variant else 1)
    start_per_s = 0.8 * LOAD_SATURATED * 1e9 * max(1, cost.received) / dearest_ns
    with one.on(server, load, cores) as measure:
        while (per_s := generator_search.next_rate(generator_search.tried(passes), start_per_s)) is not None:
            passes.append(measure(per_s / load.subscribers, SEARCH_MEASURE_S))
            say(f"{one.name}: {per_s:.0f} messages/s from {server}: {_verdict(passes[-1])}")


def _verdict(measured: GeneratorPass) -> str:
    cpu, server_cpu = (ns / measured.window_ns for ns in (measured.generator_cpu_ns, measured.server_cpu_ns))
    share = measured.delivered / measured.expected
    return f"{generator_search.judge(measured).words} (CPU {cpu:.0%}, server {server_cpu:.0%}, {share:.1%} received)"


def _server(one: Candidate) -> str | None:
    """The server for the search of a candidate; None if there is none."""
    for name in SERVERS.get(one.variant, ()):
        if name != sources.C_SERVER or not programs.unavailable(name):
            return name
    return None
