"""The client halves: one module per wire protocol, each with a class `Client(Subscriber)`.

A client half opens one subscription, hands every arriving text to a callback, may publish upstream, and closes.
Parsing is separate from I/O: every protocol is a pure class that is fed bytes. Opening blocks the caller's greenlet;
from then on the sockets belong to the shared reactor, and no greenlet switch is needed per message.

The module's name is the protocol's name. The environment variable PUSHBENCH_CLIENTS names folders with more of them.
"""

from __future__ import annotations

import abc
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from bench import discovery

if TYPE_CHECKING:
    from bench.reactor.reactor import Reactor

__path__ = discovery.extended(__path__, "PUSHBENCH_CLIENTS")

# called with a text and the monotonic time in ns at which its bytes were read
OnText = Callable[[bytes, int], None]
# called with a short, countable description of a protocol or connection error
OnError = Callable[[str], None]


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
        """Host and port as in the Host header."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Subscription:
    """What one subscriber subscribes to, and what it calls.

    on_text is called in the reactor for every text, in the order of arrival; on_error for everything that is not
    a message. Neither may block. `after` is the cursor of an earlier subscriber to resume from. `phase` in [0, 1) is
    the part of the poll interval at which a subscriber polls; protocols other than short polling ignore it.
    """

    target: Target
    topic: str
    on_text: OnText
    on_error: OnError
    after: str | None = None
    phase: float = 0.0


class Subscriber(abc.ABC):
    """One connected receiver of one topic. The two callbacks may be replaced at any time."""

    __slots__ = ("on_error", "on_text", "reactor", "subscription")

    def __init__(self, reactor: Reactor, subscription: Subscription) -> None:
        self.reactor = reactor
        self.subscription = subscription
        self.on_text = subscription.on_text
        self.on_error = subscription.on_error

    @property
    def cursor(self) -> str | None:
        """Where a later subscriber may resume, as of the last text; None where the variant has no cursors."""
        return None

    @property
    def gaps(self) -> int:
        """The number of gaps that the server has signalled."""
        return 0

    @property
    def retry_s(self) -> float | None:
        """How long the server asked subscribers to wait before they reconnect; None where it did not ask."""
        return None

    @abc.abstractmethod
    def open(self, timeout_s: float = 10.0) -> int | None:
        """Subscribe, blocking this greenlet only. Raises ConnectError.

        Returns the ns from the start of the connect until the server confirmed the subscription (response head,
        handshake, acknowledgement), or None where the protocol confirms nothing before the first message.
        """

    @abc.abstractmethod
    def publish(self, topic: str, text: bytes) -> None:
        """Send a text upstream without blocking; failures reach `on_error`."""

    @abc.abstractmethod
    def close(self) -> None:
        """Close as the protocol prescribes. Idempotent; no callback comes after it."""

    @abc.abstractmethod
    def abort(self) -> None:
        """End the connections at once: the server receives a reset (RST), and no callback comes after it."""


class ConnectError(Exception):
    """A subscription could not be opened; the message names the step that failed."""


def names() -> list[str]:
    """Names of the wire protocols that have a client half, sorted. Raises DiscoveryError."""
    return discovery.names(__path__)


def load(name: str) -> type[Subscriber]:
    """The client half called `name`. Raises LookupError that lists the names."""
    if name not in names():
        raise LookupError(f"no client half {name!r} in bench/clients; there are: {', '.join(names())}")
    client: type[Subscriber] = importlib.import_module(f"{__name__}.{name}").Client
    return client


@cache
def parameters(name: str) -> frozenset[str]:
    """The scenario parameters that this client half alone uses: its literal `PARAMETERS`, empty for most.

    It is read from the source, because importing a client half imports gevent. Raises DiscoveryError.
    """
    return discovery.names_in(discovery.file_of(__path__, name), "PARAMETERS")


def uses(name: str, parameter: str) -> bool:
    """Whether a parameter changes anything for this client half: it declares it, or no client half does."""
    return parameter in parameters(name) or not any(parameter in parameters(other) for other in names())
