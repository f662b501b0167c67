"""Who takes part in a trial, and how they get ready: started all at once, connected, primed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

from bench.load.publisher import PROBE_EVERY_S
from bench.measure.machine import Cores
from bench.measure.receipts import added_errors
from bench.paths import DIRECT, leads_elsewhere
from bench.processes.errors import ProcessError
from bench.processes.load_side import Load, Master, Proxy, Publisher, load_side
from bench.processes.member import Watched, answer, answers
from bench.processes.orders import (
    Answer,
    Assemble,
    Assembled,
    Assignment,
    Connect,
    Connected,
    DrainProbes,
    Order,
    Prime,
    Primed,
    Probe,
    Probed,
    ProbesDrained,
    Stop,
)
from bench.processes.server import Broker, NextBroker, Server, successor
from bench.results import Planned
from bench.scenarios import Scenario
from servers._variant import Variant

PRIME_WITHIN_S = 15.0
PROBED_PER_S = 5_000
"""So many deliveries of probes a second at most: a server that still lets people in is not to drown in them."""
SLACK_S = 10.0  # beyond what a phase takes by the clock, before its silence is a failure


SomeAnswer = TypeVar("SomeAnswer", bound=Answer)


@dataclass(slots=True)
class Participants:
    """Who takes part in a trial. `stack` ends them; `topic` is used by no other, should they share a broker.

    proxy: emulates the path between subscribers and server; None where there is nothing between them.
    """

    stack: ExitStack
    topic: str
    planned: Planned
    parameters: Mapping[str, Any]
    scenario: Scenario
    server: Server
    loads: list[Load]
    masters: list[Master]
    publisher: Publisher | None
    broker: Broker | NextBroker | None
    proxy: Proxy | None = None

    @property
    def watched(self) -> list[Watched]:
        """Everybody whose end would be the end of the trial; the server before its broker, which goes with it."""
        everybody = [self.server, self.broker, *self.loads, *self.masters, self.publisher, self.proxy]
        return [member for member in everybody if member]

    @property
    def pids(self) -> dict[str, int]:
        """Whom to sample, by the name of their part in the record."""
        pids = {"server": self.server.server_pid} | {name: load.pid for name, load in self.loads_by_name.items()}
        if self.broker:
            pids["broker"] = self.broker.pid
        for member in (self.publisher, self.proxy):
            if member:
                pids[member.name] = member.pid
        return pids

    @property
    def loads_by_name(self) -> dict[str, Load]:
        """The Locust processes with subscribers by the names they are sampled under."""
        return {f"load {number}": load for number, load in enumerate(self.loads, 1)}

    def order(self, order: Order, kind: type[SomeAnswer], timeout_s: float) -> list[SomeAnswer]:
        """What every Locust process answers to one order within the time and some slack."""
        for load in self.loads:
            load.send(order)
        return self.answers(kind, timeout_s)

    def answers(self, kind: type[SomeAnswer], timeout_s: float) -> list[SomeAnswer]:
        """What every Locust process answers to an order that was given before."""
        return answers(self.loads, kind, timeout_s + SLACK_S, self.watched)

    def restart(self, kill: bool) -> int:
        """End the server, with or without a farewell, and put another in its place; when the old one had ended, on the
        monotonic clock. Raises as starting one does."""
        self.server.end(gently=not kill)
        ended_ns = time.monotonic_ns()
        self.server = self.stack.enter_context(successor(self.server))
        self.server.wait_until_ready()
        self.broker = self.server.broker
        return ended_ns

    def replace_broker(self, killed: Broker) -> None:
        """Put another broker in the place of one that was killed. Raises as starting one does."""
        broker = self.stack.enter_context(NextBroker(killed, self.server.cores))
        broker.wait_until_ready()
        self.broker = broker


def start(
    stack: ExitStack, planned: Planned, scenario: Scenario, parameters: Mapping[str, Any], cores: Cores, workers: int
) -> Participants:
    """Start all processes at once: each spends most of its start-up on importing, and on cores of its own."""
    users = max(parameters["steps"]) if "steps" in parameters else parameters["subscribers"]
    server = stack.enter_context(Server(planned.variant, cores.server, parameters.get("plant", "")))
    loads, masters = load_side(scenario.path, users, workers, cores.load)
    for member in (*masters, *loads):
        stack.enter_context(member)
    publisher = stack.enter_context(Publisher(cores.load)) if scenario.traffic in ("publisher", "arrivals") else None
    proxy = stack.enter_context(Proxy(cores.load)) if scenario.proxied or leads_elsewhere(parameters) else None
    server.wait_until_ready()
    if publisher:
        publisher.connect(server, planned.seed, parameters["payload_bytes"])
    if proxy:
        proxy.open(server, parameters.get("path", DIRECT), planned.seed)
    topic = f"t{server.nonce}"
    return Participants(
        stack, topic, planned, parameters, scenario, server, loads, masters, publisher, server.broker, proxy
    )


def assemble(participants: Participants, subscribers: int) -> None:
    """Have the load generator make its users, which do not connect yet. Raises ProcessError unless it does in time."""
    timeout_s = _patience_s(subscribers)
    for place, load in enumerate(participants.loads):
        load.send(Assemble(subscribers=_own(participants, place, subscribers), timeout_s=timeout_s))
    if not all(one.in_time for one in participants.answers(Assembled, timeout_s)):
        raise ProcessError(f"the load generator had not made {subscribers} users within {timeout_s:g} s")


def _patience_s(subscribers: int) -> float:
    return SLACK_S + subscribers / 200


def _own(participants: Participants, place: int, subscribers: int) -> int:
    """The number of subscribers that belong to one Locust process."""
    return len(range(place, subscribers, len(participants.loads)))


def connect(participants: Participants, variant: Variant, subscribers: int, *, first: bool = True) -> None:
    """Have the load generator open subscriptions until there are `subscribers`. Raises ProcessError unless all open."""
    timeout_s = _patience_s(subscribers)
    processes = len(participants.loads)
    for place, load in enumerate(participants.loads):
        assignment = _assignment(participants, variant, (place, processes)) if first else None
        own = _own(participants, place, subscribers)
        load.send(Connect(subscribers=own, timeout_s=timeout_s, assignment=assignment))
    answers = participants.answers(Connected, timeout_s)
    connected = sum(one.settled - one.failed for one in answers)
    if connected < subscribers:
        reason = why([one.errors for one in answers])
        raise ProcessError(f"{connected} of {subscribers} subscribers connected within {timeout_s:g} s{reason}")


def _assignment(participants: Participants, variant: Variant, share: tuple[int, int]) -> Assignment:
    """The server that is driven and how, for one Locust process and its share of the subscribers."""
    return Assignment(
        host="127.0.0.1",
        port=participants.proxy.port if participants.proxy else participants.server.port,
        client=variant.client,
        wire=variant.wire,
        topic=participants.topic,
        seed=participants.planned.seed,
        parameters=participants.parameters,
        share=share,
    )


def prime(participants: Participants) -> None:
    """Publish probes until every subscriber has received one. Raises ProcessError if one never does."""
    timeout_s = PRIME_WITHIN_S + participants.parameters["poll_interval_s"]
    published = 0
    if participants.publisher:
        every_s = max(PROBE_EVERY_S, participants.parameters["subscribers"] / PROBED_PER_S)
        participants.publisher.send(Probe(topic=participants.topic, every_s=every_s))
    upstream = participants.scenario.traffic == "subscribers"
    answers = participants.order(Prime(upstream=upstream, timeout_s=timeout_s), Primed, timeout_s)
    if participants.publisher:
        participants.publisher.send(Stop())
        published = answer(participants.publisher, Probed, SLACK_S, participants.watched).published
    primed, subscribers = sum(one.primed for one in answers), sum(one.subscribers for one in answers)
    if primed < subscribers:
        reason = why([one.errors for one in answers])
        raise ProcessError(f"{primed} of {subscribers} subscribers received a probe{reason}")
    drained = participants.order(DrainProbes(published=published, timeout_s=timeout_s), ProbesDrained, timeout_s)
    if not all(one.in_time for one in drained):
        raise ProcessError(f"the probes had not all arrived {timeout_s:g} s after the last one")


def why(errors: Sequence[Mapping[str, int]]) -> str:
    """The most frequent error that the Locust processes counted, if any, as the end of a message."""
    total = added_errors(dict(counts) for counts in errors)
    return f"; most frequent error: {max(total, key=lambda error: total[error])}" if total else ""
