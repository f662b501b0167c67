"""The processes that take part in a trial, started all at once, and what they are to do."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

from bench.measure.machine import Cores
from bench.paths import DIRECT
from bench.processes.load_side import Load, Master, Proxy, Publisher, load_side
from bench.processes.member import Watched, answers
from bench.processes.orders import Answer, Order
from bench.processes.server import Broker, NextBroker, Server, successor
from bench.scenarios import Publishes, Scenario
from servers import Variant

SLACK_S = 10.0  # beyond what a phase takes by the clock, before its silence is a failure

SomeAnswer = TypeVar("SomeAnswer", bound=Answer)


@dataclass(frozen=True, slots=True)
class Workload:
    """A scenario with its parameters, and the variant whose subscribers it drives. `seed` decides phases and texts."""

    scenario: Scenario
    variant: Variant
    parameters: Mapping[str, Any]
    seed: int

    @property
    def upstream(self) -> bool:
        """Whether the subscribers publish."""
        return self.scenario.publishes is Publishes.SUBSCRIBERS


@dataclass(slots=True)
class Participants:
    """The processes of a trial and their workload. `stack` ends them.

    topic: used by no other trial, in case several share a broker. proxy: emulates the path between subscribers and
    server; None if they are connected directly.
    """

    stack: ExitStack
    workload: Workload
    topic: str
    server: Server
    loads: list[Load]
    masters: list[Master]
    publisher: Publisher | None
    broker: Broker | NextBroker | None
    proxy: Proxy | None

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters of the workload."""
        return self.workload.parameters

    @property
    def watched(self) -> list[Watched]:
        """The processes whose end ends the trial; the server before its broker, which ends with it."""
        members = [self.server, self.broker, *self.loads, *self.masters, self.publisher, self.proxy]
        return [member for member in members if member]

    @property
    def pids(self) -> dict[str, int]:
        """The processes to sample, by the name of their part in the record."""
        pids = {"server": self.server.server_pid} | {name: load.pid for name, load in self.loads_by_name.items()}
        if self.broker:
            pids["broker"] = self.broker.pid
        for member in (self.publisher, self.proxy):
            if member:
                pids[member.name] = member.pid
        return pids

    @property
    def loads_by_name(self) -> dict[str, Load]:
        """The Locust processes with subscribers, by the names under which they are sampled."""
        return {f"load {number}": load for number, load in enumerate(self.loads, 1)}

    def order(self, order: Order, kind: type[SomeAnswer], timeout_s: float) -> list[SomeAnswer]:
        """What every Locust process answers to an order within the time and some slack."""
        for load in self.loads:
            load.send(order)
        return self.answers(kind, timeout_s)

    def answers(self, kind: type[SomeAnswer], timeout_s: float) -> list[SomeAnswer]:
        """What every Locust process answers to an order that was given before."""
        return answers(self.loads, kind, timeout_s + SLACK_S, self.watched)

    def restart(self, kill: bool) -> int:
        """End the server, with SIGKILL or SIGTERM, and start another in its place; when the old one had ended, on the
        monotonic clock. Raises as starting one does."""
        self.server.end(gently=not kill)
        ended_ns = time.monotonic_ns()
        self.server = self.stack.enter_context(successor(self.server))
        self.server.wait_until_ready()
        self.broker = self.server.broker
        return ended_ns

    def replace_broker(self, killed: Broker) -> None:
        """Start another broker in the place of one that was killed. Raises as starting one does."""
        broker = self.stack.enter_context(NextBroker(killed, self.server.cores))
        broker.wait_until_ready()
        self.broker = broker


def start(stack: ExitStack, workload: Workload, server: Server, cores: Cores, workers: int) -> Participants:
    """All processes, started at once: each spends most of its start-up on importing, and on cores of its own. `server`
    has just been started and is not ready yet."""
    scenario, parameters = workload.scenario, workload.parameters
    users = scenario.subscribers(parameters)
    stack.enter_context(server)
    loads, masters = load_side(users, workers, cores.load)
    for member in (*masters, *loads):
        stack.enter_context(member)
    publisher = stack.enter_context(Publisher(cores.load)) if scenario.publishes is Publishes.PUBLISHER else None
    proxy = stack.enter_context(Proxy(cores.load)) if scenario.through_proxy(parameters) else None
    server.wait_until_ready()
    if publisher:
        publisher.connect(server, workload.seed, parameters["payload_bytes"])
    if proxy:
        proxy.open(server, parameters.get("path", DIRECT), workload.seed)
    topic = f"t{server.nonce}"
    return Participants(stack, workload, topic, server, loads, masters, publisher, server.broker, proxy)
