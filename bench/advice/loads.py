"""What a server has to do per second, and what doing it was measured to cost: the ground on which costs are fitted.

A *point* is a cell, or a cell with one parameter swept, over all its valid trials: the load by its parameters, and the
medians of what was measured. The load follows from the parameters by laws: N subscribers of whom each polls every D
seconds make N/D requests per second; those that wait for an answer, at most H seconds each, make as many as there are
answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.analysis.numbers.uniform_law import uniform_law
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.delivery_mechanism import Mechanism, mechanism_of
from bench.analysis.trials.metrics import METRICS
from bench.analysis.trials.metrics.connections import memory_bytes, memory_line
from bench.analysis.trials.metrics.cpu import server_side_ns
from bench.analysis.trials.metrics.wire import framing_bytes, payload_bytes, segment_bytes
from bench.paths import leads_elsewhere
from bench.results import Trial, VariantFacts
from bench.scenarios import Question, reference


@dataclass(frozen=True, slots=True)
class Load:
    """What one server has to do. All but `subscribers`, `payload_bytes` (of one message) and `fan_out` are per second.

    publishes: messages from wherever; upstream: those that subscribers send; requests: polls and waits that are
    answered, without those that carry something upstream; spread: whether requests come each by itself, and not all
    in the wake of a message.
    """

    subscribers: float
    publishes: float
    deliveries: float
    payload_bytes: float
    upstream: float
    requests: float
    fan_out: float
    spread: bool

    @property
    def arrivals(self) -> float:
        """Messages that reach the server, per second: what is sent upstream is also what is published."""
        return max(self.publishes, self.upstream)

    @property
    def published(self) -> float:
        """Messages that are published on the server's side and not sent by subscribers, per second."""
        return max(0.0, self.publishes - self.upstream)

    @property
    def standing(self) -> float:
        """Subscribers whose connection stays open between messages."""
        return 0.0 if self.spread else self.subscribers

    @property
    def scattered(self) -> float:
        """Requests that come each by itself, per second."""
        return self.requests if self.spread else 0.0

    @property
    def events(self) -> float:
        """What wakes the server, per second."""
        return self.arrivals + self.scattered


def load_of(
    mechanism: Mechanism, subscribers: float, rate: float, payload_bytes: float, fan_out: float,
    upstream_rate: float = 0.0, interval_s: float = 1.0, hold_s: float = 25.0,
) -> Load:  # fmt: skip
    """The load of `subscribers`, each of which receives `rate` messages per second; every message goes to `fan_out` of
    them. `rate` and `upstream_rate` are per subscriber."""
    requests = {
        Mechanism.PUSH: 0.0,
        Mechanism.LONG_POLL: _waits(subscribers, rate, hold_s),
        Mechanism.POLL: subscribers / interval_s,
    }
    deliveries = subscribers * rate
    return Load(
        subscribers=subscribers,
        publishes=deliveries / fan_out,
        deliveries=deliveries,
        payload_bytes=payload_bytes,
        upstream=subscribers * upstream_rate,
        requests=requests[mechanism],
        fan_out=fan_out,
        spread=mechanism is Mechanism.POLL,
    )


def _waits(subscribers: float, rate: float, hold_s: float) -> float:
    """Waits per second that end with a message or unanswered after `hold_s`, whichever is first, where messages come
    at random: N r / (1 - exp(-r H)); N r for many messages, N / H for none."""
    expected = rate * hold_s
    return subscribers / hold_s if expected < 1e-9 else subscribers * rate / -math.expm1(-expected)


def share(load: Load, processes: int) -> Load:
    """The load of one of several equal processes that share the subscribers. A message concerns as many of them as it
    has receivers, all of them at most."""
    part = 1.0 / processes
    return replace(
        load,
        subscribers=load.subscribers * part,
        publishes=load.publishes * min(1.0, load.fan_out * part),
        deliveries=load.deliveries * part,
        upstream=load.upstream * part,
        requests=load.requests * part,
        fan_out=max(1.0, load.fan_out * part),
    )


@dataclass(frozen=True, slots=True)
class Point:
    """A measured load and its costs, medians over trials.

    expected: the load that follows from the parameters alone; load: the same with deliveries and requests as counted.
    cores: CPU seconds per second, server and broker; overhead_bytes: on the wire per second beyond payload, TCP and IP
    headers included; payload_bytes: texts per second, both ways. None: not measurable, or not defined here.
    service_ns: how long a poll takes to be answered, by the law of uniform waits.
    """

    where: str
    scenario: str
    expected: Load
    load: Load
    cores: float
    trials: int
    overhead_bytes: float | None = None
    payload_bytes: float = 0.0
    posts: float | None = None
    p50_ns: float | None = None
    p99_ns: float | None = None
    service_ns: float | None = None

    @property
    def wire_bytes(self) -> float | None:
        """Everything on the wire per second."""
        return None if self.overhead_bytes is None else self.overhead_bytes + self.payload_bytes


@dataclass(frozen=True, slots=True)
class Memory:
    """What server and broker hold: `base_bytes`, and more for every subscriber, of whom `low` to `high` were held."""

    base_bytes: float
    subscriber_bytes: float
    low: int
    high: int

    def bytes_of(self, processes: int, subscribers: int) -> float:
        """The memory of `processes` with `subscribers` in all of them together."""
        return processes * self.base_bytes + subscribers * self.subscriber_bytes


FRESHNESS, ROUND_TRIP, CONNECTION = map(reference, Question)


def points(cells: Cells, variant: VariantFacts) -> list[Point]:
    """Everything that was measured of a variant over the direct path, points of sweeps among it; every step at which
    connections were idle is a point."""
    by_cell: dict[tuple[str, str], list[Trial]] = {}
    for trial in cells.shown_trials:
        if trial.valid and trial.planned.variant == variant.name and not leads_elsewhere(trial.parameters):
            by_cell.setdefault((trial.planned.scenario, _changes(trial)), []).append(trial)
    points: list[Point] = []
    for (scenario, changes), trials in sorted(by_cell.items()):
        where = f"{scenario}, {changes}" if changes else scenario
        points += READERS[scenario](where, trials, mechanism_of(variant)) if scenario in READERS else []
    return points


def _changes(trial: Trial) -> str:
    changes = sorted(trial.planned.changes.items())
    return ", ".join(f"{name} {value:g}" if isinstance(value, int | float) else f"{name} {value}"
                     for name, value in changes)  # fmt: skip


def number(trial: Trial, name: str, otherwise: float) -> float:
    """A parameter of a trial as a number above zero."""
    value = trial.parameters.get(name)
    return float(value) if isinstance(value, int | float) and value > 0 else otherwise


def _driven(where: str, trials: Sequence[Trial], mechanism: Mechanism) -> list[Point]:
    """The point of trials in which messages were delivered; none if their CPU time is not known."""
    counted = [trial for trial in trials if trial.usage and trial.usage.deliveries and trial.usage.window_ns]
    cores = _middle(_cores(trial) for trial in counted)
    if cores is None:
        return []
    first = counted[0]
    scenario = first.planned.scenario
    expected = _expected(first, mechanism)
    requests = _middle(_requests(trial) for trial in counted)
    upstream = expected.upstream
    beyond = None if requests is None else max(0.0, requests - upstream)
    deliveries = _middle(_deliveries(trial) for trial in counted) or expected.deliveries
    polls = expected.requests if mechanism is Mechanism.PUSH or beyond is None else beyond
    sent = None if requests is None or not upstream else max(0.0, requests - expected.requests) / upstream
    fresh = scenario == FRESHNESS
    return [
        Point(
            where=where,
            scenario=scenario,
            expected=expected,
            load=replace(expected, deliveries=deliveries, requests=polls),
            cores=cores,
            trials=len(counted),
            overhead_bytes=_middle(_overhead(trial) for trial in counted),
            payload_bytes=_middle(_payload(trial) for trial in counted) or 0.0,
            posts=sent,
            p50_ns=_middle(METRICS["latency_p50"].of(trial) for trial in counted) if fresh else None,
            p99_ns=_middle(METRICS["latency_p99"].of(trial) for trial in counted) if fresh else None,
            service_ns=_middle(_service(trial) for trial in counted) if fresh and mechanism is Mechanism.POLL else None,
        )
    ]


def _idle(where: str, trials: Sequence[Trial], mechanism: Mechanism) -> list[Point]:
    """A point for every step. No long poll ends within a window this short: only polls are requests here."""
    first = trials[0]
    interval_s, payload = number(first, "poll_interval_s", 1.0), number(first, "payload_bytes", 0.0)
    points = []
    for subscribers in sorted({step.subscribers for trial in trials for step in trial.idle}):
        used = [
            used_ns / step.window_ns
            for trial in trials
            for step in trial.idle
            if step.subscribers == subscribers
            and step.window_ns
            and (used_ns := server_side_ns(trial, step)) is not None
        ]
        if not used or not subscribers:
            continue
        load = load_of(mechanism, subscribers, 0.0, payload, 1.0, interval_s=interval_s)
        load = load if mechanism is Mechanism.POLL else replace(load, requests=0.0)
        points.append(
            Point(f"{where}, {subscribers} subscribers", CONNECTION, load, load, float(np.median(used)), len(used))
        )
    return points


READERS: dict[str, Callable[[str, Sequence[Trial], Mechanism], list[Point]]] = {
    FRESHNESS: _driven,
    ROUND_TRIP: _driven,
    CONNECTION: _idle,
}


def memory(cells: Cells, variant: VariantFacts) -> Memory | None:
    """The straight line through the memory at the steps at which connections were idle; None without two of them."""
    trials = cells.valid(CONNECTION, variant.name)
    line = memory_line(trials)
    if line is None:
        return None
    counts = [step.subscribers for trial in trials for step in trial.idle if memory_bytes(trial, step) is not None]
    return Memory(line.intercept, line.slope, min(counts), max(counts))


def _expected(trial: Trial, mechanism: Mechanism) -> Load:
    subscribers, rate = number(trial, "subscribers", 1.0), number(trial, "rate_hz", 1.0)
    echo = trial.planned.scenario == ROUND_TRIP
    return load_of(
        mechanism,
        subscribers,
        rate,
        number(trial, "payload_bytes", 0.0),
        1.0 if echo else subscribers,
        rate if echo else 0.0,
        number(trial, "poll_interval_s", 1.0),
        number(trial, "hold_s", 25.0),
    )


def _middle(values: Iterable[float | None]) -> float | None:
    measured = [value for value in values if value is not None]
    return float(np.median(measured)) if measured else None


def _cores(trial: Trial) -> float | None:
    used_ns = server_side_ns(trial, trial.usage) if trial.usage else None
    return None if trial.usage is None or used_ns is None else used_ns / trial.usage.window_ns


def _deliveries(trial: Trial) -> float | None:
    return trial.usage.deliveries * 1e9 / trial.usage.window_ns if trial.usage else None


def _requests(trial: Trial) -> float | None:
    return trial.wire.requests * 1e9 / trial.wire.window_ns if trial.wire else None


def _payload(trial: Trial) -> float | None:
    return payload_bytes(trial.wire) * 1e9 / trial.wire.window_ns if trial.wire else None


def _overhead(trial: Trial) -> float | None:
    if trial.wire is None:
        return None
    framing, segments = framing_bytes(trial.wire), segment_bytes(trial.wire)
    return None if framing is None or segments is None else (framing + segments) * 1e9 / trial.wire.window_ns


def _service(trial: Trial) -> float | None:
    interval_ns = number(trial, "poll_interval_s", 0.0) * 1e9
    law = uniform_law(trial.latency, interval_ns) if trial.latency and interval_ns else None
    return None if law is None else max(0.0, law.service_ns)
