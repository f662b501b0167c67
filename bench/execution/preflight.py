"""Whether a settled run can be measured and stored on this machine; checked before any load."""

from __future__ import annotations

import math
import shutil
import tempfile
from pathlib import Path

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


def most_subscribers(settled: Settled) -> int:
    """The largest number of subscribers of a trial."""
    most: int = max(settled.scenarios[name].subscribers(values) for name, values in settled.parameters.items())
    swept: list[int] = [value for points in settled.swept.values() for name, value in points if name == "subscribers"]
    return max([most, *swept])


def check_temporary_files() -> None:
    """Check that there is a folder for temporary files, which every process of a trial needs. Raises Refused."""
    try:
        tempfile.TemporaryFile().close()
    except OSError as error:
        raise Refused(f"no temporary file can be made: {error.strerror}; set TMPDIR to a folder to write to") from error


def preflight(settled: Settled, results: Path) -> None:
    """Check that the run can be measured and stored here. Raises Refused with the needed and the available number."""
    check_temporary_files()
    most = most_subscribers(settled)
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
    try:
        results.mkdir(parents=True, exist_ok=True)
        probe = results / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise Refused(f"cannot write to {results}: {error.strerror}; choose another folder with --results") from error
    free = shutil.disk_usage(results).free
    if free < FREE_DISK_BYTES:
        raise Refused(f"{free >> 20} MiB are free in {results}, {FREE_DISK_BYTES >> 20} MiB are needed")
