"""Runs one trial, from starting its processes to its record. A trial that fails is a record with a failure."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import msgspec

from bench.analysis.numbers.distributions import fold
from bench.analysis.trials import findings
from bench.execution import faults, storm
from bench.execution.participants import SLACK_S, Participants, connect, prime, start, why
from bench.execution.stage import Stage
from bench.measure import conditions, usage
from bench.measure.machine import Cores
from bench.measure.receipts import completion, merge_known, merged, of_bursts, recovered_ns, series
from bench.measure.received import Receipts
from bench.measure.recorder import Window
from bench.measure.sampler import Sampler
from bench.paths import DIRECT, PATHS
from bench.processes.errors import Died, ProcessError
from bench.processes.load_side import Proxy
from bench.processes.member import answer, check, watch
from bench.processes.orders import (
    Connecting,
    Measure,
    Measured,
    ProxyCounts,
    Publish,
    Published,
    ReportConnecting,
    ReportCounts,
)
from bench.results import (
    SCHEMA,
    Emulated,
    Failure,
    Headroom,
    IdleStep,
    Machine,
    Outage,
    Planned,
    ProcessUsage,
    Restart,
    SlowReader,
    Trial,
    Usage,
)
from bench.scenarios import Scenario
from bench.schedule import Schedule, sequences
from servers._variant import Capability, Variant

LEAD_NS = 60_000_000  # from giving the orders to the first message: everybody has read theirs by then
DRAIN_WITHIN_S = 5.0
NOTHING_PUBLISHED = Published(published=0, unsent=0, slips_ns=[])
SETTLE_LOOKS = 8
QUIET_SHARE, BUSY_SHARE = 0.1, 0.9  # of a core
STEADY_SHARE = 0.7  # of what was used in the look before


def run(
    planned: Planned, scenario: Scenario, variant: Variant, parameters: Mapping[str, Any], cores: Cores,
    workers: int = 1,
) -> Trial:  # fmt: skip
    """The record of one trial, its subscribers spread over so many Locust processes."""
    stage = Stage()
    started_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    failure = None
    try:
        stage.enter("look")
        stage.facts["machine"] = conditions.look(cores.all)
        with ExitStack() as stack:
            stage.enter("start")
            participants = start(stack, planned, scenario, parameters, cores, workers)
            stage.enter("connect")
            _measure(participants, variant, stage)
            stage.enter("stop")
    except (ProcessError, OSError, msgspec.ValidationError) as error:
        advice = f"try `python -m bench verify {planned.variant}`"
        failure = Failure(
            phase=stage.phase,
            error=f"{planned.variant}: {error} (while in phase {stage.phase!r}); {advice}",
            died=error.who if isinstance(error, Died) else "",
        )
    stage.enter("")
    trial = Trial(
        schema=SCHEMA,
        planned=planned,
        parameters=dict(parameters),
        started_at=started_at,
        phases_ns=stage.phases_ns,
        failure=failure,
        **stage.facts,
    )
    return msgspec.structs.replace(trial, findings=findings.judge(trial))


def _measure(participants: Participants, variant: Variant, stage: Stage) -> None:
    """Carry out the scenario. Raises Died if anybody did not live to its end, whatever that led to first."""
    try:
        MEASURES[participants.scenario.traffic](participants, variant, stage)
    except (ProcessError, OSError):
        check(participants.watched)
        raise
    check(participants.watched)


def _measure_messages(participants: Participants, variant: Variant, stage: Stage) -> None:
    """Connect everybody, prime, then warm up, measure and drain on one open-loop schedule."""
    parameters = participants.parameters
    connect(participants, variant, parameters["subscribers"])
    stage.enter("prime")
    prime(participants)
    weighed = _weighed(participants)
    stage.enter("measure")
    rate_hz = parameters["rate_hz"]
    drain_s = parameters.get("drain_s", DRAIN_WITHIN_S) + parameters["poll_interval_s"]
    first, last = sequences(parameters)
    schedule = Schedule(
        start_ns=time.monotonic_ns() + LEAD_NS, rate_hz=rate_hz, burst=parameters.get("burst", 1)
    )  # fmt: skip
    window = Window(first, last, schedule.due_ns(first), schedule.due_ns(last))
    upstream = participants.scenario.traffic == "subscribers"
    for load in participants.loads:
        load.send(Measure(schedule=schedule, first=first, last=last, drain_s=drain_s, upstream=upstream))
    if participants.publisher:
        participants.publisher.send(Publish(topic=participants.topic, schedule=schedule, count=last))
    machine = stage.facts["machine"]
    sampler = Sampler(faults.living(participants), machine.cores, *window.cost_ns, weighed=weighed)
    sampler.start()
    try:
        done = faults.carry_out(participants, window)
        watch(participants.watched, window.end_ns)
        stage.enter("drain")
        published = (
            answer(participants.publisher, Published, SLACK_S, participants.watched)
            if participants.publisher
            else NOTHING_PUBLISHED
        )
        answers = participants.answers(Measured, drain_s)
        sampler.join()
        if participants.proxy:
            stage.facts["emulated"] = _emulated(participants, participants.proxy)
    finally:
        sampler.stop()
    measured = merged([one.receipts for one in answers])
    stage.facts.update(_facts(measured, sampler, machine, published.slips_ns[first:], participants))
    if measured.absences is not None:
        resumes = Capability.RESUME in variant.capabilities
        stage.facts["absences"] = msgspec.structs.replace(measured.absences, resumes=resumes, unsent=published.unsent)
    if isinstance(done, Restart):
        stage.facts["restart"] = faults.aftermath(participants, done)
    if isinstance(done, faults.Away):
        stage.facts["outage"] = Outage(
            began_ns=done.began_ns - window.start_ns,
            ended_ns=done.ended_ns - window.start_ns,
            recovered_ns=recovered_ns(measured.fan_outs, parameters["subscribers"], done.ended_ns),
        )
    if measured.slow is not None:
        slow_ns = window.start_ns + round(parameters["slow_after_s"] * 1e9)
        stage.facts["slow"] = with_memory(measured.slow, sampler.memory, slow_ns)


def _weighed(participants: Participants) -> list[int]:
    """Whose memory is told where a subscriber is slow: that of the server, its broker and whatever it starts."""
    if "slow" not in participants.parameters:
        return []
    return sorted(
        {*usage.family(participants.server.server_pid), *([participants.broker.pid] if participants.broker else [])}
    )


def with_memory(slow: SlowReader, memory: list[tuple[int, int]], slow_ns: int) -> SlowReader:
    """The facts of a slow reader with what the server held before `slow_ns`, and at most since."""
    before = [held for at_ns, held in memory if at_ns <= slow_ns] or [memory[0][1]]
    since = [held for at_ns, held in memory if at_ns > slow_ns] or before[-1:]
    return msgspec.structs.replace(slow, memory_before_bytes=before[-1], memory_peak_bytes=max(since))


def _receivers(parameters: Mapping[str, Any]) -> int:
    """How many of those that are measured every message goes to."""
    apart = "slow" in parameters
    return int(parameters.get("room", parameters["subscribers"])) - apart


def _facts(
    measured: Receipts, sampler: Sampler, machine: Machine, slips_ns: list[int], participants: Participants
) -> dict[str, Any]:
    """The parts of the record: what the load generator counted, joined with what processes used and cores did."""
    if not sampler.usage or not sampler.watch:
        raise ProcessError("a process was gone when its usage was to be read")
    everyone = participants.parameters["subscribers"]
    burst = participants.parameters.get("burst")
    return {
        "machine": conditions.during(machine, sampler.watch),
        "ledger": measured.ledger,
        "oracle": measured.oracle,
        "latency": measured.latency,
        "completion": completion(measured.fan_outs, _receivers(participants.parameters)),
        "bursts": of_bursts(measured.fan_outs, everyone, burst) if burst else None,
        "slip": fold(slips_ns) if slips_ns else measured.slip,
        "connect": measured.connect,
        "wire": measured.wire,
        "usage": _usage(measured, sampler, participants),
        "headroom": Headroom(loop_lag=measured.loop_lag, unread=measured.unread),
        "series": msgspec.structs.replace(
            series(measured),
            server_cpu_ns=sampler.cpu_ns.get("server", []),
            broker_cpu_ns=sampler.cpu_ns.get("broker", []),
        ),
    }


def _usage(measured: Receipts, sampler: Sampler, participants: Participants) -> Usage | None:
    """What everybody used; None where the server or its broker did not live through the whole of it,
    and was meant not to."""
    if "server" not in sampler.usage or (participants.broker and "broker" not in sampler.usage):
        return None
    return Usage(
        window_ns=sampler.window_ns,
        deliveries=measured.deliveries,
        server=sampler.usage["server"],
        broker=sampler.usage.get("broker"),
        load=[sampler.usage[name] for name in participants.loads_by_name],
        publisher=sampler.usage.get("publisher"),
        proxy=sampler.usage.get("proxy"),
    )


def _emulated(participants: Participants, proxy: Proxy) -> Emulated:
    """The path of the trial in words, and what the proxy did."""
    path = PATHS[participants.parameters.get("path", DIRECT)]
    proxy.send(ReportCounts())
    counts = answer(proxy, ProxyCounts, SLACK_S, participants.watched)
    return Emulated(
        path=path.name,
        description=path.description,
        connections=counts.connections,
        resets=counts.resets,
        stalls=counts.stalls,
        pieces=counts.pieces,
    )


def _measure_idle(participants: Participants, variant: Variant, stage: Stage) -> None:
    """Step by step: connect some more, leave the server alone, weigh it."""
    steps: list[IdleStep] = []
    for index, subscribers in enumerate(participants.parameters["steps"]):
        stage.enter("connect")
        connect(participants, variant, subscribers, first=index == 0)
        _settle(participants)
        stage.enter("measure")
        window_ns, used = _weigh(participants, stage)
        steps.append(
            IdleStep(subscribers=subscribers, window_ns=window_ns, server=used["server"], broker=used.get("broker"))
        )
    answers = participants.order(ReportConnecting(), Connecting, 0.0)
    if any(one.errors for one in answers):
        raise ProcessError(f"idle subscribers had errors{why([one.errors for one in answers])}")
    stage.facts.update(idle=steps, connect=merge_known([one.connect for one in answers]))


def _settle(participants: Participants) -> None:
    """Wait until the server has gone quiet, or steady where polling never lets it be quiet: it may still be busy
    accepting those whom the kernel has connected for it.
    """
    look_ns = round(participants.parameters["settle_s"] * 1e9)
    sides = [pid for name, pid in participants.pids.items() if name in ("server", "broker")]
    before_ns, clock_ns = 0, sum(map(usage.cpu_clock_ns, sides))
    for _ in range(SETTLE_LOOKS):
        watch(participants.watched, time.monotonic_ns() + look_ns)
        now_ns = sum(map(usage.cpu_clock_ns, sides))
        used_ns = now_ns - clock_ns
        steady = STEADY_SHARE * before_ns < used_ns < BUSY_SHARE * look_ns
        if used_ns < QUIET_SHARE * look_ns or (before_ns and steady):
            return
        before_ns, clock_ns = used_ns, now_ns


def _weigh(participants: Participants, stage: Stage) -> tuple[int, dict[str, ProcessUsage]]:
    """(window in ns, usage by part) of one idle window; what the machine did meanwhile stands for the whole trial."""
    machine = stage.facts["machine"]
    start_ns = time.monotonic_ns()
    end_ns = start_ns + round(participants.parameters["measure_s"] * 1e9)
    sampler = Sampler(participants.pids, machine.cores, start_ns, end_ns)
    sampler.start()
    try:
        watch(participants.watched, end_ns)
        sampler.join()
    finally:
        sampler.stop()
    if not sampler.usage or not sampler.watch:
        raise ProcessError("a process was gone when its usage was to be read")
    stage.facts["machine"] = conditions.during(machine, sampler.watch)
    return sampler.window_ns, sampler.usage


MEASURES: dict[str, Callable[[Participants, Variant, Stage], None]] = {
    "publisher": _measure_messages,
    "subscribers": _measure_messages,
    "nobody": _measure_idle,
    "arrivals": storm.measure,
}
