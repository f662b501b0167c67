"""What a received message costs the load generator: ours beside what a user would pick instead, in one run.

All drink from the same kind of server, from the same publisher, at the same rate; the CPU of each is read from outside
between two of its reports. Ours does more than they do (it checks every byte, keeps the ledger, records every latency)
and less: Python's garbage collector rests while it measures.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from bench import scenarios, trial
from bench.generator.peers import PEERS, Load, Peer
from bench.measure import machine, usage
from bench.plan import trial_seed
from bench.processes import Member, ProcessError, Publisher, Server, TimedOut
from bench.results import Planned
from servers import _variant

READY_WITHIN_S = 60.0
SETTLE_S = 1.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What one generator spent. `cpu_us` per received message is None where nothing was measured, with the reason."""

    label: str
    variant: str
    cpu_us: float | None
    received_share: float | None
    reason: str = ""


def compare(load: Load, repetitions: int, say: Callable[[str], None]) -> list[Cost]:
    """Measure ours on every push variant that a peer also drives, then every peer; medians over the repetitions."""
    candidates: dict[tuple[str, str], Callable[[], tuple[float, float]]] = {}
    costs: list[Cost] = []
    for variant in sorted({"sse", *(peer.variant for peer in PEERS)}):
        candidates["pushbench", variant] = lambda variant=variant: _ours(variant, load)  # type: ignore[misc]
    for peer in PEERS:
        reason = peer.needs() or _variant.unavailable(_variant.load(peer.variant))
        if reason:
            costs.append(Cost(peer.label, peer.variant, None, None, f"skipped: {reason}"))
        else:
            candidates[peer.label, peer.variant] = lambda peer=peer: _theirs(peer, load)  # type: ignore[misc]
    measured: dict[tuple[str, str], list[tuple[float, float]]] = {key: [] for key in candidates}
    failures: dict[tuple[str, str], str] = {}
    for repetition in range(repetitions):
        for key, measure in candidates.items():
            try:
                measured[key].append(measure())
                say(f"{repetition + 1}/{repetitions}  {key[0]:<44} {key[1]:<16} {measured[key][-1][0]:7.1f} µs")
            except ProcessError as error:
                failures[key] = str(error)
                say(f"{repetition + 1}/{repetitions}  {key[0]:<44} {key[1]:<16} FAILED: {error}")
    for (label, variant), results in measured.items():
        if results:
            cpu_us, share = (statistics.median(values) for values in zip(*results, strict=True))
            costs.append(Cost(label, variant, cpu_us, share))
        else:
            costs.append(Cost(label, variant, None, None, failures[label, variant]))
    return sorted(costs, key=lambda cost: (cost.cpu_us is None, cost.cpu_us))


def _ours(variant: str, load: Load) -> tuple[float, float]:
    """(CPU µs per received message, share received) of the Locust process in an ordinary trial."""
    scenario = scenarios.load("broadcast")
    parameters = scenario.settled("standard", {
        "subscribers": load.subscribers, "rate_hz": load.rate_hz, "payload_bytes": load.payload_bytes,
        "measure_s": load.measure_s, "warm_up_s": SETTLE_S,
    })  # fmt: skip
    planned = Planned(id=f"generator-{variant}", scenario="broadcast", variant=variant, block=1, position=1,
                      seed=trial_seed(1, variant))  # fmt: skip
    record = trial.run(planned, scenario, _variant.load(variant), parameters, machine.divide_cores())
    if record.failure or record.usage is None or not record.usage.deliveries:
        raise ProcessError(record.failure.error if record.failure else "nothing was delivered")
    offered = load.subscribers * load.rate_hz * record.usage.window_ns / 1e9
    return sum(
        load.cpu_ns for load in record.usage.load
    ) / record.usage.deliveries / 1e3, record.usage.deliveries / offered


def _theirs(peer: Peer, load: Load) -> tuple[float, float]:
    """(CPU µs per received message, share received) of a peer's process."""
    cores = machine.divide_cores()
    with ExitStack() as stack:
        server = stack.enter_context(Server(peer.variant, cores.server))
        publisher = stack.enter_context(Publisher(cores.load))
        server.wait_until_ready()
        topic = f"t{server.nonce}"
        publisher.connect(server, 1, load.payload_bytes)
        member = stack.enter_context(Member(peer.label, peer.command(server.port, topic, load), cores.load))
        _report(member, lambda said: said["connected"] >= load.subscribers, READY_WITHIN_S)
        count = round(load.rate_hz * (load.measure_s + 2 * SETTLE_S))
        publisher.send({"do": "publish", "topic": topic, "count": count, "rate_hz": load.rate_hz,
                        "start_ns": time.monotonic_ns() + 50_000_000})  # fmt: skip
        time.sleep(SETTLE_S)
        return _between(member, load)


def _between(member: Member, load: Load) -> tuple[float, float]:
    """CPU and receipts between two reports that are `measure_s` apart. What is left unread counts as not received."""
    while member.receive(0) is not None:  # reports that were waiting are not of now
        pass
    first = _report(member, lambda said: True, READY_WITHIN_S)
    cpu_first = usage.cpu_clock_ns(member.pid)
    last = _report(member, lambda said: said["t"] >= first["t"] + load.measure_s * 1e9, load.measure_s + READY_WITHIN_S)
    cpu_last = usage.cpu_clock_ns(member.pid)
    received = last["received"] - first["received"]
    if not received:
        raise ProcessError(f"the {member.name} received nothing")
    offered = load.subscribers * load.rate_hz * (last["t"] - first["t"]) / 1e9
    return (cpu_last - cpu_first) / received / 1e3, received / offered


def _report(member: Member, enough: Callable[[dict[str, Any]], bool], within_s: float) -> dict[str, Any]:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        said = member.receive(0.2)
        if said is not None and enough(said):
            return said
    raise TimedOut(f"the {member.name} did not get ready within {within_s:g} s")


def table(costs: list[Cost]) -> str:
    """The comparison as Markdown; the ratio is to ours on the same variant."""
    ours = {cost.variant: cost.cpu_us for cost in costs if cost.label == "pushbench" and cost.cpu_us}
    lines = [
        "| load generator | server | CPU per received message | times ours | received |",
        "|---|---|---:|---:|---:|",
    ]
    for cost in costs:
        if cost.cpu_us is None or cost.received_share is None:
            lines.append(f"| {cost.label} | {cost.variant} | {cost.reason} | | |")
            continue
        ratio = f"{cost.cpu_us / ours[cost.variant]:.1f}" if cost.variant in ours else ""
        lines.append(f"| {cost.label} | {cost.variant} | {cost.cpu_us:.1f} µs | {ratio} | {cost.received_share:.0%} |")
    return "\n".join(lines)
