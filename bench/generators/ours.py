"""Our own load generator, driven as in a trial: the same Locust process gets the same orders and records the same.

It is not a trial, because its server may be the C server, which is no variant.
"""

from __future__ import annotations

from contextlib import ExitStack

import servers
from bench import scenarios
from bench.analysis.runs.generator_search import ALLOWED_DELAY_NS
from bench.execution.driving import begin_workload, collect, connect, prime
from bench.execution.participants import Participants, Workload, start
from bench.generators import sources
from bench.generators.clocks import Clocks
from bench.load.publisher import PROBE_EVERY_S
from bench.measure.machine import Cores
from bench.measure.receipts import completion
from bench.measure.received import Receipts
from bench.processes.errors import ProcessError
from bench.processes.member import watch
from bench.results import GeneratorPass
from bench.scenarios import Question
from servers import Technique

WARM_UP_S = 0.5
SEED = 1


def measure(
    variant: str, server: str, subscribers: int, payload_bytes: int, cores: Cores, rate_hz: float, measure_s: float
) -> GeneratorPass:
    """One pass of the client half of `variant`. Polling subscribers poll at the rate of the messages, so that each
    poll is answered with one message. Raises ProcessError."""
    scenario = scenarios.load(scenarios.reference(Question.FRESHNESS))
    parameters = scenario.settled("standard", {
        "subscribers": subscribers, "rate_hz": rate_hz, "payload_bytes": payload_bytes, "measure_s": measure_s,
        "warm_up_s": WARM_UP_S, "poll_interval_s": min(60.0, max(0.001, 1 / rate_hz)),
    })  # fmt: skip
    workload = Workload(scenario, servers.load(variant), parameters, SEED)
    with ExitStack() as stack:
        participants = start(stack, workload, sources.server(server, cores), cores, workers=1)
        connect(participants, subscribers)
        prime(participants, PROBE_EVERY_S)
        return _pass(participants, server)


def _pass(participants: Participants, server: str) -> GeneratorPass:
    parameters = participants.parameters
    part = begin_workload(participants)
    clocks = []
    for moment_ns in part.window.cost_ns:
        watch(participants.watched, moment_ns)
        clocks.append((Clocks.of(participants.loads[0].pid), Clocks.of(participants.server.pid)))
    (receipts,) = collect(participants, part).receipts
    generator, server_clocks = (late.since(early) for early, late in zip(*clocks, strict=True))
    if not receipts.deliveries:
        raise ProcessError("nothing was delivered")
    return GeneratorPass(
        server=server, subscribers=parameters["subscribers"], rate_hz=parameters["rate_hz"],
        window_ns=generator.window_ns, received=receipts.deliveries,
        generator_cpu_ns=generator.cpu_ns, generator_wait_ns=generator.wait_ns,
        server_cpu_ns=server_clocks.cpu_ns, server_wait_ns=server_clocks.wait_ns,
        expected=receipts.ledger.expected, delivered=receipts.ledger.delivered,
        delay_ns=_last_received_ns(receipts, parameters["subscribers"]),
        allowed_delay_ns=ALLOWED_DELAY_NS + _poll_interval_ns(participants.workload),
    )  # fmt: skip


def _last_received_ns(receipts: Receipts, subscribers: int) -> int | None:
    """The longest time from when a message was due until all subscribers received it; None if one was lost."""
    times = completion(receipts.fan_outs, subscribers)
    return None if receipts.ledger.lost or times is None or not times.count else times.max_ns


def _poll_interval_ns(workload: Workload) -> int:
    """How late a message may be because its subscriber polls; 0 for subscribers that do not poll."""
    polls = workload.variant.technique is Technique.POLLING
    return round(workload.parameters["poll_interval_s"] * 1e9) if polls else 0
