"""Whether a settled run can be measured and stored on this machine; checked before any load."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

from bench import files
from bench.measure import machine
from bench.planning.request import Refused, Settled
from bench.scenarios import IdleSteps, Publishes

FREE_DISK_BYTES = 200 << 20
SPARE_DESCRIPTORS = 256  # besides those of connections: libraries, logs, listeners
SOURCES = 200  # source addresses, 127.0.0.x


def _proxied(settled: Settled) -> int:
    """The largest number of subscribers that reach their server through a proxy."""
    driven = [
        (scenario, {**settled.parameters[name], **dict(changes)})
        for name, scenario in settled.scenarios.items()
        for changes in ([], *([point] for point in settled.swept.get(name, ())))
    ]
    through = [scenario.subscribers(values) for scenario, values in driven if scenario.through_proxy(values)]
    return max(through, default=0)


def _fewer(settled: Settled) -> str:
    """The options that reduce the number of subscribers."""
    stepped = [f"for {one.name} --set {one.kind.steps.name}=[...]"
               for one in settled.scenarios.values() if isinstance(one.kind, IdleSteps)]  # fmt: skip
    return ", ".join(["--set subscribers=...", *stepped])


def preflight(settled: Settled, results: Path) -> None:
    """Check that the run can be measured and stored here. Raises Refused with the needed and the available number."""
    most = max(settled.scenarios[name].subscribers(values) for name, values in settled.parameters.items())
    swept = [value for points in settled.swept.values() for name, value in points if name == "subscribers"]
    most = max([most, *swept])
    upstream = any(scenario.publishes is Publishes.SUBSCRIBERS for scenario in settled.scenarios.values())
    each = max((variant.descriptors for variant in settled.variants.values()), default=1) + upstream
    most, each = max(
        (most, each), (_proxied(settled), 2 * (1 + upstream)), key=math.prod
    )  # a proxy has two sockets per connection
    needed = most * each + SPARE_DESCRIPTORS
    limit = machine.raise_descriptor_limit(needed)
    if limit < needed:
        raise Refused(
            f"{most} subscribers need {needed} open files per process, but the limit is {limit}; "
            f"raise the limit, or use at most {max(1, (limit - SPARE_DESCRIPTORS) // each)} ({_fewer(settled)})"
        )
    if most * each > SOURCES * machine.ephemeral_ports():
        raise Refused(f"{most} subscribers need more ports than the loopback addresses have")
    folder = files.nearest_folder(results)
    free = shutil.disk_usage(folder).free
    if free < FREE_DISK_BYTES:
        raise Refused(f"{free >> 20} MiB are free in {folder}, {FREE_DISK_BYTES >> 20} MiB are needed")
