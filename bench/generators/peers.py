"""The table of the alternatives to our load generator."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bench.generators import programs
from bench.processes.environment import locust

LOCUSTFILES = programs.HERE / "locustfiles"
K6_OPTIONS = (
    "--quiet", "--no-color", "--no-summary", "--no-thresholds",  # no output that costs time and is not read
    "--no-usage-report",  # nothing leaves this machine
    "--address", "",  # no REST API
    "--log-output", "stdout", "--log-format", "raw",  # each console.log writes its text as one line, without a prefix
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Invocation:
    """The command that starts a peer, and its environment variables besides those of the bench."""

    command: list[str]
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Peer:
    """One alternative: a program that subscribes to a topic of a server and prints a line of JSON ten times a second:
    {"t": monotonic ns, "connected": subscribers, "received": messages}. A program without such a clock
    leaves out `t`; the moment of its line is then the moment at which it is read.

    variant: the variant whose protocol it uses. invoke: returns its invocation for (port, topic, subscribers).
    needs: returns why the peer cannot run here, or None.
    """

    label: str
    variant: str
    invoke: Callable[[int, str, int], Invocation]
    needs: Callable[[], str | None]


def _locust(name: str, scheme: str) -> Callable[[int, str, int], Invocation]:
    """The invocation of a peer that is a locustfile."""

    def invoke(port: int, topic: str, subscribers: int) -> Invocation:
        return Invocation(*locust(
            LOCUSTFILES / f"{name}.py", "--headless", "--users", str(subscribers), "--spawn-rate", "200",
            "--host", f"{scheme}://127.0.0.1:{port}", "--topic", topic,
        ))  # fmt: skip

    return invoke


def _needs_websocket_client() -> str | None:
    return None if importlib.util.find_spec("websocket") else "the package websocket-client is not installed"


def _receiver(port: int, topic: str, subscribers: int) -> Invocation:
    return Invocation([str(programs.compiled("receiver")), str(port), topic, str(subscribers)])


def _k6(port: int, topic: str, subscribers: int) -> Invocation:
    settings = {"URL": f"ws://127.0.0.1:{port}/ws?topic={topic}", "SUBSCRIBERS": str(subscribers)}
    return Invocation([str(programs.k6()), "run", *K6_OPTIONS, str(programs.HERE / "k6.js")],
                      {**settings, "K6_NO_USAGE_REPORT": "true"})  # fmt: skip


def _needs_k6() -> str | None:
    return None if programs.k6() else "k6 is neither on PATH nor installed (dependency group `peers`)"


PEERS = (
    Peer("C, one epoll (the physical floor)", "websocket", _receiver, lambda: programs.unavailable("receiver")),
    Peer("k6, one virtual user", "websocket", _k6, _needs_k6),
    Peer("Locust, a greenlet per connection", "websocket", _locust("greenlets", "ws"), _needs_websocket_client),
    Peer("Locust SocketIOUser", "flask_socketio", _locust("socketio_user", "http"), _needs_websocket_client),
)
