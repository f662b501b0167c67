"""One variant in one process: started, announced, stopped.

The bench sets the environment: PUSHBENCH_PORT and PUSHBENCH_INGEST_PORT (0: any free port), PUSHBENCH_NONCE (shown in
the ready line and in /health, so that the bench recognises this server), PUSHBENCH_TOKEN (the first line of a publisher
at the ingest) and PUSHBENCH_PARENT (a pid: this server ends when that process ends).

The process must be monkey-patched by gevent before this module is imported; `servers.__main__` does that.
"""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flask
import gevent
from gevent.event import Event

from servers import _ingest, _limits, _process
from servers._broker import Broker
from servers._catalogue import versions
from servers._http import Handler, Server
from servers._variant import Variant, Wiring

DRAIN_S = 0.5  # for streams to end by themselves
PARENT_S = 0.5


@dataclass(frozen=True, slots=True)
class Settings:
    """Where to listen, and the bench's nonce, token and pid. Without a parent this server was started by hand."""

    port: int = 0
    ingest_port: int = 0
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    parent: int | None = None

    def __post_init__(self) -> None:
        for port in (self.port, self.ingest_port):
            if not 0 <= port <= 65535:
                raise ValueError(f"{port} is not a port: use 1 to 65535, or 0 for any free one")

    @classmethod
    def from_environment(cls) -> Settings:
        """The settings that PUSHBENCH_* in the environment ask for. Raises ValueError."""
        given: dict[str, Any] = {}
        for name, kind in _KINDS:
            variable = f"PUSHBENCH_{name.upper()}"
            if value := os.environ.get(variable):
                try:
                    given[name] = kind(value)
                except ValueError:
                    raise ValueError(f"{variable} is not a number: {value}") from None
        return cls(**given)

    def to_environment(self) -> dict[str, str]:
        """The environment of this process with these settings, for another program."""
        return os.environ | {
            "PUSHBENCH_PORT": str(self.port),
            "PUSHBENCH_INGEST_PORT": str(self.ingest_port),
            "PUSHBENCH_NONCE": self.nonce,
            "PUSHBENCH_TOKEN": self.token,
        }


_KINDS: tuple[tuple[str, Callable[[str], Any]], ...] = (
    ("port", _limits.whole),
    ("ingest_port", _limits.whole),
    ("nonce", str),
    ("token", str),
    ("parent", _limits.whole),
)


class PortTaken(Exception):
    """A requested port cannot be listened on; the message says what to do."""


def run(name: str, variant: Variant, settings: Settings, announce: Callable[[dict[str, Any]], None]) -> None:
    """Serve until a signal or the parent's end. `announce` gets the ready line once subscribers are accepted.

    Connections may still be open when this returns. The end of the process closes them.
    """
    _process.raise_file_limit()
    stopping = _stop_signals(settings)
    listener, ingest_listener = _listeners(settings)
    broker = Broker()
    app = application()
    wiring = _serve(variant, app, broker)
    _add_health(app, name, variant, wiring, settings)
    server = Server(listener, app, wiring.handler_class or Handler, app.config["MAX_CONTENT_LENGTH"])
    ingest = _ingest.server(ingest_listener, settings.token, wiring.publish or broker.publish)
    server.start()
    ingest.start()
    broker.start_heartbeat()
    announce(_ready(name, settings, wiring, server, ingest))
    stopping.wait()
    _process.limit_shutdown()
    ingest.close()
    broker.close()
    server.drain(DRAIN_S)
    if wiring.stop is not None:
        wiring.stop()


def application() -> flask.Flask:
    """A Flask application that answers what breaks the contract with 400 or 413."""
    app = flask.Flask("pushbench")
    app.config["MAX_CONTENT_LENGTH"] = _limits.TEXT_BYTES

    @app.errorhandler(_limits.Refused)
    def refused(error: _limits.Refused) -> flask.Response:
        status = 413 if isinstance(error, _limits.TooLarge) else 400
        return flask.Response(f"{error}\n", status, mimetype="text/plain")

    return app


def replace_process(variant: Variant, settings: Settings, folder: Path) -> None:
    """Become the program of a variant with a `command`, in this folder. Never returns."""
    assert variant.command is not None
    if settings.parent is not None:
        _process.signal_on_death_of_parent(signal.SIGTERM)
    os.chdir(folder)
    os.execvpe(variant.command[0], variant.command, settings.to_environment())  # noqa: S606


def _serve(variant: Variant, app: flask.Flask, broker: Broker) -> Wiring:
    assert variant.serve is not None
    return variant.serve(app, broker) or Wiring()


def _listeners(settings: Settings) -> tuple[Any, Any]:
    listeners = []
    for port, option in ((settings.port, "port"), (settings.ingest_port, "ingest-port")):
        try:
            listeners.append(_process.listen(port))
        except OSError as error:
            variable = f"PUSHBENCH_{option.replace('-', '_').upper()}"
            advice = f"choose another with --{option} or {variable}, 0 for any free one"
            raise PortTaken(f"cannot listen on port {port}: {error.strerror}; {advice}") from error
    return listeners[0], listeners[1]


def _stop_signals(settings: Settings) -> Event:
    """An event that is set by SIGTERM, SIGINT or the parent's end."""
    stopping = Event()
    gevent.signal_handler(signal.SIGTERM, stopping.set)
    gevent.signal_handler(signal.SIGINT, stopping.set)
    if settings.parent is not None:
        parent = _process.Parent(settings.parent)

        def stop_if_orphaned() -> None:
            if parent.has_ended():
                stopping.set()

        # The kernel signals the end of the *thread* that started us, which need not be the parent's end: so we check.
        gevent.signal_handler(signal.SIGUSR2, stop_if_orphaned)
        _process.signal_on_death_of_parent(signal.SIGUSR2)
        gevent.spawn(_repeat, PARENT_S, stop_if_orphaned)
    return stopping


def _repeat(interval_s: float, action: Callable[[], None]) -> None:
    while True:
        action()
        gevent.sleep(interval_s)


def _add_health(app: flask.Flask, name: str, variant: Variant, wiring: Wiring, settings: Settings) -> None:
    """GET /health: what runs here. The answer never changes, so it is encoded once."""
    facts = {
        "variant": name,
        "pid": os.getpid(),
        "nonce": settings.nonce,
        "technique": variant.technique,
        "versions": versions(variant),
        "options": {**variant.options, **wiring.options},
        "wire": dict(variant.wire),
    }
    body = json.dumps(facts).encode()

    @app.get("/health")
    def health() -> flask.Response:
        return flask.Response(body, mimetype="application/json")


def _ready(name: str, settings: Settings, wiring: Wiring, server: Server, ingest: Any) -> dict[str, Any]:
    return {
        "variant": name,
        "pid": os.getpid(),
        "port": server.address[1],
        "ingest_port": ingest.address[1],
        "nonce": settings.nonce,
        "broker": dataclasses.asdict(wiring.broker) if wiring.broker else None,
        "broker_pid": wiring.broker_pid,
        "broker_port": wiring.broker_port,
        "broker_command": list(wiring.broker_command),
    }


def exit_at_once() -> None:
    """End the process without closing thousands of connections one by one: the kernel does it faster."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
