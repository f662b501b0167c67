"""The table of what a user would pick instead of our load generator."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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


PEERS = (
    Peer("Locust SocketIOUser", "flask_socketio", _locust("socketio_user", "http"), _needs_websocket_client),
    Peer("Locust, a greenlet per connection", "websocket", _locust("greenlets", "ws"), _needs_websocket_client),
)
