"""What a scenario does to a trial on purpose while it is measured: servers restarted, brokers taken away, bad paths."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from bench.execution.participants import Cast
from bench.measure import usage
from bench.measure.recorder import Window
from bench.paths import CALM_NS
from bench.processes import Broker, ProcessError, watch
from bench.results import Restart


@dataclass(frozen=True, slots=True)
class Away:
    """Between which moments the broker was away."""

    began_ns: int
    ended_ns: int


def carry_out(cast: Cast, window: Window) -> Away | Restart | None:
    """Do what the scenario says, when it says so; at once where it says nothing. Raises as the processes do."""
    if cast.proxy:
        cast.proxy.disturb(window.start_ns, window.end_ns - CALM_NS)
    for after, fault in FAULTS.items():
        if after in cast.parameters:
            watch(cast.watched, window.start_ns + round(cast.parameters[after] * 1e9))
            return fault(cast, window)
    return None


def aftermath(cast: Cast, restart: Restart) -> Restart:
    """The same with what the successor holds now."""
    pid = cast.server.server_pid
    return msgspec.structs.replace(restart, fds_after=usage.fds_held(pid), memory_after_bytes=usage.memory_held(pid))


def living(cast: Cast) -> dict[str, int]:
    """Whose use of the machine can be told at the end: those who live through the trial."""
    mortal: tuple[str, ...] = ()
    if "restart_after_s" in cast.parameters:
        mortal = ("server", "broker")
    elif cast.parameters.get("outage") == "KILL":
        mortal = ("broker",)
    return {name: pid for name, pid in cast.pids.items() if name not in mortal}


def _restart(cast: Cast, window: Window) -> Restart:
    """End the server and put another in its place."""
    pid = cast.server.server_pid
    fds, memory_bytes = usage.fds_held(pid), usage.memory_held(pid)
    ended_ns = cast.restart(kill=cast.parameters["signal"] == "KILL") - window.start_ns
    ready_ns = time.monotonic_ns() - window.start_ns
    return Restart(ended_ns=ended_ns, ready_ns=ready_ns, fds_before=fds, memory_before_bytes=memory_bytes)


def _outage(cast: Cast, _: Window) -> Away:
    """Take the broker away, and bring it back."""
    if not isinstance(cast.broker, Broker):
        raise ProcessError("there is no broker to take away")
    return OUTAGES[cast.parameters["outage"]](cast, cast.broker)


def _stopped(cast: Cast, broker: Broker) -> Away:
    """It stands still: connections stay open, and whatever is asked of it waits."""
    os.kill(broker.pid, signal.SIGSTOP)
    began_ns = time.monotonic_ns()
    try:
        watch(cast.watched, began_ns + round(cast.parameters["stopped_s"] * 1e9))
    finally:
        with suppress(ProcessLookupError):
            os.kill(broker.pid, signal.SIGCONT)
    return Away(began_ns, time.monotonic_ns())


def _killed(cast: Cast, broker: Broker) -> Away:
    """It is gone, and so is every connection to it; another, which knows nothing, takes its place."""
    cast.broker = None
    os.kill(broker.pid, signal.SIGKILL)
    began_ns = time.monotonic_ns()
    watch(cast.watched, began_ns + round(cast.parameters["killed_s"] * 1e9))
    cast.replace_broker(broker)
    return Away(began_ns, time.monotonic_ns())


FAULTS: Mapping[str, Callable[[Cast, Window], Away | Restart]] = {
    "restart_after_s": _restart,
    "outage_after_s": _outage,
}
"""What is done so long after the beginning of the measured part, by the parameter that says how long."""

OUTAGES: Mapping[str, Callable[[Cast, Broker], Away]] = {"STOP": _stopped, "KILL": _killed}
