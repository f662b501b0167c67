"""The process of a Redis that runs on this machine, so that its CPU time and memory can be measured.

The number that Redis reports is not enough: a Redis in a container reports the number it has there, which may be that
of another process here. So the kernel is asked which process holds the other end: of a unix socket by SO_PEERCRED, of
a port by the listening sockets in /proc/net/tcp. Only Linux shows them.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

WITHIN_S = 2.0
DEFAULT_PORT = 6379
NAMES = ("redis", "valkey", "keydb", "dragonfly")  # a part of the name of the process; a proxy in between has another
PROC = Path("/proc")
_LISTENING = "0A"
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


def find(target: Mapping[str, Any], reported: str) -> tuple[bool, int | None]:
    """(whether a Redis runs on this machine, its process if that is known).

    target: what redis-py connects to. reported: the number of the process by its own account, empty if it gives none.
    """
    if path := target.get("path"):
        return True, of_unix_socket(path)
    port = int(target.get("port", DEFAULT_PORT))
    address = address_here(target.get("host", "localhost"), port)
    if address is None:
        return False, None
    return True, of_port(address, port, int(reported) if reported.isdecimal() else None)


def of_unix_socket(path: str) -> int | None:
    """The Redis that listens on a unix socket; None if another program does, or if the kernel does not show it."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(WITHIN_S)
            probe.connect(path)
            pid, _, _ = _CREDENTIALS.unpack(probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    except OSError:
        return None
    return pid if pid > 0 and _is_redis(pid) else None  # 0: a process outside of our namespace


def address_here(host: str, port: int) -> str | None:
    """The address of this machine at which a host is reached; None if it is another machine, or does not answer."""
    try:
        with socket.create_connection((host, port), timeout=WITHIN_S) as probe:
            peer, own = probe.getpeername()[0], probe.getsockname()[0]
    except OSError:
        return None
    return peer if peer == own or _address(peer).is_loopback else None


def of_port(address: str, port: int, reported: int | None) -> int | None:
    """The Redis that listens on a port of an address of this machine; None if none is known to. `reported`: the number
    of the process by its own account, which decides between processes whose open files this user may not see."""
    listening = dict(_listening(address, port))
    for pid in _named_as_redis() if listening else ():
        holds = _holds(pid, listening)
        if holds or (holds is None and pid == reported and _owner(pid) in listening.values()):
            return pid
    return None


def _listening(address: str, port: int) -> Iterator[tuple[str, int]]:
    """(inode, user) of every socket that listens on this port, at this address or at all."""
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (PROC / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                ip, _, hexadecimal = fields[1].partition(":")
                if fields[3] == _LISTENING and int(hexadecimal, 16) == port and _covers(ip, address):
                    yield fields[9], int(fields[7])


def _covers(hexadecimal: str, address: str) -> bool:
    """Whether a socket bound to an address of /proc/net/tcp accepts connections to `address`."""
    words = (hexadecimal[at : at + 8] for at in range(0, len(hexadecimal), 8))
    bound = b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words)
    return not any(bound) or _address(str(ipaddress.ip_address(bound))) == _address(address)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address; an IPv4 address that is written as an IPv6 one is the IPv4 address."""
    address = ipaddress.ip_address(text.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


def _named_as_redis() -> Iterator[int]:
    return (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit() and _is_redis(int(entry.name)))


def _is_redis(pid: int) -> bool:
    try:
        name = (PROC / str(pid) / "comm").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(one in name for one in NAMES)


def _holds(pid: int, inodes: Iterable[str]) -> bool | None:
    """Whether a process has one of these sockets open; None if this user may not see its open files."""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    try:
        entries = os.listdir(PROC / str(pid) / "fd")
    except PermissionError:
        return None
    except OSError:
        return False
    return any(_link(pid, entry) in wanted for entry in entries)


def _link(pid: int, entry: str) -> str:
    try:
        return os.readlink(PROC / str(pid) / "fd" / entry)
    except OSError:  # closed meanwhile
        return ""


def _owner(pid: int) -> int | None:
    try:
        return os.stat(PROC / str(pid)).st_uid
    except OSError:
        return None
