"""The table of metrics: each is a function from the raw facts of a trial to one number or None.

Axes, columns and sentences follow from the table: a new metric is one more entry. Numbers stay in base units here (ns,
bytes, shares, bare counts); `bench.units` formats them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from bench import scenarios
from bench.analysis.numbers.distributions import quantile
from bench.analysis.trials.rate_search import RESOLUTION, sustained
from bench.results import Distribution, IdleStep, ProcessUsage, Restart, SlowReader, Storm, Trial
from bench.scenarios import Arrivals, IdleSteps, Kind, Messages, Publishes, Scenario, Search
from bench.units import Unit

Better = Literal["lower", "higher"]

GRAINS: Mapping[Unit, float] = MappingProxyType(
    {
        "ns": 100.0,
        "wire bytes": 0.5,
        "memory bytes": 64.0,
        "share": 1e-5,
        "count": 0.01,
        "ns per s": 1_000.0,
        "per s": 0.01,
    }
)
"""The smallest difference that a metric of each unit can tell. What counts events per message is cut at the edges of
the measured part: one event per hundred messages; the rest is finer than any cause that could be named for it."""

SEGMENT_HEADER_BYTES = 40 + 12
"""An estimate, stated as one: 20 B IPv4 and 20 B TCP header with 12 B of timestamp option on every segment."""

Applies = Callable[[Scenario], bool]


@dataclass(frozen=True, slots=True)
class Metric:
    """One number per trial. `where` says, by what a scenario declares, whether the metric has a meaning in it.
    resolution: the smallest ratio that it can tell, however well twins agree.
    """

    name: str
    title: str
    unit: Unit
    better: Better
    value: Callable[[Trial], float | None]
    where: Applies = lambda _: True
    headline: bool = False
    resolution: float = 1.0

    @property
    def grain(self) -> float:
        """The smallest difference that the metric can tell, in its unit."""
        return GRAINS[self.unit]

    def applies(self, scenario: str) -> bool:
        """Whether the metric has a meaning in the scenario of that name."""
        return self.where(scenarios.of_record(scenario))

    def of(self, trial: Trial) -> float | None:
        """The value of the metric in a trial; None where it does not apply or its facts are missing."""
        return self.value(trial) if self.applies(trial.planned.scenario) else None


def _quantile(fact: str, q: float) -> Callable[[Trial], float | None]:
    def read(trial: Trial) -> float | None:
        distribution: Distribution | None = getattr(trial, fact)
        return None if distribution is None else quantile(distribution, q)

    return read


def _headroom(probe: str, q: float) -> Callable[[Trial], float | None]:
    def read(trial: Trial) -> float | None:
        distribution: Distribution | None = getattr(trial.headroom, probe, None)
        return None if distribution is None else quantile(distribution, q)

    return read


def _per(total: float | None, count: int) -> float | None:
    return None if total is None or count <= 0 else total / count


def _server_cpu(trial: Trial) -> float | None:
    return None if trial.usage is None else _per(trial.usage.server.cpu_ns, trial.usage.deliveries)


def _broker_cpu(trial: Trial) -> float | None:
    """CPU of the broker per delivery; zero for a variant without a broker."""
    if trial.usage is None:
        return None
    return _per(trial.usage.broker.cpu_ns if trial.usage.broker else 0, trial.usage.deliveries)


def _total_cpu(trial: Trial) -> float | None:
    server, broker = _server_cpu(trial), _broker_cpu(trial)
    return None if server is None or broker is None else server + broker


def _load_cpu(trial: Trial) -> float | None:
    return None if trial.usage is None else _per(sum(load.cpu_ns for load in trial.usage.load), trial.usage.deliveries)


def _payload(trial: Trial) -> float | None:
    wire = trial.wire
    return None if wire is None else _per(wire.payload_received_bytes + wire.payload_sent_bytes, wire.deliveries)


def _framing(trial: Trial) -> float | None:
    wire = trial.wire
    if wire is None or wire.received_bytes is None or wire.sent_bytes is None:
        return None
    payload = wire.payload_received_bytes + wire.payload_sent_bytes
    return _per(wire.received_bytes + wire.sent_bytes - payload, wire.deliveries)


def _segment_headers(trial: Trial) -> float | None:
    wire = trial.wire
    if wire is None or wire.segments_in is None or wire.segments_out is None:
        return None
    return _per((wire.segments_in + wire.segments_out) * SEGMENT_HEADER_BYTES, wire.deliveries)


def _wire_total(trial: Trial) -> float | None:
    payload, framing, headers = _payload(trial), _framing(trial), _segment_headers(trial)
    if payload is None or framing is None or headers is None:
        return None
    return payload + framing + headers  # sum() compensates from Python 3.12 on: the last digit would differ


def _requests(trial: Trial) -> float | None:
    return None if trial.wire is None else _per(trial.wire.requests, trial.wire.deliveries)


def _delivered_share(trial: Trial) -> float | None:
    return None if trial.ledger is None else _per(trial.ledger.delivered, trial.ledger.expected)


def _counted(name: str) -> Callable[[Trial], float | None]:
    return lambda trial: None if trial.ledger is None else float(getattr(trial.ledger, name))


def _recovered(trial: Trial) -> float | None:
    return None if trial.reconnects is None else float(trial.reconnects.recovered_deliveries)


def _recovery(trial: Trial) -> float | None:
    """The time to recover; None also where a subscriber never recovered, which the report states in words."""
    return None if trial.outage is None else trial.outage.recovered_ns


def _back(q: float) -> Callable[[Trial], float | None]:
    """The time until the share q of all disconnected subscribers is back; None where fewer came back."""

    def read(trial: Trial) -> float | None:
        time = None if trial.reconnects is None else trial.reconnects.reconnect_time
        if trial.reconnects is None or time is None or not time.count:
            return None
        share = q * trial.reconnects.disconnects / time.count
        return quantile(time, share) if share <= 1 else None

    return read


def _attempts_peak(trial: Trial) -> float | None:
    reconnects = trial.reconnects
    return None if reconnects is None else _per(max(reconnects.attempt_slots, default=0), reconnects.attempts)


def _unsignalled(trial: Trial) -> float | None:
    return None if trial.ledger is None else float(trial.ledger.lost - trial.ledger.signalled)


def _unsent(trial: Trial) -> float | None:
    subscribers = trial.parameters.get("subscribers")
    if trial.reconnects is None or trial.ledger is None or not isinstance(subscribers, int):
        return None
    return _per(trial.reconnects.unsent_messages * subscribers, trial.ledger.expected)


def _fresh(trial: Trial) -> float | None:
    return None if trial.reconnects is None else quantile(trial.reconnects.catch_up_time, 0.5)


def _restart(of: Callable[[Restart], tuple[int | None, int | None]]) -> Callable[[Trial], float | None]:
    """By how much the second of two numbers of a restart exceeds the first."""

    def read(trial: Trial) -> float | None:
        first, second = of(trial.restart) if trial.restart else (None, None)
        return None if first is None or second is None else float(second - first)

    return read


def _released(trial: Trial) -> float | None:
    released_ns = trial.storm.fds_released_ns if trial.storm else None
    return None if released_ns is None else float(released_ns)


def _arrival_cpu(trial: Trial) -> float | None:
    storm = _arrived(trial)
    return None if storm is None else _per(storm.server_cpu_ns + storm.broker_cpu_ns, storm.subscribers)


def _connection_memory(trial: Trial) -> float | None:
    return slope([(step.subscribers, _both(step, "pss_bytes")) for step in trial.idle])


def _connection_cpu(trial: Trial) -> float | None:
    rates = [(step.subscribers, _both(step, "cpu_ns"), step.window_ns) for step in trial.idle]
    return slope([(n, None if cpu is None or not span else cpu * 1e9 / span) for n, cpu, span in rates])


def held_bytes(step: IdleStep) -> float | None:
    """Memory of server and broker together at one idle step; None where memory is not measurable."""
    return _both(step, "pss_bytes")


def _both(step: IdleStep, key: str) -> float | None:
    """A quantity of the server and its broker together; None when either is not measurable."""
    processes: list[ProcessUsage] = [step.server] + ([step.broker] if step.broker else [])
    values = [getattr(process, key) for process in processes]
    return None if None in values else float(sum(values))


def _batch(trial: Trial) -> float | None:
    """Deliveries per request; with push, per segment, because a segment carries what was written together."""
    wire = trial.wire
    return None if wire is None else _per(wire.deliveries, wire.requests or wire.segments_in or 0)


def _sustained(trial: Trial) -> float | None:
    return sustained(trial.capacity)


def _delivered_per_second(trial: Trial) -> float | None:
    rate_hz, subscribers = sustained(trial.capacity), trial.parameters.get("subscribers")
    return rate_hz * subscribers if rate_hz is not None and isinstance(subscribers, int) else None


def _arrived(trial: Trial) -> Storm | None:
    """The storm, where the server confirms subscriptions; without that the time of the last arrival is unknown."""
    return trial.storm if trial.connect is not None else None


def _all_connected(trial: Trial) -> float | None:
    storm = _arrived(trial)
    return None if storm is None else float(storm.window_ns)


def _arrivals_rate(trial: Trial) -> float | None:
    storm = _arrived(trial)
    return None if storm is None else _per(1e9 * storm.subscribers, storm.window_ns)


def _slow(value: Callable[[SlowReader], float | None]) -> Callable[[Trial], float | None]:
    return lambda trial: None if trial.slow_reader is None else value(trial.slow_reader)


def slope(points: list[tuple[int, float | None]]) -> float | None:
    """Least-squares slope through (x, y), leaving out points without y; None unless two x differ."""
    known = [(x, y) for x, y in points if y is not None]
    if len({x for x, _ in known}) < 2:
        return None
    x, y = np.array(known, dtype=np.float64).T
    x -= x.mean()
    return float(x @ y / (x @ x))


def _complete(scenario: Scenario) -> bool:
    """Not where subscribers reconnect: what one variant loses another delivers late, and losing would look faster."""
    return not scenario.reconnects


def _one_way(scenario: Scenario) -> bool:
    return _complete(scenario) and not scenario.audience.alone


def _there_and_back(scenario: Scenario) -> bool:
    return scenario.audience.alone


def _for_all_alike(scenario: Scenario) -> bool:
    """Not where one subscriber is counted apart: the server works for it as well."""
    return scenario.apart is None


def _one_apart(scenario: Scenario) -> bool:
    return scenario.apart is not None


def _of_kind(kind: type[Kind]) -> Applies:
    return lambda scenario: isinstance(scenario.kind, kind)


def _fan_out(scenario: Scenario) -> bool:
    """One publisher, and nothing that goes wrong or is injected."""
    plain = isinstance(scenario.kind, Messages) and scenario.publishes is Publishes.PUBLISHER
    return plain and not (scenario.faults or scenario.injects)


def _in_bursts(scenario: Scenario) -> bool:
    return scenario.burst is not None


def _disconnecting(scenario: Scenario) -> bool:
    """Where every connection ends in the measured part."""
    return scenario.cuts is not None or scenario.replaces_server


def _replacing(scenario: Scenario) -> bool:
    return scenario.replaces_server


def _taking_away(scenario: Scenario) -> bool:
    return scenario.takes_away


def _faulty(scenario: Scenario) -> bool:
    return scenario.faults is not None


_TABLE = (
    Metric("latency_p50", "delivery latency, median", "ns", "lower", _quantile("latency", 0.5), where=_one_way,
           headline=True),
    Metric("latency_p90", "delivery latency, p90", "ns", "lower", _quantile("latency", 0.9), where=_one_way),
    Metric("latency_p99", "delivery latency, p99", "ns", "lower", _quantile("latency", 0.99), where=_one_way,
           headline=True),
    Metric("latency_max", "delivery latency, maximum", "ns", "lower", _quantile("latency", 1.0), where=_one_way),
    Metric("completion_p50", "latency of the last receiver of a fan-out, median", "ns", "lower",
           _quantile("completion", 0.5), where=_complete),
    Metric("round_trip_p50", "echo round trip, median", "ns", "lower", _quantile("latency", 0.5),
           where=_there_and_back, headline=True),
    Metric("round_trip_p90", "echo round trip, p90", "ns", "lower", _quantile("latency", 0.9),
           where=_there_and_back),
    Metric("round_trip_p99", "echo round trip, p99", "ns", "lower", _quantile("latency", 0.99),
           where=_there_and_back, headline=True),
    Metric("cpu", "server and broker CPU per delivered message", "ns", "lower", _total_cpu, where=_for_all_alike,
           headline=True),
    Metric("server_cpu", "server CPU per delivered message", "ns", "lower", _server_cpu, where=_for_all_alike),
    Metric("broker_cpu", "broker CPU per delivered message", "ns", "lower", _broker_cpu, where=_for_all_alike),
    Metric("wire", "bytes on the wire per delivered message", "wire bytes", "lower", _wire_total, headline=True),
    Metric("wire_payload", "payload per delivered message", "wire bytes", "lower", _payload),
    Metric("wire_framing", "framing and HTTP headers per delivered message", "wire bytes", "lower", _framing),
    Metric("wire_segments", "TCP and IP headers per delivered message (estimate)", "wire bytes", "lower",
           _segment_headers),
    Metric("requests", "HTTP requests per delivered message", "count", "lower", _requests, headline=True),
    Metric("connect_p50", "time to connect, median", "ns", "lower", _quantile("connect", 0.5), headline=True),
    Metric("connection_memory", "memory per connection", "memory bytes", "lower", _connection_memory,
           where=_of_kind(IdleSteps), headline=True),
    Metric("connection_cpu", "idle CPU per connection, without keep-alives", "ns per s", "lower", _connection_cpu,
           where=_of_kind(IdleSteps), headline=True),
    Metric("batch", "messages per response, or per segment with push", "count", "higher", _batch,
           where=_fan_out),
    Metric("burst_p50", "time until all subscribers have the whole burst, median", "ns", "lower",
           _quantile("bursts", 0.5), where=_in_bursts, headline=True),
    Metric("capacity", "messages per second sustained", "per s", "higher", _sustained, where=_of_kind(Search),
           headline=True, resolution=RESOLUTION),
    Metric("capacity_deliveries", "deliveries per second sustained", "per s", "higher", _delivered_per_second,
           where=_of_kind(Search), resolution=RESOLUTION),
    Metric("arrivals_rate", "connects per second", "per s", "higher", _arrivals_rate, where=_of_kind(Arrivals)),
    Metric("connect_p99", "time to connect, p99", "ns", "lower", _quantile("connect", 0.99),
           where=_of_kind(Arrivals)),
    Metric("memory_growth", "largest growth of server memory while a reader is slow", "memory bytes", "lower",
           _slow(lambda slow: slow.memory_peak_bytes - slow.memory_before_bytes), where=_one_apart, headline=True),
    Metric("slow_received", "share of messages received by the slow reader", "share", "higher",
           _slow(lambda slow: _per(slow.messages, slow.messages + slow.lost)), where=_one_apart, headline=True),
    Metric("slow_lost", "messages lost by the slow reader", "count", "lower", _slow(lambda slow: slow.lost),
           where=_one_apart),
    Metric("slow_told", "share of the slow reader's losses within signalled gaps", "share", "higher",
           _slow(lambda slow: _per(slow.signalled, slow.lost)), where=_one_apart),
    Metric("slow_closed", "number of times the server closed the slow reader's connection", "count", "lower",
           _slow(lambda slow: slow.closed_by_server), where=_one_apart),
    Metric("delivered_share", "share of messages delivered", "share", "higher", _delivered_share),
    Metric("back_p50", "time until half of the disconnected subscribers are back", "ns", "lower", _back(0.5),
           where=_replacing),
    Metric("back_p95", "time until 95\u00a0% of the disconnected subscribers are back", "ns", "lower", _back(0.95),
           where=_replacing),
    Metric("back_all", "time until all disconnected subscribers are back", "ns", "lower", _back(1.0), where=_replacing),
    Metric("fresh_p50", "time from the first reconnect attempt until no message is missing, median", "ns", "lower",
           _fresh, where=_disconnecting),
    Metric("attempts_peak", "largest share of all reconnect attempts within a tenth of a second", "share", "lower",
           _attempts_peak, where=_replacing),
    Metric("unsignalled", "messages lost without a signalled gap", "count", "lower",
           _unsignalled, where=_disconnecting),
    Metric("unsent", "share of messages not sent because no server was running", "share", "lower",
           _unsent, where=_replacing),
    Metric("without_server", "time without a server", "ns", "lower",
           _restart(lambda one: (one.ended_ns, one.ready_ns)), where=_replacing),
    Metric("restart_fds", "growth in open descriptors of the server across its restart", "count", "lower",
           _restart(lambda one: (one.fds_before, one.fds_after)), where=_replacing),
    Metric("restart_memory", "growth in memory of the server across its restart", "memory bytes", "lower",
           _restart(lambda one: (one.memory_before_bytes, one.memory_after_bytes)), where=_replacing),
    Metric("all_connected", "time until all subscribers of a storm are subscribed", "ns", "lower", _all_connected,
           where=_of_kind(Arrivals), headline=True),
    Metric("arrival_cpu", "server and broker CPU per arrival", "ns", "lower", _arrival_cpu, where=_of_kind(Arrivals),
           headline=True),
    Metric("fds_back", "time until the server has closed the connections of subscribers that left", "ns", "lower",
           _released, where=_of_kind(Arrivals)),
    Metric("lost", "deliveries lost", "count", "lower", _counted("lost"), where=_faulty),
    Metric("signalled", "lost deliveries within signalled gaps", "count", "lower",
           _counted("signalled"), where=_faulty),
    Metric("duplicated", "deliveries repeated", "count", "lower", _counted("duplicated"), where=_faulty),
    Metric("reordered", "deliveries out of order", "count", "lower", _counted("reordered"), where=_faulty),
    Metric("recovered", "deliveries missed while disconnected and delivered afterwards", "count", "higher",
           _recovered, where=_faulty),
    Metric("recovery", "time to recover after the broker's return", "ns", "lower", _recovery, where=_taking_away,
           headline=True),
    Metric("load_cpu", "generator CPU per received message", "ns", "lower", _load_cpu),
    Metric("loop_lag_p99", "event-loop delay of the generator, p99", "ns", "lower", _headroom("loop_delay", 0.99)),
    Metric("unread_p50", "time that data waits in the generator's sockets, median", "ns", "lower",
           _headroom("read_delay", 0.5)),
    Metric("unread_p99", "time that data waits in the generator's sockets, p99", "ns", "lower",
           _headroom("read_delay", 0.99)),
    Metric("slip_p99", "publisher slip, p99", "ns", "lower", _quantile("slip", 0.99)),
)  # fmt: skip


def _own() -> list[Metric]:
    """The metrics that scenarios declare for themselves alone."""
    return [
        Metric(one.name, one.title, one.unit, one.better, one.value, where=_named(name), headline=one.headline)
        for name in scenarios.names()
        for one in scenarios.load(name).metrics
    ]


def _named(name: str) -> Applies:
    return lambda scenario: scenario.name == name


def _by_name(metrics: Iterable[Metric]) -> Mapping[str, Metric]:
    by_name: dict[str, Metric] = {}
    for metric in metrics:
        if by_name.setdefault(metric.name, metric) is not metric:
            raise ValueError(f"two metrics are named {metric.name!r}")
    return MappingProxyType(by_name)


METRICS = _by_name((*_TABLE, *_own()))
