"""What a variant declares about itself, and how variants are found: by the existence of their file."""

from __future__ import annotations

import enum
import importlib
import importlib.metadata
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

    from servers._broker import Broker


class Technique(enum.StrEnum):
    """How a message reaches a subscriber. The value is the name readers see."""

    POLLING = "polling"
    LONG_POLLING = "long polling"
    SSE = "SSE"
    WEBSOCKET = "WebSocket"
    STREAM = "HTTP stream"


class Capability(enum.StrEnum):
    """What a variant promises beyond the contract that binds all."""

    RESUME = "resume"  # cursors `epoch:offset`; after a reconnect nothing is missing unless a gap is signalled


@dataclass(frozen=True, slots=True)
class Wiring:
    """What `serve` hands back to the host where the defaults do not do.

    publish: what the ingest calls for every message; None means `broker.publish`.
    handler_class: a pywsgi handler class in place of the host's own.
    """

    publish: Callable[[str, bytes], object] | None = None
    handler_class: type[Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One server to compare. Its name is its module's name, its description the first line of the docstring.

    label: how it is called in figures and tables.
    technique: what it is an instance of.
    product: the published library it stands for; empty for a technique on neutral ground.
    client: the module of `bench.clients` that speaks its wire protocol.
    wire: what that client half must know, e.g. the path templates "subscribe" and "upstream" with `{topic}`.
    serve: adds the routes to a Flask app that already has /health.
    command: in place of `serve`, a program that obeys the same contract (ports and token in its environment).
    needs: probes that return None, or the reason why the variant cannot run here.
    options: every option set on a product, as shown in /health and in the report.
    runs_on: distributions whose versions /health reports.
    hidden: not part of a run unless named.
    """

    label: str
    technique: Technique
    client: str
    wire: Mapping[str, str]
    serve: Callable[[Flask, Broker], Wiring | None] | None = None
    command: tuple[str, ...] | None = None
    product: str = ""
    capabilities: frozenset[Capability] = frozenset()
    needs: tuple[Callable[[], str | None], ...] = ()
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    runs_on: tuple[str, ...] = ()
    hidden: bool = False

    def __post_init__(self) -> None:
        if (self.serve is None) == (self.command is None):
            raise ValueError(f"{self.label}: a variant has either `serve` or `command`")
