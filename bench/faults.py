"""What a scenario does to a trial on purpose while it is measured: servers that are restarted or killed."""

from __future__ import annotations

from bench.cast import Cast
from bench.measure.recorder import Window
from bench.processes import watch


def carry_out(cast: Cast, window: Window) -> None:
    """Do what the scenario says, when it says so; at once where it says nothing. Raises as the processes do."""
    after_s = cast.parameters.get("restart_after_s")
    if after_s is not None:
        watch(cast.watched, window.start_ns + round(after_s * 1e9))
        cast.restart(kill=cast.parameters["signal"] == "KILL")


def living(cast: Cast) -> dict[str, int]:
    """Whose use of the machine can be told at the end: those who live through the trial."""
    mortal = ("server", "broker") if "restart_after_s" in cast.parameters else ()
    return {name: pid for name, pid in cast.pids.items() if name not in mortal}
