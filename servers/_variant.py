"""What a variant declares about itself, and how variants are found: by the existence of their file."""

from __future__ import annotations

import ast
import difflib
import enum
import importlib
import importlib.metadata
import importlib.util
import pkgutil
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import servers

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
    BARE = "bare TCP"  # none at all: the hidden variants, which serve the instrument
    UNKNOWN = "unknown"  # its file cannot be read here, because a package is missing


class Capability(enum.StrEnum):
    """What a variant promises beyond the contract that binds all."""

    RESUME = "resume"  # cursors `epoch:offset`; after a reconnect nothing is missing unless a gap is signalled


@dataclass(frozen=True, slots=True)
class Wiring:
    """What `serve` hands back to the host where the defaults do not do.

    publish: what the ingest calls for every message; None means `broker.publish`.
    handler_class: a pywsgi handler class in place of the host's own.
    broker_pid: the process of a broker of its own, so that its cost can be told apart.
    broker_port, broker_command: where it listens, and what starts another in its place; none where it is not ours.
    options: what was settled only at the start; /health shows it beside the variant's own options.
    stop: called once when the server stops.
    """

    publish: Callable[[str, bytes], object] | None = None
    handler_class: type[Any] | None = None
    broker_pid: int | None = None
    broker_port: int | None = None
    broker_command: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    stop: Callable[[], object] | None = None


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
    broker: a probe that returns None, or the reason why its broker must not be stopped; no probe: it has none.
    by_hand: the shell line that subscribes with `{address}` and `{topic}`; empty: curl on wire["subscribe"] does.
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
    needs: tuple[Callable[[], str | None], ...] = ()
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    runs_on: tuple[str, ...] = ()
    broker: Callable[[], str | None] | None = None
    by_hand: str = ""
    descriptors: int = 1
    extra: bool = False
    hidden: bool = False

    def __post_init__(self) -> None:
        if (self.serve is None) == (self.command is None):
            raise ValueError(f"{self.label}: a variant has either `serve` or `command`")


class Unavailable(Exception):
    """A variant turns out at its start to be unable to run here; the message is the reason."""


def package(name: str) -> Callable[[], str | None]:
    """A probe for `needs`: whether the top-level package `name` can be imported."""

    def probe() -> str | None:
        return None if importlib.util.find_spec(name) else f"the package {name} is not installed"

    return probe


def names(hidden: bool = False) -> list[str]:
    """Names of all variants, sorted; the hidden ones only when asked for."""
    return [name for name in _modules() if hidden or not load(name).hidden]


@cache
def load(name: str) -> Variant:
    """The variant called `name`. Raises LookupError that names the nearest match.

    Where its file cannot be imported because a package is missing, the variant is there all the same, unavailable.
    """
    known = _modules()
    if name not in known:
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
        hint = f"did you mean {nearest[0]!r}?" if nearest else "there is none"
        raise LookupError(f"no variant {name!r} in servers/; {hint}")
    try:
        variant: Variant = importlib.import_module(f"servers.{name}").VARIANT
    except ImportError as error:
        return _unreadable(name, str(error))
    return variant


def description(name: str) -> str:
    """The first line of the docstring of the variant's file, read without importing it."""
    docstring = ast.get_docstring(ast.parse(_file(name).read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]


def unavailable(variant: Variant) -> str | None:
    """Why the variant cannot run here, or None."""
    return next((reason for probe in variant.needs if (reason := probe())), None)


def versions(variant: Variant) -> dict[str, str]:
    """The versions of what the variant runs on, where installed; Python's own first."""
    found = {"python": platform.python_version()}
    for distribution in variant.runs_on:
        try:
            found[distribution] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _modules() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(servers.__path__) if not module.name.startswith("_"))


def _file(name: str) -> Path:
    spec = importlib.util.find_spec(f"servers.{name}")
    if spec is None or spec.origin is None:
        raise LookupError(f"no variant {name!r} in servers/")
    return Path(spec.origin)


def _unreadable(name: str, reason: str) -> Variant:
    return Variant(
        label=name,
        technique=Technique.UNKNOWN,
        client="",
        wire={},
        command=("false",),
        needs=(lambda: f"its file cannot be imported: {reason}",),
    )
