"""The table of what a user would pick instead of our load generator."""

from __future__ import annotations

import atexit
import functools
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

RECEIVER = Path(__file__).parent / "receiver.c"
LOCUSTFILES = Path(__file__).parent / "locustfiles"


@dataclass(frozen=True, slots=True)
class Load:
    """What everybody is given to drink."""

    subscribers: int = 1000
    rate_hz: float = 20.0
    payload_bytes: int = 100
    measure_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Peer:
    """One alternative: a program that subscribes to a topic of a server and prints, ten times a second, one line of
    JSON {"t": monotonic ns, "connected": so many, "received": so many}. `needs` says why it cannot run here, or None.
    """

    label: str
    variant: str
    command: Callable[[int, str, Load], list[str]]
    needs: Callable[[], str | None]


def _locust(name: str, scheme: str) -> Callable[[int, str, Load], list[str]]:
    """The command of a peer that is a locustfile, given port, topic and load."""

    def command(port: int, topic: str, load: Load) -> list[str]:
        return [
            sys.executable, "-m", "locust", "-f", str(LOCUSTFILES / f"{name}.py"), "--headless",
            "--users", str(load.subscribers), "--spawn-rate", "200", "--exit-code-on-error", "0", "--only-summary",
            "--loglevel", "WARNING", "--host", f"{scheme}://127.0.0.1:{port}", "--topic", topic,
        ]  # fmt: skip

    return command


def _needs_websocket_client() -> str | None:
    return None if importlib.util.find_spec("websocket") else "the package websocket-client is not installed"


@functools.cache
def _receiver() -> Path:
    """The compiled C receiver, in a folder that is removed when this process ends. Raises CalledProcessError."""
    folder = tempfile.TemporaryDirectory(prefix="pushbench-")
    atexit.register(folder.cleanup)
    program = Path(folder.name) / "receiver"
    compiler = shutil.which("cc")
    assert compiler is not None
    subprocess.run([compiler, "-O2", "-o", str(program), str(RECEIVER)], check=True, capture_output=True)
    return program


def _c_receiver(port: int, topic: str, load: Load) -> list[str]:
    return [str(_receiver()), str(port), topic, str(load.subscribers)]


def _needs_compiler() -> str | None:
    if not sys.platform.startswith("linux"):
        return "it needs epoll, which only Linux has"
    if shutil.which("cc") is None:
        return "there is no C compiler (cc) on PATH"
    try:
        _receiver()
    except (OSError, subprocess.CalledProcessError) as error:
        return f"the C compiler failed: {error}"
    return None


PEERS = (
    Peer("C, one epoll (the physical floor)", "websocket", _c_receiver, _needs_compiler),
    Peer("Locust SocketIOUser", "flask_socketio", _locust("socketio_user", "http"), _needs_websocket_client),
    Peer("Locust, a greenlet per connection", "websocket", _locust("greenlets", "ws"), _needs_websocket_client),
)
