"""A peer, driven: its process lives through as many passes as it comes through."""

from __future__ import annotations

import math
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from bench.analysis.runs.generator_search import ALLOWED_LAG_NS
from bench.execution.participants import SLACK_S
from bench.execution.trial import DRAIN_WITHIN_S, LEAD_NS
from bench.generators import stage
from bench.generators.peers import Peer
from bench.measure.machine import Cores
from bench.processes.load_side import Publisher
from bench.processes.member import answer
from bench.processes.orders import Publish, Published
from bench.results.generator_comparison import Pass
from bench.schedule import Schedule

READY_WITHIN_S = 60.0
SETTLE_S = 0.5
TAIL_S = 0.3  # of load behind the window, for its last report to come under the same conditions


class Stand:
    """A peer with everything that it needs, and its passes."""

    def __init__(self, peer: Peer, server: str, subscribers: int, payload_bytes: int, cores: Cores) -> None:
        self._peer, self._name, self._subscribers, self._payload_bytes = peer, server, subscribers, payload_bytes
        self._cores = cores
        self._stack = ExitStack()
        self._fresh = False

    def measure(self, rate_hz: float, measure_s: float) -> Pass:
        """One pass. Raises ProcessError; the pass after a backlog that was never worked off has new processes."""
        if not self._fresh:
            self._stack.close()
            self._set_up()
        self._fresh = False
        done = self._pass(rate_hz, measure_s)
        self._fresh = done.lag_ns is not None
        return done

    def _set_up(self) -> None:
        enter = self._stack.enter_context
        self._server = enter(stage.server(self._name, self._cores))
        self._publisher = enter(Publisher(self._cores.load))
        self._server.wait_until_ready()
        self._publisher.connect(self._server, 1, self._payload_bytes)
        self._topic = f"t{self._server.nonce}"
        start = self._peer.invoke(self._server.port, self._topic, self._subscribers)
        self._member = enter(stage.Reporter(self._peer.label, start.command, self._cores.load, start.environment))
        self._member.wait(
            lambda report: report.connected >= self._subscribers, READY_WITHIN_S, "not all subscribers connected"
        )

    def _pass(self, rate_hz: float, measure_s: float) -> Pass:
        member, count = self._member, math.ceil(rate_hz * (SETTLE_S + measure_s + TAIL_S))
        received_before = member.now(READY_WITHIN_S).received
        schedule = Schedule(start_ns=time.monotonic_ns() + LEAD_NS, rate_hz=rate_hz)
        self._publisher.send(Publish(topic=self._topic, schedule=schedule, count=count))
        first = member.wait(
            lambda report: report.t >= schedule.start_ns + SETTLE_S * 1e9, READY_WITHIN_S, "no report in the warm-up"
        )
        before = stage.Clocks.of(member.pid), stage.Clocks.of(self._server.pid)
        last = member.wait(
            lambda report: report.t >= first.t + measure_s * 1e9, READY_WITHIN_S, "no report in the window"
        )
        after = stage.Clocks.of(member.pid), stage.Clocks.of(self._server.pid)
        last_due_ns, expected = schedule.due_ns(count - 1), count * self._subscribers
        left_s = (last_due_ns - time.monotonic_ns()) / 1e9 + DRAIN_WITHIN_S
        whole = member.report(lambda report: report.received - received_before >= expected, left_s)
        answer(self._publisher, Published, SLACK_S, [self._server, member, self._publisher])
        delivered = (whole or member.now(READY_WITHIN_S)).received - received_before
        generator, server = (late.since(early) for late, early in zip(after, before, strict=True))
        return Pass(
            server=self._name, subscribers=self._subscribers, rate_hz=rate_hz, window_ns=generator.at_ns,
            received=last.received - first.received,
            generator_cpu_ns=generator.cpu_ns, generator_wait_ns=generator.wait_ns,
            server_cpu_ns=server.cpu_ns, server_wait_ns=server.wait_ns,
            expected=expected, delivered=delivered,
            lag_ns=max(0, whole.t - last_due_ns) if whole else None, allowed_lag_ns=ALLOWED_LAG_NS,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
