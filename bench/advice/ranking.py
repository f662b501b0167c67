"""Which variants meet a need, ranked by what they cost, from the costs that a run measured.

The same computation is in `bench/report/templates/advise.js`, for the form of the page; a test holds the two together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench.advice.costs import Costs, Model
from bench.advice.loads import FRESHNESS, Load, Point, load_of, share
from bench.analysis.runs.delivery_mechanism import Mechanism
from bench.messages import LARGEST_BYTES
from bench.results import VariantFacts

FULL = 0.8
"""How much of its core a server process may use on average; the rest is for bursts and for whatever else runs."""
MOST_PROCESSES = 10_000
SHORTEST_POLL = 0.5
"""The shortest poll interval that is advised, as a share of the shortest that was measured."""
SPARE_FILES = 256
"""Open files of a process that are no subscriber's connection."""
FAR = 2.0
"""What lies outside the measured loads by more than this factor is known to two digits at most."""
NOTHING = 1e-9
"""What of a load is not more than this is none: it is what rounding leaves."""


@dataclass(frozen=True, slots=True)
class Need:
    """What is asked for. `rate` and `upstream_rate` are messages per second that each subscriber receives and sends;
    `fan_out` is how many subscribers one message goes to; `cores`: None where there is no limit.

    Raises ValueError, in one line, for what cannot be.
    """

    subscribers: int
    rate: float
    payload_bytes: float
    upstream_rate: float
    max_staleness_s: float
    fan_out: int
    cores: int | None = None

    def __post_init__(self) -> None:
        for words, value, low, high in (
            ("subscribers", self.subscribers, 1, 100_000_000),
            ("rate", self.rate, 1e-6, 1e6),
            ("payload", self.payload_bytes, 1, LARGEST_BYTES),
            ("upstream-rate", self.upstream_rate, 0, 1e6),
            ("max-staleness", self.max_staleness_s, 0.001, 86_400),
            ("fan-out", self.fan_out, 1, self.subscribers),
            ("cores", 1 if self.cores is None else self.cores, 1, 1_000_000),
        ):
            if not low <= value <= high:
                raise ValueError(f"{words} takes {low:,} to {high:,}, not {value:g}")


@dataclass(frozen=True, slots=True)
class Dimension:
    """One way in which a load can lie outside what was measured. `measured`: what of a measured load it is held
    against, where that is not the same: a server that was sent a message has published it, whoever sent it."""

    name: str
    words: str
    value: Callable[[Load], float]
    measured: Callable[[Load], float] | None = None


DIMENSIONS = (
    Dimension("subscribers", "subscribers of one process", lambda load: load.subscribers),
    Dimension("deliveries", "deliveries per second", lambda load: load.deliveries),
    Dimension("published", "messages published per second", lambda load: load.published, lambda load: load.arrivals),
    Dimension("payload_bytes", "bytes of a message", lambda load: load.payload_bytes),
    Dimension("requests", "requests per second", lambda load: load.requests),
    Dimension("upstream", "messages sent upstream per second", lambda load: load.upstream),
)


def ranges(points: Sequence[Point]) -> dict[str, tuple[float, float]]:
    """Between which values every dimension was measured, by name; absent where it was always zero."""
    values = {one.name: [(one.measured or one.value)(point.expected) for point in points] for one in DIMENSIONS}
    held = {name: [value for value in found if value > NOTHING] for name, found in values.items()}
    return {name: (min(found), max(found)) for name, found in held.items() if found}


@dataclass(frozen=True, slots=True)
class Beyond:
    """A dimension in which a need lies outside what was measured. `low` and `high` are None where nothing was."""

    dimension: Dimension
    value: float
    low: float | None
    high: float | None

    @property
    def factor(self) -> float:
        """How many times more than the most, or less than the least, that was measured; infinite where none was."""
        if self.low is None or self.high is None:
            return math.inf
        return max(self.value / self.high, self.low / self.value)


@dataclass(frozen=True, slots=True)
class Option:
    """A variant that meets the need, and what it costs. Bytes and requests are per second, over all processes.

    interval_s: the poll interval, of short polling alone; p50_ns, p99_ns: how old a message is when it arrives, and
    `fresh_from` where that was measured (empty: it follows from the law of polling); waited_ns: what of p99 is the
    wait in a fan-out larger than that one, by law. beyond: what is extrapolated, and several processes always are.
    open_files: how many the machine measured allows, where that is too few. rank: from 1; level: shared with others,
    from whose cores its own cannot be told.
    """

    variant: VariantFacts
    model: Model
    load: Load
    interval_s: float | None
    processes: int
    cores: float
    memory_bytes: float | None
    wire_bytes: float
    requests: float
    p50_ns: float
    p99_ns: float
    fresh_from: str
    waited_ns: float
    beyond: tuple[Beyond, ...]
    open_files: int | None = None
    rank: int = 0
    level: bool = False

    @property
    def extrapolated(self) -> bool:
        """Whether any of its numbers lies outside what was measured."""
        return bool(self.beyond) or self.processes > 1

    @property
    def far(self) -> bool:
        """Whether it is extrapolated by more than FAR."""
        return any(one.factor > FAR for one in self.beyond)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A variant that does not meet the need, and which of its numbers says so, in ns or as words.

    cores, processes: what it needs, where that is more than there is; interval_s, shortest_s: the poll interval it
    needs and the shortest that was measured, where it is too short.
    """

    variant: VariantFacts
    reason: str
    late_ns: float | None = None
    where: str = ""
    cores: float | None = None
    processes: int = 0
    interval_s: float | None = None
    shortest_s: float | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """The options, the cheapest first, and who cannot meet the need."""

    need: Need
    options: tuple[Option, ...]
    refused: tuple[Refusal, ...]

    @property
    def met(self) -> bool:
        """Whether anything meets the need within the cores there are."""
        return bool(self.options)

    @property
    def first(self) -> tuple[Option, ...]:
        """Those that share the first rank."""
        return tuple(option for option in self.options if option.rank == 1)


def advise(costs: Costs, need: Need) -> Advice:
    """The variants that meet a need, ranked by server cores; those whose cores cannot be told from the fewest of their
    group share a rank, and stand by memory, then by bytes on the wire."""
    considered = [_consider(model, need, costs.open_files) for model in costs.models]
    options = [one for one in considered if isinstance(one, Option)]
    refused = [one for one in considered if isinstance(one, Refusal)]
    return Advice(need, tuple(_ranked(options, costs.held_out.apart())), tuple(refused))


def _consider(model: Model, need: Need, open_files: int | None) -> Option | Refusal:
    if need.upstream_rate and model.posts is None:
        return Refusal(model.variant, "what is sent upstream was not measured")
    service_ns = _service_ns(model, need) if model.mechanism is Mechanism.POLL else 0.0
    interval_s = rounded_down(need.max_staleness_s - service_ns / 1e9)
    if model.mechanism is Mechanism.POLL:
        shortest_s = shortest_poll(model.points)
        if interval_s <= 0:
            return Refusal(model.variant, "a poll takes too long to be answered", service_ns, FRESHNESS)
        if shortest_s is not None and interval_s < SHORTEST_POLL * shortest_s:
            return Refusal(model.variant, "polls too often", interval_s=interval_s, shortest_s=shortest_s)
    load = load_of(
        model.mechanism, need.subscribers, need.rate, need.payload_bytes, need.fan_out, need.upstream_rate, interval_s,
        model.hold_s,
    )  # fmt: skip
    processes = _processes(model, load)
    if processes is None:
        return Refusal(model.variant, f"more than {MOST_PROCESSES:,} server processes")
    part = share(load, processes)
    cores = processes * model.cores(part)
    if need.cores is not None and processes > need.cores:
        return Refusal(model.variant, "needs more cores", cores=cores, processes=processes)
    fresh = _polled(interval_s, service_ns) if model.mechanism is Mechanism.POLL else _pushed(model, part)
    if fresh is None:
        return Refusal(model.variant, "its latency was not measured")
    p50_ns, p99_ns, where, waited_ns = fresh
    if model.mechanism is not Mechanism.POLL and p99_ns > need.max_staleness_s * 1e9:
        return Refusal(model.variant, "1 % of its messages come later", p99_ns, where)
    memory = model.memory
    return Option(
        variant=model.variant,
        model=model,
        load=part,
        interval_s=interval_s if model.mechanism is Mechanism.POLL else None,
        processes=processes,
        cores=cores,
        memory_bytes=None if memory is None else memory.held(processes, need.subscribers),
        wire_bytes=model.wire_bytes(load),
        requests=load.requests + load.upstream * (model.posts or 0.0),
        p50_ns=p50_ns,
        p99_ns=p99_ns,
        fresh_from=where,
        waited_ns=waited_ns,
        beyond=tuple(_beyond(model, part)),
        open_files=open_files if open_files and part.subscribers > open_files - SPARE_FILES else None,
    )


def rounded_down(seconds: float) -> float:
    """Three significant digits, never more than the number; 0 for what is not above 0."""
    if seconds <= 0:
        return 0.0
    scale = 10.0 ** (2 - math.floor(math.log10(seconds)))
    return math.floor(seconds * scale) / scale


def shortest_poll(points: Sequence[Point]) -> float | None:
    """The shortest poll interval that was measured; None without one."""
    found = [point.expected.subscribers / point.expected.requests for point in points if point.expected.requests]
    return min(found, default=None)


def _processes(model: Model, load: Load) -> int | None:
    """How many processes share the load so that none is busier than FULL; None where too many do not suffice."""
    processes = 1
    while processes <= MOST_PROCESSES:
        cores = model.cores(share(load, processes))
        if cores <= FULL:
            return processes
        processes = max(processes + 1, math.ceil(processes * cores / FULL))
    return None


def _service_ns(model: Model, need: Need) -> float:
    """How long a poll takes to be answered at the measured load with the nearest number of polls per second."""
    asked = need.subscribers / need.max_staleness_s
    known = [point for point in model.points if point.service_ns is not None]
    if not known:
        return 0.0
    nearest = min(known, key=lambda point: abs(math.log(asked / point.expected.requests)))
    return nearest.service_ns or 0.0


def _polled(interval_s: float, service_ns: float) -> tuple[float, float, str, float]:
    """Latency ~ Uniform(0, interval) + S."""
    return 0.5e9 * interval_s + service_ns, 0.99e9 * interval_s + service_ns, "", 0.0


def _pushed(model: Model, load: Load) -> tuple[float, float, str, float] | None:
    """Latency at the nearest measured load; receivers beyond its fan-out wait for one another, by the law."""
    known = [point for point in model.points if point.p50_ns is not None and point.p99_ns is not None]
    if not known:
        return None
    nearest = min(known, key=lambda point: _distance(load, point.expected))
    further = max(0.0, load.fan_out - nearest.expected.fan_out)
    wait_ns = 1e9 * further * model.delivery_s(load.payload_bytes)
    assert nearest.p50_ns is not None
    assert nearest.p99_ns is not None
    return nearest.p50_ns + 0.5 * wait_ns, nearest.p99_ns + 0.99 * wait_ns, nearest.where, 0.99 * wait_ns


def _distance(load: Load, other: Load) -> float:
    """How far apart two loads are: the factors between their deliveries, publishes, sizes, fan-outs, as logarithms."""
    pairs = (
        (load.deliveries, other.deliveries),
        (load.publishes, other.publishes),
        (load.payload_bytes, other.payload_bytes),
        (load.fan_out, other.fan_out),
    )
    return sum(abs(math.log(one / two)) for one, two in pairs if one > 0 and two > 0)


def _beyond(model: Model, load: Load) -> list[Beyond]:
    measured = ranges(model.points)
    found = []
    for dimension in DIMENSIONS:
        value = dimension.value(load)
        low, high = measured.get(dimension.name, (None, None))
        if value > NOTHING and (low is None or high is None or not low * (1 - 1e-9) <= value <= high * (1 + 1e-9)):
            found.append(Beyond(dimension, value, low, high))
    return found


def _ranked(options: Sequence[Option], apart: float) -> list[Option]:
    """By cores; those less than a factor `apart` above the fewest of their group by memory, then bytes."""
    left = sorted(options, key=lambda option: option.cores)
    found: list[Option] = []
    while left:
        most = left[0].cores * apart
        group = [option for option in left if option.cores <= most]
        left = left[len(group) :]
        group.sort(key=lambda option: (_or_most(option.memory_bytes), option.wire_bytes, option.cores))
        rank = len(found) + 1
        found += [replace(option, rank=rank, level=len(group) > 1) for option in group]
    return found


def _or_most(value: float | None) -> float:
    return math.inf if value is None else value
