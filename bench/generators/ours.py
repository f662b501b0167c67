"""Our own load generator, driven as in a trial: the Locust process of the scenario `broadcast`, by the same orders,
with all that it records. It is not a trial, because the server may be none of the variants.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

from bench import scenarios
from bench.analysis.runs.generator_search import ALLOWED_LAG_NS
from bench.execution.participants import PRIME_WITHIN_S, SLACK_S
from bench.execution.trial import DRAIN_WITHIN_S, LEAD_NS
from bench.generators import stage
from bench.load.publisher import PROBE_EVERY_S
from bench.measure.machine import Cores
from bench.measure.receipts import completion
from bench.measure.recorder import Window
from bench.processes.errors import ProcessError
from bench.processes.load_side import Load, Publisher
from bench.processes.member import Member, answer, watch
from bench.processes.orders import (
    Answer,
    Assignment,
    Connect,
    Connected,
    DrainProbes,
    Measure,
    Measured,
    Order,
    Prime,
    Primed,
    Probe,
    Probed,
    ProbesDrained,
    Publish,
    Published,
    Stop,
)
from bench.processes.server import Server
from bench.results.generator_comparison import Pass
from bench.schedule import Schedule
from servers import _variant
from servers._variant import Technique

WARM_UP_S = 0.5
SEED = 1
SomeAnswer = TypeVar("SomeAnswer", bound=Answer)


@dataclass(frozen=True, slots=True)
class Session:
    """The processes of one pass, ready."""

    server: Server
    load: Load
    publisher: Publisher
    parameters: Mapping[str, Any]

    @property
    def topic(self) -> str:
        """A topic that nobody else uses, should a broker be shared."""
        return f"t{self.server.nonce}"

    def order(self, order: Order, kind: type[SomeAnswer], within_s: float) -> SomeAnswer:
        """The answer of the load generator to an order. Raises ProcessError."""
        self.load.send(order)
        return self.answer(self.load, kind, within_s)

    def answer(self, member: Member, kind: type[SomeAnswer], within_s: float) -> SomeAnswer:
        """The next answer of a process. Raises ProcessError."""
        return answer(member, kind, within_s + SLACK_S, [self.server, self.load, self.publisher])


def measure(
    variant: str, server: str, subscribers: int, payload_bytes: int, cores: Cores, rate_hz: float, measure_s: float
) -> Pass:
    """One pass of the client half of `variant`. Whoever polls, polls as often as there are messages: each poll is
    answered with one. Raises ProcessError."""
    scenario = scenarios.load("broadcast")
    parameters = scenario.settled("standard", {
        "subscribers": subscribers, "rate_hz": rate_hz, "payload_bytes": payload_bytes, "measure_s": measure_s,
        "warm_up_s": WARM_UP_S, "poll_interval_s": min(60.0, max(0.001, 1 / rate_hz)),
    })  # fmt: skip
    with ExitStack() as stack:
        session = Session(
            stack.enter_context(stage.server(server, cores)),
            stack.enter_context(Load(scenario.path, subscribers, cores.load)),
            stack.enter_context(Publisher(cores.load)),
            parameters,
        )
        session.server.wait_until_ready()
        session.publisher.connect(session.server, SEED, payload_bytes)
        _connect(session, _variant.load(variant))
        _prime(session)
        polls = _variant.load(variant).technique is Technique.POLLING
        return _pass(session, server, round(parameters["poll_interval_s"] * 1e9) if polls else 0)


def _connect(session: Session, variant: _variant.Variant) -> None:
    subscribers = session.parameters["subscribers"]
    assignment = Assignment(
        host="127.0.0.1", port=session.server.port, client=variant.client, wire=variant.wire,
        topic=session.topic, seed=SEED, parameters=session.parameters,
    )  # fmt: skip
    within_s = SLACK_S + subscribers / 200
    order = Connect(subscribers=subscribers, timeout_s=within_s, assignment=assignment)
    answer = session.order(order, Connected, within_s)
    if answer.failed or answer.settled < subscribers:
        raise ProcessError(f"{answer.settled - answer.failed} of {subscribers} subscribers connected")


def _prime(session: Session) -> None:
    """Publish probes until every subscriber has received one, then wait until the last one has arrived everywhere."""
    within_s = PRIME_WITHIN_S + session.parameters["poll_interval_s"]
    session.publisher.send(Probe(topic=session.topic, every_s=PROBE_EVERY_S))
    answer = session.order(Prime(upstream=False, timeout_s=within_s), Primed, within_s)
    session.publisher.send(Stop())
    published = session.answer(session.publisher, Probed, 0).published
    if answer.primed < answer.subscribers:
        raise ProcessError(f"{answer.primed} of {answer.subscribers} subscribers received a probe")
    if not session.order(DrainProbes(published=published, timeout_s=within_s), ProbesDrained, within_s).in_time:
        raise ProcessError(f"the probes had not all arrived {within_s:g} s after the last one")


def _pass(session: Session, server: str, interval_ns: int) -> Pass:
    parameters = session.parameters
    rate_hz, drain_s = parameters["rate_hz"], DRAIN_WITHIN_S + parameters["poll_interval_s"]
    first = math.ceil(parameters["warm_up_s"] * rate_hz)
    last = first + max(1, round(parameters["measure_s"] * rate_hz))
    schedule = Schedule(start_ns=time.monotonic_ns() + LEAD_NS, rate_hz=rate_hz)
    window = Window(first, last, schedule.due_ns(first), schedule.due_ns(last))
    session.load.send(Measure(schedule=schedule, first=first, last=last, drain_s=drain_s, upstream=False))
    session.publisher.send(Publish(topic=session.topic, schedule=schedule, count=last))
    clocks = []
    for moment_ns in window.cost_ns:
        watch([session.server, session.load, session.publisher], moment_ns)
        clocks.append((stage.Clocks.of(session.load.pid), stage.Clocks.of(session.server.pid)))
    session.answer(session.publisher, Published, 0)
    measured = session.answer(session.load, Measured, drain_s).receipts
    last_ones = completion(measured.fan_outs, parameters["subscribers"])
    ours, theirs = (late.since(early) for early, late in zip(*clocks, strict=True))
    if not measured.deliveries:
        raise ProcessError("nothing was delivered")
    return Pass(
        server=server, subscribers=parameters["subscribers"], rate_hz=rate_hz, window_ns=ours.at_ns,
        received=measured.deliveries, generator_cpu_ns=ours.cpu_ns, generator_wait_ns=ours.wait_ns,
        server_cpu_ns=theirs.cpu_ns, server_wait_ns=theirs.wait_ns,
        expected=measured.ledger.expected, delivered=measured.ledger.delivered,
        lag_ns=None if measured.ledger.lost or last_ones is None or not last_ones.count else last_ones.max_ns,
        allowed_lag_ns=ALLOWED_LAG_NS + interval_ns,
    )  # fmt: skip
