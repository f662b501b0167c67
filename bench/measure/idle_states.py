"""Cores that do not go to sleep between two messages.

A core with nothing to do enters an idle state, and to wake it takes time: up to some hundred microseconds on bare
metal. On a virtual machine the hypervisor gives the core away meanwhile and has to find another before anything goes
on: a wait of milliseconds where others want it too, counted as stolen time. That tells of the machine at that hour and
of no technique. Linux lets a process ask that no core may take longer to wake than so many microseconds (PM QoS,
Documentation/power/pm_qos_interface.rst in the kernel's sources); cyclictest asks for zero, and so do we. A core then
waits for work by looking for it. Its time stays idle time in all counters, and the kernel forgets the request when the
process that made it ends.
"""

from __future__ import annotations

import os
import struct
import sys
from functools import cache
from pathlib import Path

from bench.results import KEPT_AWAKE

AS_ASKED = "may sleep (as asked)"

REQUESTS = Path("/dev/cpu_dma_latency")
DRIVER = Path("/sys/devices/system/cpu/cpuidle/current_driver")


def without_work(may_sleep: bool) -> str:
    """What cores without work do until this process ends, which keeps them awake unless they may sleep."""
    return AS_ASKED if may_sleep else keep_awake()


@cache
def keep_awake(requests: Path = REQUESTS, driver: Path = DRIVER) -> str:
    """Ask that no core sleeps until this process ends: KEPT_AWAKE, or "may sleep" and why."""
    reason = _hindrance(requests, driver)
    return f"may sleep ({reason})" if reason else KEPT_AWAKE


def _hindrance(requests: Path, driver: Path) -> str | None:
    """Why it cannot be asked, or None where it has been."""
    if not sys.platform.startswith("linux"):
        return "only Linux can be asked"
    try:
        if driver.read_text(encoding="utf-8").strip() == "none":
            return "the kernel does not choose between idle states"
        descriptor = os.open(requests, os.O_WRONLY | os.O_CLOEXEC)  # as long as it is open, the request stands
        os.write(descriptor, struct.pack("=i", 0))
    except OSError as error:
        return f"{error.filename or requests}: {error.strerror}"
    return None
