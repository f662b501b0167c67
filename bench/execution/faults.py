"""What a scenario does to a trial on purpose while it is measured: servers restarted, brokers taken away, bad paths."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from bench.execution.participants import Participants
from bench.measure import usage
from bench.measure.recorder import Window
from bench.processes.errors import ProcessError
from bench.processes.member import watch
from bench.processes.server import Broker
from bench.results import Restart


@dataclass(frozen=True, slots=True)
class Away:
    """Between which moments the broker was away."""

    began_ns: int
    ended_ns: int


def fault(parameters: Mapping[str, Any]) -> str | None:
    """The parameter that says when the fault of a scenario happens; None if there is none."""
    return next((after for after in FAULTS if after in parameters), None)


def carry_out(participants: Participants, window: Window) -> Away | Restart:
    """Carry out the fault when its parameter says so. Raises as the processes do."""
    after = fault(participants.parameters)
    assert after is not None
    watch(participants.watched, window.start_ns + round(participants.parameters[after] * 1e9))
    return FAULTS[after](participants, window)


def aftermath(participants: Participants, restart: Restart) -> Restart:
    """The same with what the successor holds now."""
    pid = participants.server.server_pid
    return msgspec.structs.replace(restart, fds_after=usage.fds_or_none(pid), memory_after_bytes=usage.pss_or_none(pid))


def replaced(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the processes that do not live to the end of the measured part."""
    if "restart_after_s" in parameters:
        return ("server", "broker")
    return ("broker",) if parameters.get("outage") == "KILL" else ()


def _restart(participants: Participants, window: Window) -> Restart:
    """End the server and put another in its place."""
    pid = participants.server.server_pid
    fds, memory_bytes = usage.fds_or_none(pid), usage.pss_or_none(pid)
    ended_ns = participants.restart(kill=participants.parameters["signal"] == "KILL") - window.start_ns
    ready_ns = time.monotonic_ns() - window.start_ns
    return Restart(ended_ns=ended_ns, ready_ns=ready_ns, fds_before=fds, memory_before_bytes=memory_bytes)


def _outage(participants: Participants, _: Window) -> Away:
    """Take the broker away, and bring it back."""
    if not isinstance(participants.broker, Broker):
        raise ProcessError("there is no broker to take away")
    return OUTAGES[participants.parameters["outage"]](participants, participants.broker)


def _stopped(participants: Participants, broker: Broker) -> Away:
    """It stands still: connections stay open, and whatever is asked of it waits."""
    os.kill(broker.pid, signal.SIGSTOP)
    began_ns = time.monotonic_ns()
    try:
        watch(participants.watched, began_ns + round(participants.parameters["stopped_s"] * 1e9))
    finally:
        with suppress(ProcessLookupError):
            os.kill(broker.pid, signal.SIGCONT)
    return Away(began_ns, time.monotonic_ns())


def _killed(participants: Participants, broker: Broker) -> Away:
    """It is gone, and so is every connection to it; another, which knows nothing, takes its place."""
    participants.broker = None
    os.kill(broker.pid, signal.SIGKILL)
    began_ns = time.monotonic_ns()
    watch(participants.watched, began_ns + round(participants.parameters["killed_s"] * 1e9))
    participants.replace_broker(broker)
    return Away(began_ns, time.monotonic_ns())


FAULTS: Mapping[str, Callable[[Participants, Window], Away | Restart]] = {
    "restart_after_s": _restart,
    "outage_after_s": _outage,
}
"""What is done so long after the beginning of the measured part, by the parameter that says how long."""

OUTAGES: Mapping[str, Callable[[Participants, Broker], Away]] = {"STOP": _stopped, "KILL": _killed}
