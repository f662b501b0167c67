"""What the host asks of the operating system: files, listeners, and an end that comes in time."""

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
    """Raise the soft limit of open files to the hard one; returns what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS calls its hard limit infinite, and then refuses it
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return soft


def listen(port: int) -> socket.socket:
    """A listening socket on loopback; 0 is any free port. Raises OSError when the port is taken.

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
    """Ask the kernel for a signal when the thread that started this process ends. Only Linux can; others poll."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


def exists(pid: int) -> bool:
    """Whether there is a process with this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class Parent:
    """The process whose end is ours: the one named, whether it started this one itself or through others."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._started_by = os.getppid()

    def gone(self) -> bool:
        """Whether it, or what it started this process through, has ended."""
        return os.getppid() != self._started_by or not exists(self.pid)


def end_at_the_latest() -> None:
    """Whatever still runs or hangs: in STOP_S the kernel ends this process."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, STOP_S)
