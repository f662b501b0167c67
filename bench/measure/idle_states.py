"""Cores that do not sleep between two messages.

A core without work enters an idle state, and leaving it takes time: up to some hundred microseconds on bare metal. On
a virtual machine the hypervisor gives the core to another guest meanwhile, and has to find a core again before the
guest goes on. Where other guests need the cores too, that takes milliseconds, counted as stolen time. Such a wait
depends on the machine at that hour and on no technique. On Linux a process can request that no core takes longer than a
number of microseconds to wake up (PM QoS, Documentation/power/pm_qos_interface.rst in the kernel's sources). cyclictest
requests zero, and so does this module. A core then polls for work. Its time still counts as idle time, and the kernel
drops the request when the process that made it ends.
"""

from __future__ import annotations

import os
import struct
import sys
from functools import cache
from pathlib import Path

from bench.results import IDLE_STATES_DISABLED

AS_REQUESTED = "enabled (as requested)"

REQUESTS = Path("/dev/cpu_dma_latency")
DRIVER = Path("/sys/devices/system/cpu/cpuidle/current_driver")


def disable_unless(allowed: bool) -> str:
    """Disable idle states until this process ends, unless they are allowed. Returns the fact for the environment."""
    return AS_REQUESTED if allowed else disable()


@cache
def disable(requests: Path = REQUESTS, driver: Path = DRIVER) -> str:
    """Request that no core sleeps until this process ends: IDLE_STATES_DISABLED, or "enabled" with the reason."""
    reason = _request(requests, driver)
    return f"enabled ({reason})" if reason else IDLE_STATES_DISABLED


def _request(requests: Path, driver: Path) -> str | None:
    """Make the request. Returns the reason if it is not possible, else None."""
    if not sys.platform.startswith("linux"):
        return "only Linux can be asked"
    try:
        if driver.read_text(encoding="utf-8").strip() == "none":
            return "the kernel does not choose between idle states"
        descriptor = os.open(requests, os.O_WRONLY | os.O_CLOEXEC)  # the request lasts while it is open
        os.write(descriptor, struct.pack("=i", 0))
    except OSError as error:
        return f"{error.filename or requests}: {error.strerror}"
    return None
