"""What a variant declares about itself."""

from __future__ import annotations

import enum
import importlib.util
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

    from servers._broker import Broker


_SECONDS = re.compile(r"[0-9]{1,5}(\.[0-9]{1,3})?").fullmatch


class Technique(enum.StrEnum):
    """How a message reaches a subscriber. The value is the name in reports."""

    POLLING = "polling"
    LONG_POLLING = "long polling"
    SSE = "SSE"
    WEBSOCKET = "WebSocket"
    STREAM = "HTTP stream"
    BARE = "bare TCP"  # no technique: the hidden variants, which serve the instrument
    UNKNOWN = "unknown"  # its file cannot be imported here


class Capability(enum.StrEnum):
    """What a variant promises beyond the contract for all variants."""

    RESUME = "resume"  # cursors `epoch:offset`; after a reconnect nothing is missing unless a gap is signalled


class Limit(enum.StrEnum):
    """What a product does to a text in place of delivering it byte for byte. The value is how lists and reports say it.

    The gate checks that a variant has exactly the limits that it declares.
    """

    EMPTY_TEXT = "does not deliver an empty text"
    LEADING_SPACE = "removes a leading space"


@dataclass(frozen=True, slots=True)
class UsedBroker:
    """Which broker a server uses, for the record of the run.

    version: "unknown" where the broker does not report it. origin: where it comes from, in words. reached: its address,
    without a password, and without a port that changes with every start. here: it runs on this machine, whether or not
    its process is known. publish_s: how long one publish took at the start, on a connection of its own.
    """

    product: str
    version: str
    origin: str
    reached: str
    here: bool
    publish_s: float


@dataclass(frozen=True, slots=True)
class Wiring:
    """What `serve` returns to the host where it needs more than the defaults.

    publish: what the ingest calls for every message; None means `broker.publish`.
    handler_class: a pywsgi handler class in place of the host's own.
    broker: which broker it uses, if it uses one of its own.
    broker_pid: the process of that broker, whose cost is measured separately; None if it is not known.
    broker_port, broker_command: where that broker listens, and what starts another in its place; none if not ours.
    options: options that are known only after the start; /health shows them with the variant's own.
    stop: called once when the server stops.
    """

    publish: Callable[[str, bytes], object] | None = None
    handler_class: type[Any] | None = None
    broker: UsedBroker | None = None
    broker_pid: int | None = None
    broker_port: int | None = None
    broker_command: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    stop: Callable[[], object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One server to compare. Its name is its module's name, its description the first line of the docstring.

    label: its name in figures and tables.
    technique: the technique it uses.
    product: the published library it measures; empty for a technique on neutral ground.
    client: the module of `bench.clients` that speaks its wire protocol.
    wire: parameters of that client half, e.g. the path templates "subscribe" and "upstream" with `{topic}`, and
        "heartbeat_s": how often a stream carries something, in seconds.
    serve: adds the routes to a Flask app that already has /health.
    command: in place of `serve`, a program that obeys the same contract (ports and token in its environment).
    limits: what the product does to a text in place of delivering it byte for byte.
    needs: probes that return None, or the reason why the variant cannot run here.
    works: a probe of what `needs` found, by use: None, or the reason why it cannot serve this number of subscribers.
        The bench asks it before it starts a server; a server does not ask it again.
    options: every option set on a product, as shown in /health and in the report.
    runs_on: distributions whose versions /health reports.
    broker: a probe that returns None, or the reason why its broker must not be stopped; None: it has no broker.
    by_hand: the shell line that subscribes, with `{address}` and `{topic}`; empty: curl with wire["subscribe"].
    connections: that a subscriber holds while it only receives; upstream requests add one.
    descriptors: file descriptors that the server needs per subscriber; those beyond `connections` lead to a broker.
    extra: measured only if it is named; not part of the comparison that a profile makes.
    hidden: serves the instrument (the harness floor, calibration): neither listed, nor gated, nor compared.
    """

    label: str
    technique: Technique
    client: str
    wire: Mapping[str, str]
    serve: Callable[[Flask, Broker], Wiring | None] | None = None
    command: tuple[str, ...] | None = None
    product: str = ""
    capabilities: frozenset[Capability] = frozenset()
    limits: frozenset[Limit] = frozenset()
    needs: tuple[Callable[[], str | None], ...] = ()
    works: Callable[[int], str | None] | None = None
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    runs_on: tuple[str, ...] = ()
    broker: Callable[[], str | None] | None = None
    by_hand: str = ""
    connections: int = 1
    descriptors: int = 1
    extra: bool = False
    hidden: bool = False

    def __post_init__(self) -> None:
        if (self.serve is None) == (self.command is None):
            raise ValueError(f"{self.label}: a variant has either `serve` or `command`")
        heartbeat_s = self.wire.get("heartbeat_s", "0")
        if not _SECONDS(heartbeat_s):
            raise ValueError(
                f"{self.label}: wire['heartbeat_s'] is a number of seconds such as '15', not {heartbeat_s!r}"
            )

    @property
    def limits_in_words(self) -> str:
        """The declared limits in one sentence; empty if there is none."""
        return f"Declared limits: {'; '.join(sorted(self.limits))}." if self.limits else ""


class Unavailable(Exception):
    """Raised at the start of a variant that cannot run here; the message is the reason."""


def package(name: str) -> Callable[[], str | None]:
    """A probe for `needs`: whether the top-level package `name` can be imported."""

    def probe() -> str | None:
        return None if importlib.util.find_spec(name) else f"the package {name} is not installed"

    return probe
