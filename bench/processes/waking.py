"""What a process that keeps time asks of the kernel."""

from __future__ import annotations

import ctypes
import platform
import struct
import sys

_PR_SET_TIMERSLACK = 29
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}  # system call numbers; the C library has no wrapper
_SLICE_NS = 100_000  # the shortest slice that Linux grants


def wake_on_time() -> None:
    """Ask Linux to wake this process on time, and to let it run although the load generator shares its core.

    The first is the timer slack, 50 µs by default. The second is a short slice, which EEVDF (Linux 6.12) turns into an
    early deadline: the scheduler then need not wait for the load generator to use up its own. Neither needs privileges.
    A kernel that does not have them ignores both.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    if number := _SCHED_SETATTR.get(platform.machine()):
        # struct sched_attr: size, policy SCHED_OTHER, flags, nice, priority, runtime (the slice), deadline, period
        libc.syscall(number, 0, struct.pack("=IIQiIQQQ", 48, 0, 0, 0, 0, _SLICE_NS, 0, 0), 0)
