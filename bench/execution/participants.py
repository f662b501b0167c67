"""Who takes part in a trial, and how they get ready: started all at once, connected, primed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from bench.load.publisher import PROBE_EVERY_S
from bench.measure.machine import Cores
from bench.measure.receipts import added_errors
from bench.paths import DIRECT, leads_elsewhere
from bench.processes import (
    Broker,
    Load,
    Master,
    NextBroker,
    ProcessError,
    Proxy,
    Publisher,
    Server,
    Watched,
    answer,
    answers,
    load_side,
    successor,
)
from bench.results import Planned
from bench.scenarios import Scenario
from servers._variant import Variant

PRIME_WITHIN_S = 15.0
PROBED_PER_S = 5_000
"""So many deliveries of probes a second at most: a server that still lets people in is not to drown in them."""
SLACK_S = 10.0  # beyond what a phase takes by the clock, before its silence is a failure


@dataclass(slots=True)
class Cast:
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

    def tell(self, order: Mapping[str, Any], timeout_s: float) -> list[dict[str, Any]]:
        """What every Locust process answers to one order within the time and some slack."""
        for load in self.loads:
            load.send(order)
        return self.told(order["do"], timeout_s)

    def told(self, done: str, timeout_s: float) -> list[dict[str, Any]]:
        """The answers to an order that was given before."""
        return answers(self.loads, done, timeout_s + SLACK_S, self.watched)

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
) -> Cast:
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
    return Cast(stack, topic, planned, parameters, scenario, server, loads, masters, publisher, server.broker, proxy)


def assemble(cast: Cast, subscribers: int) -> None:
    """Have the load make its users, who do not connect yet. Raises ProcessError unless there are so many in time."""
    timeout_s = _patience_s(subscribers)
    for place, load in enumerate(cast.loads):
        load.send({"do": "assemble", "subscribers": _own(cast, place, subscribers), "timeout_s": timeout_s})
    if not all(one["there"] for one in cast.told("assemble", timeout_s)):
        raise ProcessError(f"the load generator had not made {subscribers} users within {timeout_s:g} s")


def _patience_s(subscribers: int) -> float:
    return SLACK_S + subscribers / 200


def _own(cast: Cast, place: int, subscribers: int) -> int:
    """How many of all subscribers belong to one Locust process."""
    return len(range(place, subscribers, len(cast.loads)))


def connect(cast: Cast, variant: Variant, subscribers: int, *, first: bool = True) -> None:
    """Have the load open subscriptions until there are so many. Raises ProcessError unless all of them stand."""
    timeout_s = _patience_s(subscribers)
    processes = len(cast.loads)
    for place, load in enumerate(cast.loads):
        order: dict[str, Any] = {
            "do": "connect", "subscribers": _own(cast, place, subscribers), "timeout_s": timeout_s,
        }  # fmt: skip
        if first:
            order["target"] = _target(cast, variant, (place, processes))
        load.send(order)
    said = cast.told("connect", timeout_s)
    standing = sum(one["settled"] - one["failed"] for one in said)
    if standing < subscribers:
        raise ProcessError(f"{standing} of {subscribers} subscribers connected within {timeout_s:g} s{why(said)}")


def _target(cast: Cast, variant: Variant, share: tuple[int, int]) -> dict[str, Any]:
    """Which server is driven and how, for one Locust process and its share of the subscribers."""
    return {
        "host": "127.0.0.1",
        "port": cast.proxy.port if cast.proxy else cast.server.port,
        "client": variant.client,
        "wire": dict(variant.wire),
        "topic": cast.topic,
        "seed": cast.planned.seed,
        "parameters": dict(cast.parameters),
        "share": share,
    }


def prime(cast: Cast) -> None:
    """Publish probes until every subscriber has received one. Raises ProcessError if somebody never does."""
    timeout_s = PRIME_WITHIN_S + cast.parameters["poll_interval_s"]
    published = 0
    if cast.publisher:
        every_s = max(PROBE_EVERY_S, cast.parameters["subscribers"] / PROBED_PER_S)
        cast.publisher.send({"do": "probe", "topic": cast.topic, "every_s": every_s})
    said = cast.tell({"do": "prime", "traffic": cast.scenario.traffic, "timeout_s": timeout_s}, timeout_s)
    if cast.publisher:
        cast.publisher.send({"do": "stop"})
        published = answer(cast.publisher, "probe", SLACK_S, cast.watched)["published"]
    primed, everyone = (sum(one[key] for one in said) for key in ("primed", "of"))
    if primed < everyone:
        raise ProcessError(f"{primed} of {everyone} subscribers received a probe{why(said)}")
    calm = cast.tell({"do": "calm", "published": published, "timeout_s": timeout_s}, timeout_s)
    if not all(one["calm"] for one in calm):
        raise ProcessError(f"the probes had not all arrived {timeout_s:g} s after the last one")


def why(said: Sequence[Mapping[str, Any]]) -> str:
    """The most frequent error that the load generator counted, if any."""
    errors = added_errors(one["errors"] for one in said)
    return f"; most frequent error: {max(errors, key=lambda error: errors[error])}" if errors else ""
