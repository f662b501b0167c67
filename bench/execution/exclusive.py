"""One measurement at a time: two that run at once take each other's cores.

A process that measures holds a socket in the abstract namespace of Unix domain sockets (unix(7)). The kernel frees its
name when the process ends, however it ends, and tells who holds it (SO_PEERCRED). There is no such namespace outside
Linux; there a second measurement is not noticed.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.planning.request import Refused

NAME = "\0pushbench.measuring"
_CREDENTIALS = struct.Struct("=iII")  # pid, uid, gid
WITHIN_S = 1.0


@contextmanager
def measuring(*, beside_others: bool, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the machine while the block runs. Where another process holds it, raises Refused, or with `beside_others`
    reports it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as ours:
        if sys.platform.startswith("linux") and not _held(ours):
            words = f"another measurement runs on this machine{_whose()}"
            if not beside_others:
                raise Refused(f"{words}: both would take each other's cores; wait for its end, or add --no-wait")
            say(f"note  {words}; both take each other's cores")
        yield


def _held(ours: socket.socket) -> bool:
    try:
        ours.bind(NAME)
    except OSError:
        return False
    ours.listen()
    return True


def _whose() -> str:
    """Which process holds the machine, in words; empty where that is not visible."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(WITHIN_S)
            probe.connect(NAME)
            pid, _, _ = _CREDENTIALS.unpack(probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    except (OSError, AttributeError):
        return ""
    return f" (process {pid})" if pid else ""
