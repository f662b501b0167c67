"""What the host needs of the operating system: open files, listeners, and an end in time."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import socket
import sys

BACKLOG = 4096
HOST = "127.0.0.1"
STOP_S = 1.9
PR_SET_PDEATHSIG = 1


def raise_file_limit() -> int:
    """Raise the soft limit of open files to the hard one; the limit that holds now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS reports an infinite hard limit, and rejects it
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return soft


def listen(port: int) -> socket.socket:
    """A listening socket on loopback; 0 is any free port. Raises OSError if the port is in use.

    Accepted sockets inherit TCP_NODELAY on Linux. pywsgi never sets it, which costs a keep-alive reply 40 ms.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def signal_on_death_of_parent(number: int) -> None:
    """Ask the kernel for a signal when the thread that started this process ends. Only Linux supports it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


def exists(pid: int) -> bool:
    """Whether a process with this id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class Parent:
    """The process with which this one ends. It may have started this one through other processes."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._started_by = os.getppid()

    def has_ended(self) -> bool:
        """Whether it has ended, or the process that started this one has."""
        return os.getppid() != self._started_by or not exists(self.pid)


def limit_shutdown() -> None:
    """Have the kernel end this process in STOP_S, whatever still runs."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, STOP_S)
