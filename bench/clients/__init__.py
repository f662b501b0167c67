"""The client halves: one module per wire protocol, found by its name, each with a class `Client(Subscriber)`.

A client half opens one subscription, hands every arriving text to a callback, may publish upstream, and closes.
Parsing is apart from I/O: every protocol is a pure class that is fed bytes. Opening happens in the caller's greenlet;
from then on the sockets belong to the shared reactor and no greenlet is switched to per message.
"""

from __future__ import annotations

import abc
import ast
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.clients._reactor import Reactor

OnText = Callable[[bytes, int], None]
"""Called with a text and the monotonic time in ns at which its bytes were read."""

OnError = Callable[[str], None]
"""Called with a short, countable description of a protocol or connection error."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a server is and how its wire protocol is spoken there (`Variant.wire`)."""

    host: str
    port: int
    wire: Mapping[str, str] = field(default_factory=dict)
    source: str = ""  # local address to connect from; empty: the system's choice
    poll_interval_s: float = 0.25
    hold_s: float = 25.0

    @property
    def authority(self) -> str:
        """Host and port as the Host header says them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Subscriber(abc.ABC):
    """One connected receiver of one topic.

    on_text is called in the reactor for every text, in the order of arrival; on_error for everything that is not
    a message. Neither may block. `after` is the cursor of an earlier subscriber to resume from. `phase` in [0, 1) is
    the seeded part of the poll interval at which a polling client polls; others ignore it.
    """

    __slots__ = ("after", "on_error", "on_text", "phase", "reactor", "target", "topic")

    def __init__(
        self,
        reactor: Reactor,
        target: Target,
        topic: str,
        on_text: OnText,
        on_error: OnError,
        *,
        after: str | None = None,
        phase: float = 0.0,
    ) -> None:
        self.reactor = reactor
        self.target = target
        self.topic = topic
        self.on_text = on_text
        self.on_error = on_error
        self.after = after
        self.phase = phase

    @property
    def cursor(self) -> str | None:
        """Where a later subscriber may resume, as of the last text; None where the variant has no cursors."""
        return None

    @property
    def gaps(self) -> int:
        """How many gaps the server has signalled."""
        return 0

    @property
    def retry_s(self) -> float | None:
        """How long the server asked subscribers to wait before they come back; None where it did not."""
        return None

    @abc.abstractmethod
    def open(self, timeout_s: float = 10.0) -> int | None:
        """Subscribe, blocking this greenlet only. Raises ConnectError.

        Returns the ns from the start of the connect until the server showed that the subscription stands (response
        head, handshake, acknowledgement), or None where the protocol does not show it before the first message.
        """

    @abc.abstractmethod
    def publish(self, topic: str, text: bytes) -> None:
        """Send a text upstream without blocking; failures reach `on_error`."""

    @abc.abstractmethod
    def close(self) -> None:
        """Leave. Idempotent; no callback comes after it."""

    @abc.abstractmethod
    def cut(self) -> None:
        """Be gone without a farewell: the server is told that the connection was aborted (RST), and no callback comes
        after it."""


class ConnectError(Exception):
    """A subscription could not be opened; the message names the step that failed."""


def names() -> list[str]:
    """Names of the wire protocols there is a client half for, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def load(name: str) -> type[Subscriber]:
    """The client half called `name`. Raises LookupError with the known names."""
    if name not in names():
        raise LookupError(f"no client half {name!r} in bench/clients; there are: {', '.join(names())}")
    module = importlib.import_module(f"{__name__}.{name}")
    client: type[Subscriber] = module.Client
    return client


def parameters(name: str) -> frozenset[str]:
    """The parameters of a scenario that this client half alone heeds: its declaration `PARAMETERS`, as a literal.

    Read from the source, since importing a client half imports gevent. Empty for most.
    """
    tree = ast.parse((Path(__path__[0]) / f"{name}.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["PARAMETERS"]:
            return frozenset(ast.literal_eval(node.value))
    return frozenset()


def heeds(name: str, parameter: str) -> bool:
    """Whether a parameter changes anything for this client half: it is its own, or nobody's in particular."""
    return parameter in parameters(name) or not any(parameter in parameters(other) for other in names())
