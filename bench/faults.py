"""What a scenario does to a trial on purpose while it is measured: servers that are restarted or killed."""

from __future__ import annotations

import time

import msgspec

from bench.cast import Cast
from bench.measure import usage
from bench.measure.recorder import Window
from bench.processes import watch
from bench.results import Restart


def carry_out(cast: Cast, window: Window) -> Restart | None:
    """Do what the scenario says, when it says so; at once where it says nothing. Raises as the processes do."""
    after_s = cast.parameters.get("restart_after_s")
    if after_s is None:
        return None
    watch(cast.watched, window.start_ns + round(after_s * 1e9))
    pid = cast.server.server_pid
    fds, memory_bytes = usage.fds_held(pid), usage.memory_held(pid)
    ended_ns = time.monotonic_ns() - window.start_ns
    cast.restart(kill=cast.parameters["signal"] == "KILL")
    ready_ns = time.monotonic_ns() - window.start_ns
    return Restart(ended_ns=ended_ns, ready_ns=ready_ns, fds_before=fds, memory_before_bytes=memory_bytes)


def aftermath(cast: Cast, restart: Restart) -> Restart:
    """The same with what the successor holds now."""
    pid = cast.server.server_pid
    return msgspec.structs.replace(restart, fds_after=usage.fds_held(pid), memory_after_bytes=usage.memory_held(pid))


def living(cast: Cast) -> dict[str, int]:
    """Whose use of the machine can be told at the end: those who live through the trial."""
    mortal = ("server", "broker") if "restart_after_s" in cast.parameters else ()
    return {name: pid for name, pid in cast.pids.items() if name not in mortal}
