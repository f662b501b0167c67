"""Drives a peer. Its processes are reused for all passes while they keep up."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from bench.analysis.runs.generator_search import ALLOWED_DELAY_NS
from bench.execution.driving import DRAIN_WITHIN_S, begin, collect, starting_soon
from bench.generators import sources
from bench.generators.clocks import Clocks
from bench.generators.peers import Peer
from bench.generators.reporter import Reporter
from bench.measure.machine import Cores
from bench.processes.load_side import Load, Publisher
from bench.processes.member import Watched
from bench.processes.server import Server
from bench.results import GeneratorPass

READY_WITHIN_S = 60.0
SETTLE_S = 0.5
TAIL_S = 0.3  # load after the window, so that the last report of the window is made under load


@dataclass(frozen=True, slots=True)
class DrivenPeer:
    """A connected peer with its server and the publisher."""

    server: Server
    publisher: Publisher
    peer: Reporter
    topic: str
    loads: Sequence[Load] = ()

    @property
    def watched(self) -> list[Watched]:
        """The processes whose end is an error."""
        return [self.server, self.peer, self.publisher]

    def clocks(self) -> tuple[Clocks, Clocks]:
        """The clocks of the peer and of the server."""
        return Clocks.of(self.peer.pid), Clocks.of(self.server.pid)


class Stand:
    """Drives one peer with a server and a publisher through its passes."""

    def __init__(self, peer: Peer, server: str, subscribers: int, payload_bytes: int, cores: Cores) -> None:
        self._peer, self._name, self._subscribers, self._payload_bytes = peer, server, subscribers, payload_bytes
        self._cores = cores
        self._stack = ExitStack()
        self._driven: DrivenPeer | None = None

    def measure(self, rate_hz: float, measure_s: float) -> GeneratorPass:
        """Measure one pass. New processes follow a pass whose backlog did not drain. Raises ProcessError."""
        driven, self._driven = self._driven or self._set_up(), None
        done = self._pass(driven, rate_hz, measure_s)
        if done.delay_ns is not None:
            self._driven = driven
        return done

    def _set_up(self) -> DrivenPeer:
        self._stack.close()
        enter = self._stack.enter_context
        server = enter(sources.server(self._name, self._cores))
        publisher = enter(Publisher(self._cores.load))
        server.wait_until_ready()
        publisher.connect(server, 1, self._payload_bytes)
        topic = f"t{server.nonce}"
        start = self._peer.invoke(server.port, topic, self._subscribers)
        peer = enter(Reporter(self._peer.label, start.command, self._cores.load, start.environment))
        peer.wait(lambda report: report.connected >= self._subscribers, READY_WITHIN_S, "not all subscribers connected")
        return DrivenPeer(server, publisher, peer, topic)

    def _pass(self, driven: DrivenPeer, rate_hz: float, measure_s: float) -> GeneratorPass:
        peer, count = driven.peer, math.ceil(rate_hz * (SETTLE_S + measure_s + TAIL_S))
        received_before = peer.now(READY_WITHIN_S).received
        part = begin(driven, starting_soon(rate_hz), (0, count), DRAIN_WITHIN_S)
        settled_ns = part.schedule.start_ns + SETTLE_S * 1e9
        first = peer.wait(lambda report: report.t >= settled_ns, READY_WITHIN_S, "no report in the warm-up")
        before = driven.clocks()
        until_ns = first.t + measure_s * 1e9
        last = peer.wait(lambda report: report.t >= until_ns, READY_WITHIN_S, "no report in the window")
        after = driven.clocks()
        last_due_ns, expected = part.schedule.due_ns(count - 1), count * self._subscribers
        left_s = (last_due_ns - time.monotonic_ns()) / 1e9 + part.drain_s
        whole = peer.report(lambda report: report.received - received_before >= expected, left_s)
        collect(driven, part)
        delivered = (whole or peer.now(READY_WITHIN_S)).received - received_before
        generator, server = (late.since(early) for late, early in zip(after, before, strict=True))
        return GeneratorPass(
            server=self._name, subscribers=self._subscribers, rate_hz=rate_hz, window_ns=generator.window_ns,
            received=last.received - first.received,
            generator_cpu_ns=generator.cpu_ns, generator_wait_ns=generator.wait_ns,
            server_cpu_ns=server.cpu_ns, server_wait_ns=server.wait_ns,
            expected=expected, delivered=delivered,
            delay_ns=max(0, whole.t - last_due_ns) if whole else None, allowed_delay_ns=ALLOWED_DELAY_NS,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
