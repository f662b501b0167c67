"""One precise timer. libev rounds its timers to a millisecond, so on Linux the kernel's timerfd is used instead."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

from bench.reactor.readiness import Readiness

_NANOSECONDS = 1_000_000_000


class Timer(Protocol):
    """Calls its callback at or shortly after the time it was last set to; it may call early, or without need."""

    def set(self, when_ns: int) -> None:
        """Expire at `when_ns` of CLOCK_MONOTONIC, at once if that is past. Replaces the time set before."""

    def close(self) -> None:
        """Never call again."""


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


_ABSOLUTE = 1  # TFD_TIMER_ABSTIME
_FLAGS = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)  # TFD_NONBLOCK and TFD_CLOEXEC have the values of the O_ flags


def _create_by_ctypes() -> tuple[int, Callable[[int], None]]:
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.timerfd_create(time.CLOCK_MONOTONIC, _FLAGS)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "timerfd_create")
    spec = _Itimerspec()
    value, reference, settime = spec.value, ctypes.byref(spec), libc.timerfd_settime

    def set_time(when_ns: int) -> None:
        value.seconds, value.nanoseconds = divmod(when_ns, _NANOSECONDS)
        if settime(fd, _ABSOLUTE, reference, None) != 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    return fd, set_time


def _create_by_os() -> tuple[int, Callable[[int], None]]:
    if sys.version_info >= (3, 13):
        fd = os.timerfd_create(time.CLOCK_MONOTONIC, flags=_FLAGS)

        def set_time(when_ns: int) -> None:
            os.timerfd_settime_ns(fd, flags=_ABSOLUTE, initial=when_ns)

        return fd, set_time
    raise NotImplementedError("os.timerfd_create came with Python 3.13")


class TimerfdTimer:
    """A timerfd, watched for reading like a socket."""

    def __init__(self, readiness: Readiness, callback: Callable[[], None]) -> None:
        self._fd, self._set_time = _create_by_os() if hasattr(os, "timerfd_create") else _create_by_ctypes()
        self._readiness = readiness
        self._callback = callback
        self._is_unreadable = False  # setting the timer discards an expiration that was not read
        readiness.watch(self._fd, self)

    def set(self, when_ns: int) -> None:
        self._set_time(max(when_ns, 1))  # zero would disarm it
        self._is_unreadable = True

    def close(self) -> None:
        if self._fd >= 0:
            self._readiness.unwatch(self._fd)
            os.close(self._fd)
            self._fd = -1

    def on_readable(self) -> None:
        self._is_unreadable = False
        self._callback()
        # The callback nearly always sets the timer again, which saves this read.
        if not self._is_unreadable and self._fd >= 0:
            with contextlib.suppress(BlockingIOError):
                os.read(self._fd, 8)

    def on_writable(self) -> None:
        """Never called: the timer is watched for reading only."""


class LoopTimer:
    """A timer of gevent's loop, for systems without timerfd: up to a millisecond late."""

    def __init__(self, loop: Any, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._timer: Any = None

    def set(self, when_ns: int) -> None:
        self.close()
        self._timer = self._loop.timer(max(0, when_ns - time.monotonic_ns()) / _NANOSECONDS)
        self._timer.start(self._callback, update=True)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None
