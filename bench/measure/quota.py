"""CPU quotas of control groups: how many cores they allow, and for how long they stopped their processes.

Time under a quota is in no counter of the cores: it is neither busy nor stolen, and a stopped process appears to wait
for a core that is free. Versions 1 and 2 of control groups are read (cgroups(7), cpu.max, cpu.cfs_quota_us, cpu.stat).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

PROC, MOUNT = Path("/proc"), Path("/sys/fs/cgroup")
_FILES = ("cpu.max", "cpu.cfs_quota_us")
_TIMES = {"throttled_usec": 1_000, "throttled_time": 1}  # the keys of versions 2 and 1, with their units in ns


@dataclass(frozen=True, slots=True)
class Throttled:
    """How often and for how long the processes of a control group were stopped, summed over the cores."""

    periods: int
    ns: int


def groups(pids: Iterable[int], proc: Path = PROC, mount: Path = MOUNT) -> list[Path]:
    """The folders of the control groups above these processes that can have a CPU quota, each once."""
    return list(dict.fromkeys(group for pid in pids for group in _above(_text(proc / str(pid) / "cgroup"), mount)))


def _above(text: str, mount: Path) -> Iterable[Path]:
    """The groups in the text of /proc/PID/cgroup and their parents that have a quota file, from the deepest."""
    for line in text.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0":
            roots = [mount, mount / "unified"]
        elif "cpu" in controllers.split(","):
            roots = [mount / controllers, mount / "cpu", mount / "cpu,cpuacct"]
        else:
            continue
        for root in dict.fromkeys(roots):
            folder = root / path.lstrip("/")
            for group in (folder, *folder.parents):
                if group.is_relative_to(root) and any((group / name).is_file() for name in _FILES):
                    yield group


def cores(folders: Sequence[Path]) -> float | None:
    """The number of cores that the smallest quota allows; None without a quota."""
    limits = [limit for folder in folders if (limit := _cores(folder)) is not None]
    return min(limits, default=None)


def _cores(folder: Path) -> float | None:
    text = _text(folder / "cpu.max") or f"{_text(folder / 'cpu.cfs_quota_us')} {_text(folder / 'cpu.cfs_period_us')}"
    quota = re.fullmatch(r"\s*([0-9]{1,18})\s+([0-9]{1,18})\s*", text)  # `max 100000` and -1 are no quota
    return int(quota[1]) / int(quota[2]) if quota and int(quota[2]) else None


def throttled(folders: Sequence[Path]) -> dict[Path, Throttled]:
    """The counters of the groups that have them, since each group began."""
    counters = {}
    for folder in folders:
        values = dict(re.findall(r"^(\w+) ([0-9]{1,18})$", _text(folder / "cpu.stat"), re.MULTILINE))
        times_ns = [int(values[key]) * unit_ns for key, unit_ns in _TIMES.items() if key in values]
        if times_ns and "nr_throttled" in values:
            counters[folder] = Throttled(int(values["nr_throttled"]), times_ns[0])
    return counters


def between(earlier: dict[Path, Throttled], later: dict[Path, Throttled]) -> Throttled | None:
    """What happened in the group that was stopped for longest; None where no group has counters."""
    spans = [
        Throttled(max(0, last.periods - first.periods), max(0, last.ns - first.ns))
        for folder, last in later.items()
        if (first := earlier.get(folder))
    ]
    return max(spans, key=lambda span: span.ns, default=None)


def _text(path: Path) -> str:
    """The text of a file of the kernel; empty where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
