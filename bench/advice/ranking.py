"""Which variants meet a need, ranked by what they cost, from the costs that a run measured.

`bench/report/sections/advice.js` computes the same from the same tables and constants, for the form of the page; a
test compares the two.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.advice.costs import Costs, Model
from bench.advice.loads import FRESHNESS, Load, Point, load_of, share
from bench.advice.needs import Need
from bench.analysis.runs.delivery_mechanism import Mechanism
from bench.results import VariantFacts

FULL = 0.8  # of its core a server process may use this share on average; the rest is for bursts and other work
MOST_PROCESSES = 10_000
SHORTEST_POLL = 0.5  # of the shortest poll interval that was measured: no shorter one is advised
INTERVAL_DIGITS = 3  # significant digits of an advised poll interval
SPARE_FILES = 256  # open files of a process that are not the connection of a subscriber
FAR = 2.0  # what lies outside the measured loads by more than this factor is stated with two digits at most
NOTHING = 1e-9  # an amount of a load up to this is none: it is left by rounding
EDGE = 1e-9  # a value beyond a bound by up to this share is on it
CLEARLY = 1.1  # the factor from which on a difference of memory is reported
MIDDLE, LATE = 0.5, 0.99  # the quantiles of the latency that are predicted
SLOW_POLL_WHERE = FRESHNESS  # where it was measured how long a poll takes to be answered
NEAREST = ("deliveries", "publishes", "payload_bytes", "fan_out")  # the amounts by which the nearest load is found


@dataclass(frozen=True, slots=True)
class Dimension:
    """One amount of a load by which it can lie outside what was measured. `measured`: the amount of a measured load
    with which it is compared, if another: a server that was sent a message has published it, whatever sent it."""

    name: str
    words: str
    measured: str = ""


DIMENSIONS = (
    Dimension("subscribers", "subscribers of one process"),
    Dimension("deliveries", "deliveries per second"),
    Dimension("published", "messages published per second", measured="arrivals"),
    Dimension("payload_bytes", "bytes of a message"),
    Dimension("requests", "requests per second"),
    Dimension("upstream", "messages sent upstream per second"),
)


def ranges(points: Sequence[Point]) -> dict[str, tuple[float, float]]:
    """Between which values every dimension was measured, by name; absent where it was always zero."""
    spans: dict[str, tuple[float, float]] = {}
    for one in DIMENSIONS:
        values = [getattr(point.expected, one.measured or one.name) for point in points]
        above = [value for value in values if value > NOTHING]
        if above:
            spans[one.name] = min(above), max(above)
    return spans


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
    """A variant that meets `need`, and what it costs. Bytes and requests are per second, over all processes.

    interval_s: the poll interval, of short polling alone; p50_ns, p99_ns: how old a message is when it arrives, and
    `fresh_from` where that was measured (empty: it follows from the law of polling); waited_ns: what of p99 is the
    wait in a fan-out larger than that one, by law. beyond: what is extrapolated, and several processes always are.
    open_files: how many the machine measured allows, where that is too few. rank: from 1; level: shared with others,
    whose cores are not distinguishable from its own.
    """

    need: Need
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


class Reason(enum.StrEnum):
    """Why a variant does not meet a need; each is also a phrase of `bench.advice.words`."""

    UPSTREAM = "upstream"
    SLOW_POLL = "slow poll"
    SHORT_INTERVAL = "short interval"
    TOO_MANY_PROCESSES = "too many processes"
    TOO_FEW_CORES = "too few cores"
    NO_LATENCY = "no latency"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A variant that does not meet the need, why, and which of its numbers says so.

    late_ns, where: how late messages come, and the nearest measured load. cores, processes: what it needs, where that
    is more than there is. interval_s, shortest_s: the poll interval that it needs and the shortest that was measured.
    """

    variant: VariantFacts
    reason: Reason
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
    """The variants that meet a need, ranked by server cores; those whose cores are not distinguishable from the
    fewest of their group share a rank, and are ordered by memory, then by bytes on the wire."""
    considered = [_consider(model, need, costs.open_files) for model in costs.models]
    options = [one for one in considered if isinstance(one, Option)]
    refused = [one for one in considered if isinstance(one, Refusal)]
    return Advice(need, tuple(_ranked(options, costs.held_out.distinguishing_factor())), tuple(refused))


def _consider(model: Model, need: Need, open_files: int | None) -> Option | Refusal:
    if need.upstream_rate and model.posts is None:
        return Refusal(model.variant, Reason.UPSTREAM)
    service_ns = _service_ns(model, need) if model.mechanism is Mechanism.POLL else 0.0
    interval_s = rounded_down(need.max_staleness_s - service_ns / 1e9)
    if model.mechanism is Mechanism.POLL:
        shortest_s = shortest_poll(model.points)
        if interval_s <= 0:
            return Refusal(model.variant, Reason.SLOW_POLL, service_ns, SLOW_POLL_WHERE)
        if shortest_s is not None and interval_s < SHORTEST_POLL * shortest_s:
            return Refusal(model.variant, Reason.SHORT_INTERVAL, interval_s=interval_s, shortest_s=shortest_s)
    load = load_of(
        model.mechanism, need.subscribers, need.rate, need.payload_bytes, need.fan_out, need.upstream_rate, interval_s,
        model.hold_s,
    )  # fmt: skip
    processes = _processes(model, load)
    if processes is None:
        return Refusal(model.variant, Reason.TOO_MANY_PROCESSES)
    part = share(load, processes)
    cores = processes * model.cores(part)
    if need.cores is not None and processes > need.cores:
        return Refusal(model.variant, Reason.TOO_FEW_CORES, cores=cores, processes=processes)
    fresh = _polled(interval_s, service_ns) if model.mechanism is Mechanism.POLL else _pushed(model, part)
    if fresh is None:
        return Refusal(model.variant, Reason.NO_LATENCY)
    p50_ns, p99_ns, where, waited_ns = fresh
    if model.mechanism is not Mechanism.POLL and p99_ns > need.max_staleness_s * 1e9:
        return Refusal(model.variant, Reason.LATE, p99_ns, where)
    memory = model.memory
    return Option(
        need=need,
        variant=model.variant,
        model=model,
        load=part,
        interval_s=interval_s if model.mechanism is Mechanism.POLL else None,
        processes=processes,
        cores=cores,
        memory_bytes=None if memory is None else memory.bytes_of(processes, need.subscribers),
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
    """INTERVAL_DIGITS significant digits, never more than the number; 0 for what is not above 0."""
    if seconds <= 0:
        return 0.0
    scale = 10.0 ** (INTERVAL_DIGITS - 1 - math.floor(math.log10(seconds)))
    return math.floor(seconds * scale) / scale


def shortest_poll(points: Sequence[Point]) -> float | None:
    """The shortest poll interval that was measured; None without one."""
    intervals = [point.expected.subscribers / point.expected.requests for point in points if point.expected.requests]
    return min(intervals, default=None)


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
    polls_per_s = need.subscribers / need.max_staleness_s
    polled = [point for point in model.points if point.service_ns is not None]
    if not polled:
        return 0.0
    nearest = min(polled, key=lambda point: abs(math.log(polls_per_s / point.expected.requests)))
    return nearest.service_ns or 0.0


def _polled(interval_s: float, service_ns: float) -> tuple[float, float, str, float]:
    """Latency ~ Uniform(0, interval) + S."""
    return MIDDLE * 1e9 * interval_s + service_ns, LATE * 1e9 * interval_s + service_ns, "", 0.0


def _pushed(model: Model, load: Load) -> tuple[float, float, str, float] | None:
    """Latency at the nearest measured load; receivers beyond its fan-out wait for one another, by the law."""
    fresh = [point for point in model.points if point.p50_ns is not None and point.p99_ns is not None]
    if not fresh:
        return None
    nearest = min(fresh, key=lambda point: _distance(load, point.expected))
    further = max(0.0, load.fan_out - nearest.expected.fan_out)
    wait_ns = 1e9 * further * model.delivery_s(load.payload_bytes)
    assert nearest.p50_ns is not None
    assert nearest.p99_ns is not None
    return nearest.p50_ns + MIDDLE * wait_ns, nearest.p99_ns + LATE * wait_ns, nearest.where, LATE * wait_ns


def _distance(load: Load, other: Load) -> float:
    """The distance of two loads: the logarithms of the ratios of their amounts (those in NEAREST), summed."""
    pairs = [(getattr(load, name), getattr(other, name)) for name in NEAREST]
    return sum(abs(math.log(one / two)) for one, two in pairs if one > 0 and two > 0)


def _beyond(model: Model, load: Load) -> list[Beyond]:
    measured = ranges(model.points)
    outside = []
    for dimension in DIMENSIONS:
        value = getattr(load, dimension.name)
        low, high = measured.get(dimension.name, (None, None))
        if value > NOTHING and (low is None or high is None or not low * (1 - EDGE) <= value <= high * (1 + EDGE)):
            outside.append(Beyond(dimension, value, low, high))
    return outside


def _ranked(options: Sequence[Option], distinguishing: float) -> list[Option]:
    """By cores; those less than a factor `distinguishing` above the fewest of their group by memory, then bytes."""
    left = sorted(options, key=lambda option: option.cores)
    ranked: list[Option] = []
    while left:
        most = left[0].cores * distinguishing
        group = [option for option in left if option.cores <= most]
        left = left[len(group) :]
        group.sort(key=lambda option: (_or_most(option.memory_bytes), option.wire_bytes, option.cores))
        rank = len(ranked) + 1
        ranked += [replace(option, rank=rank, level=len(group) > 1) for option in group]
    return ranked


def _or_most(value: float | None) -> float:
    return math.inf if value is None else value
