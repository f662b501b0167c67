"""Our own load generator, driven as in a trial: the Locust process of the scenario `broadcast`, by the same orders,
with all that it records. It is not a trial, because the server may be none of the variants.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import msgspec

from bench import scenarios
from bench.analysis.runs.generator_search import ALLOWED_LAG_NS
from bench.execution.participants import PRIME_WITHIN_S, SLACK_S
from bench.execution.trial import DRAIN_WITHIN_S, LEAD_NS
from bench.generators import stage
from bench.measure.machine import Cores
from bench.measure.receipts import Measured, completion
from bench.measure.recorder import Window
from bench.processes import Load, Member, ProcessError, Publisher, Server, answer, watch
from bench.results.generator_comparison import Pass
from bench.schedule import due_ns
from servers import _variant
from servers._variant import Technique

WARM_UP_S = 0.5
SEED = 1
TRAFFIC = "publisher"


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

    def ask(self, do: str, within_s: float, **order: Any) -> dict[str, Any]:
        """Have the load generator carry out an order; its answer. Raises ProcessError."""
        self.load.send({"do": do, "timeout_s": within_s, **order})
        return self.answered(self.load, do, within_s)

    def answered(self, member: Member, done: str, within_s: float) -> dict[str, Any]:
        """What a process says when it has done something. Raises ProcessError."""
        return answer(member, done, within_s + SLACK_S, [self.server, self.load, self.publisher])


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
    target = {
        "host": "127.0.0.1", "port": session.server.port, "client": variant.client, "wire": dict(variant.wire),
        "topic": session.topic, "seed": SEED, "parameters": dict(session.parameters),
    }  # fmt: skip
    said = session.ask("connect", SLACK_S + subscribers / 200, subscribers=subscribers, target=target)
    if said["failed"] or said["settled"] < subscribers:
        raise ProcessError(f"{said['settled'] - said['failed']} of {subscribers} subscribers connected")


def _prime(session: Session) -> None:
    """Publish probes until everybody has had one, then wait until the last one has arrived everywhere."""
    within_s = PRIME_WITHIN_S + session.parameters["poll_interval_s"]
    session.publisher.send({"do": "probe", "topic": session.topic})
    said = session.ask("prime", within_s, traffic=TRAFFIC)
    session.publisher.send({"do": "stop"})
    published = session.answered(session.publisher, "probe", 0)["published"]
    if said["primed"] < said["of"]:
        raise ProcessError(f"{said['primed']} of {said['of']} subscribers received a probe")
    if not session.ask("calm", within_s, published=published)["calm"]:
        raise ProcessError(f"the probes had not all arrived {within_s:g} s after the last one")


def _pass(session: Session, server: str, interval_ns: int) -> Pass:
    parameters = session.parameters
    rate_hz, drain_s = parameters["rate_hz"], DRAIN_WITHIN_S + parameters["poll_interval_s"]
    first = math.ceil(parameters["warm_up_s"] * rate_hz)
    last = first + max(1, round(parameters["measure_s"] * rate_hz))
    start_ns = time.monotonic_ns() + LEAD_NS
    window = Window(first, last, due_ns(start_ns, rate_hz, first), due_ns(start_ns, rate_hz, last))
    schedule = {"start_ns": start_ns, "rate_hz": rate_hz}
    session.load.send(
        {"do": "measure", "first": first, "last": last, "drain_s": drain_s, "traffic": TRAFFIC, **schedule}
    )
    session.publisher.send({"do": "publish", "topic": session.topic, "count": last, **schedule})
    clocks = []
    for moment_ns in window.cost_ns:
        watch([session.server, session.load, session.publisher], moment_ns)
        clocks.append((stage.Clocks.of(session.load.pid), stage.Clocks.of(session.server.pid)))
    session.answered(session.publisher, "publish", 0)
    said = session.answered(session.load, "measure", drain_s)
    measured = msgspec.convert(said["measured"], Measured, str_keys=True)
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
