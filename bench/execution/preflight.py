"""Whether trials can be measured and stored on this machine; checked before any load."""

from __future__ import annotations

import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import servers
from bench import files, scenarios
from bench.load.addresses import SUBSCRIBERS_PER_SOURCE, by_source
from bench.load.publisher import PROBE_EVERY_S
from bench.measure import machine
from bench.planning.request import Refused, Settled
from bench.results import Planned
from bench.scenarios import SUBSCRIBERS, IdleSteps, Publishes, Scenario
from bench.units import quantity
from servers import Variant

FREE_DISK_BYTES = 200 << 20
SPARE_DESCRIPTORS = 256  # besides those of connections: libraries, logs, listeners
DELIVERY_BYTES = 48  # its number and its time, and what is computed from all of them at once
# Ephemeral ports that no connection can have, because something listens there: server, ingest, proxy, broker, Locust's
# master, other programs.
SPARE_PORTS = 16
WIDEN = "; or widen the range: sysctl -w net.ipv4.ip_local_port_range='1024 65535'" if sys.platform == "linux" else ""


@dataclass(frozen=True, slots=True)
class Route:
    """Connections from one address to one port, each of which needs an ephemeral port of its own.

    closed: the most that are closed and still keep their port.
    """

    opener: str
    subscribers: int
    per_subscriber: int
    closed: int = 0

    @property
    def ports(self) -> int:
        """How many ports it needs."""
        return self.subscribers * self.per_subscriber + self.closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a trial needs of the machine.

    descriptors: for every subscriber, of the process that needs most of them. routes: the connections, by address.
    deliveries: that the load generator counts one by one. fewer: the option that makes subscribers fewer.
    """

    what: str
    subscribers: int
    descriptors: int
    routes: tuple[Route, ...]
    deliveries: int = 0
    fewer: str = "--set subscribers=..."


def of_trial(scenario: Scenario, variant: Variant, values: Mapping[str, Any]) -> Needs:
    """What one trial needs. A proxy opens a second connection for each of a subscriber, from the same address. The
    connections of the publisher and of Locust's workers lead to ports of their own and need none of these."""
    subscribers = scenario.subscribers(values)
    upstream = int(scenario.publishes is Publishes.SUBSCRIBERS and "upstream" in variant.wire)
    each, to_broker = variant.connections + upstream, max(0, variant.descriptors - variant.connections)
    routes = [Route(f"subscribers at {address}", number, each) for address, number in by_source(subscribers).items()]
    if to_broker:
        routes.append(Route("its server, to a broker,", subscribers, to_broker, _closed(scenario, values)))
    steps = scenario.kind.steps.name if isinstance(scenario.kind, IdleSteps) else ""
    return Needs(
        what=f"{scenario.name} of {variant.label}",
        subscribers=subscribers,
        descriptors=max(variant.descriptors + upstream, 2 * each if scenario.through_proxy(values) else 0),
        routes=tuple(routes),
        deliveries=_deliveries(scenario, values),
        fewer=f"--set {steps}=[...]" if steps else "--set subscribers=...",
    )


def _closed(scenario: Scenario, values: Mapping[str, Any]) -> int:
    """The most ports that wait for reuse where every publish opens and closes a connection to a broker."""
    traffic = scenario.traffic(values)
    if traffic is None:
        return 0
    upstream = scenario.publishes is Publishes.SUBSCRIBERS
    probes_hz = 2 * SUBSCRIBERS.of(values) if upstream else 1 / PROBE_EVERY_S
    published_hz = max(traffic.topics * traffic.topic_hz, probes_hz)
    return math.ceil(published_hz * machine.port_reuse_s())


def _deliveries(scenario: Scenario, values: Mapping[str, Any]) -> int:
    traffic = scenario.traffic(values)
    return traffic.messages * traffic.senders * scenario.subscribers(values) if traffic else 0


def of_request(settled: Settled) -> list[Needs]:
    """What the trials of a request need, with the points of its sweeps."""
    return [
        of_trial(settled.scenarios[scenario], settled.variants[name], values)
        for scenario, name in settled.cells(settled.variants)
        for values in settled.driven(scenario)
    ]


def of_plan(planned: Iterable[Planned], parameters: Mapping[str, Mapping[str, Any]]) -> list[Needs]:
    """What planned trials need; `parameters` by scenario."""
    return [
        of_trial(scenario, servers.load(one.variant), scenario.driven(parameters[one.scenario], one.changes))
        for one in planned
        for scenario in [scenarios.load(one.scenario)]
    ]


def check_temporary_files() -> None:
    """Check that there is a folder for temporary files, which every process of a trial needs. Raises Refused."""
    try:
        tempfile.TemporaryFile().close()
    except OSError as error:
        raise Refused(f"no temporary file can be made: {error.strerror}; set TMPDIR to a folder to write to") from error


def preflight(trials: Sequence[Needs], results: Path, workers: int = 1) -> None:
    """Check that trials can be measured and stored here. Raises Refused with the needed and the available number."""
    check_temporary_files()
    if trials:
        _check_descriptors(max(trials, key=lambda one: one.subscribers * one.descriptors))
        _check_memory(max(trials, key=lambda one: one.deliveries))
        _check_workers(workers, max(one.subscribers for one in trials))
    for one in trials:
        _check_ports(one)
    _check_addresses(max((one.subscribers for one in trials), default=0))
    _check_disk(files.nearest_folder(results))


def _check_descriptors(one: Needs) -> None:
    needed = one.subscribers * one.descriptors + SPARE_DESCRIPTORS
    limit = machine.raise_descriptor_limit(needed)
    if limit < needed:
        raise Refused(
            f"{one.what}: {one.subscribers} subscribers need {needed} open files per process, but the limit is {limit};"
            f" raise the limit, or use at most {max(1, (limit - SPARE_DESCRIPTORS) // one.descriptors)} ({one.fewer})"
        )


def _check_memory(one: Needs) -> None:
    needed, free = one.deliveries * DELIVERY_BYTES, machine.free_memory_bytes()
    if needed > free:
        raise Refused(
            f"{one.what}: counting {one.deliveries} deliveries needs about {quantity(needed, 'memory bytes')} of memory"
            f" and {quantity(free, 'memory bytes')} are free; use fewer subscribers, a lower rate or a shorter trial"
        )


def _check_ports(one: Needs) -> None:
    ports = machine.ephemeral_ports()
    free = max(0, ports - SPARE_PORTS)
    for route in one.routes:
        if route.ports > free:
            most = max(0, free - route.closed) // route.per_subscriber
            raise Refused(
                f"{one.what}: {route.opener} need {route.ports} ports for {route.subscribers} subscribers, but {free}"
                f" of {ports} ephemeral ports are left for them; use at most {most} ({one.fewer}){WIDEN}"
            )


def _check_addresses(subscribers: int) -> None:
    for address in by_source(subscribers):
        if not machine.can_connect_from(address):
            raise Refused(
                f"{subscribers} subscribers need {len(by_source(subscribers))} addresses, but {address} cannot be used"
                f" here; use at most {SUBSCRIBERS_PER_SOURCE}"
            )


def _check_workers(workers: int, subscribers: int) -> None:
    cores = len(machine.divide_cores().all) or os.cpu_count() or 1
    most = max(1, min(cores, subscribers))
    if workers > most:
        raise Refused(
            f"--workers {workers}: at most {most} are of use here, with {cores} cores and {subscribers} subscribers"
        )


def _check_disk(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < FREE_DISK_BYTES:
        raise Refused(f"{free >> 20} MiB are free in {folder}, {FREE_DISK_BYTES >> 20} MiB are needed")
