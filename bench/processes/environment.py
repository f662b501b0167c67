"""The environment of a child process: built from a list, so that no setting of the person's shell changes a number.

GEVENT_*, LOCUST_*, MALLOC_*, PYTHONDEVMODE or a proxy for HTTP would.
"""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]

# What programs need to find their parts: libraries, temporary files, texts, the packages of this Python.
_KEPT = (
    "PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONHASHSEED",
    "PYTHONDONTWRITEBYTECODE", "REDIS_URL",
)  # fmt: skip
_OURS = "PUSHBENCH_"
_DIGITS = 18


def built(own: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child: what is kept of ours, and its own variables."""
    return {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith(_OURS)} | dict(own)


def whole(variable: str) -> int:
    """The whole number in a variable of the environment, in decimal digits alone. Raises ValueError, which names it."""
    value = os.environ[variable]
    if not (value.isascii() and value.isdigit() and len(value) <= _DIGITS):
        raise ValueError(f"{variable} is not a whole number: {value!r}")
    return int(value)


def locust(locustfile: Path, *options: str) -> tuple[list[str], dict[str, str]]:
    """The command that starts Locust without the person's settings, and its environment. It must run in the folder of
    the locustfile.

    Locust reads ~/.locust.conf, and locust.conf and pyproject.toml in its working folder, also with `--config`, which
    only adds a file. So it gets a home without files, and a working folder of ours, which `-P` keeps off the path of
    modules.
    """
    command = [
        sys.executable, "-P", "-m", "locust", "-f", str(locustfile), "--exit-code-on-error", "0", "--only-summary",
        "--loglevel", "WARNING", *options,
    ]  # fmt: skip
    packages = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return command, {"HOME": os.devnull, "PYTHONUSERBASE": site.getuserbase(), "PYTHONPATH": packages}
