"""Measures messages on an open-loop schedule: what arrives, when, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from bench.analysis.numbers.distributions import fold
from bench.execution.driving import begin_workload, collect, connect, prime, probe_interval_s
from bench.execution.instruments import Outcome, instruments, sampled
from bench.execution.participants import Participants
from bench.execution.phases import Phases
from bench.execution.sampling import Samples, sampling
from bench.measure.receipts import burst_times, completion, merged, series
from bench.measure.received import Receipts
from bench.processes.member import watch
from bench.results import Headroom, Machine, Measurements, Usage


def measure(participants: Participants, phases: Phases, machine: Machine) -> Iterator[Measurements]:
    """Connect all subscribers and prime them; then warm up, measure and drain. Raises as the processes do."""
    connect(participants, participants.parameters["subscribers"])
    phases.enter("probe")
    prime(participants, probe_interval_s(participants.parameters))
    using = instruments(participants)
    weighed = [pid for one in using for pid in one.weighed]
    phases.enter("measure")
    part = begin_workload(participants)
    with sampling(sampled(participants, using), machine, part.window.cost_ns, weighed) as samples:
        for one in using:
            one.begin(part)
        watch(participants.watched, part.window.end_ns)
        phases.enter("drain")
        collected = collect(participants, part)
        samples.wait()
        for one in using:
            one.end()
    outcome = Outcome(part, collected.published, merged(collected.receipts), samples.samples())
    yield measurements(participants, outcome)
    for one in using:
        yield one.after(outcome)


def measurements(participants: Participants, outcome: Outcome) -> Measurements:
    """What the load generator counted, joined with what the processes used and the cores did."""
    receipts, samples, parameters = outcome.receipts, outcome.samples, participants.parameters
    slips_ns = outcome.published.slips_ns[outcome.part.window.first :]
    scenario = participants.workload.scenario
    burst, receivers = scenario.burst, scenario.receivers(parameters)
    return Measurements(
        machine=samples.machine,
        ledger=receipts.ledger,
        recount=receipts.recount,
        latency=receipts.latency,
        completion=completion(receipts.fan_outs, receivers),
        bursts=burst_times(receipts.fan_outs, receivers, burst.of(parameters)) if burst else None,
        slip=fold(slips_ns) if slips_ns else receipts.slip,
        connect=receipts.connect,
        wire=receipts.wire,
        usage=_usage(participants, receipts, samples),
        headroom=Headroom(loop_delay=receipts.loop_delay, read_delay=receipts.read_delay),
        series=msgspec.structs.replace(
            series(receipts),
            server_cpu_ns=samples.cpu_ns.get("server", []),
            broker_cpu_ns=samples.cpu_ns.get("broker", []),
        ),
    )


def _usage(participants: Participants, receipts: Receipts, samples: Samples) -> Usage | None:
    """What all processes used; None if the scenario replaced the server or its broker within the window."""
    used = samples.usage
    if "server" not in used or (participants.broker and "broker" not in used):
        return None
    return Usage(
        window_ns=samples.window_ns,
        deliveries=receipts.deliveries,
        server=used["server"],
        broker=used.get("broker"),
        load=[used[name] for name in participants.loads_by_name],
        publisher=used.get("publisher"),
        proxy=used.get("proxy"),
    )
