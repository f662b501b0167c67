"""Starts one server, by hand or for the bench: `python -m servers VARIANT`."""

# ruff: noqa: E402  - nothing may be imported before gevent has patched the standard library
from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import argparse
import dataclasses
import json
import os
import sys
from typing import Any, NoReturn

import servers
from servers import _host

EXAMPLES = """\
examples:
  python -m servers sse --port 8000    an SSE server on port 8000; how to subscribe and publish is printed
  python -m servers websocket          the same over WebSocket, on any free port
  python -m servers my/server.py       a variant outside the repository
  python -m servers --list             all variants, and the reasons why some cannot run here
"""


def main(arguments: list[str] | None = None) -> None:
    """Run the variant that the command line names. Other settings come from PUSHBENCH_* (see `_host`)."""
    options = _parser().parse_args(arguments)
    if options.list:
        _print_list()
    elif options.variant is None:
        _give_up("no variant named; `python -m servers --list` shows all")
    else:
        _run(options)


def _run(options: argparse.Namespace) -> None:
    try:
        name = servers.resolve(options.variant)
        variant = servers.load(name)
        ports = {port: value for port in ("port", "ingest_port") if (value := getattr(options, port)) is not None}
        settings = dataclasses.replace(_host.Settings.from_environment(), **ports)
    except (LookupError, ValueError) as error:
        _give_up(error.args[0])
    reason = servers.lacking(variant)
    if reason is not None:
        _give_up(f"{name} cannot run here: {reason}")
    if variant.command is not None:
        _host.replace_process(variant, settings, servers.folder(name))

    def announce(ready: dict[str, Any]) -> None:
        print(json.dumps(ready), flush=True)
        if settings.parent is None:
            print(_hints(variant, settings.token, ready), file=sys.stderr, flush=True)

    try:
        _host.run(name, variant, settings, announce)
    except _host.PortTaken as error:
        _give_up(str(error))
    except servers.Unavailable as error:
        _give_up(f"{name} cannot run here: {error}")
    _host.exit_at_once()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m servers",
        description="Run one variant, for a browser or curl.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("variant", nargs="?", help="its name, as in `--list`, or the path of its file")
    parser.add_argument("--port", type=int, help="for subscribers (default: PUSHBENCH_PORT, or any free one)")
    parser.add_argument("--ingest-port", type=int, help="for the publisher (default: PUSHBENCH_INGEST_PORT, or any)")
    parser.add_argument("--list", action="store_true", help="list the variants and exit")
    return parser


def _print_list() -> None:
    try:
        names = servers.names()
    except servers.VariantError as error:
        _give_up(str(error))
    width = max(map(len, names), default=0)
    for name in names:
        reason = servers.unavailable(servers.load(name))
        words = f"skipped: {reason}" if reason else servers.description(name)
        origin = servers.origin(name)
        print(f"{name:<{width}}  {words}" + (f" ({origin})" if origin else ""))


def _hints(variant: servers.Variant, token: str, ready: dict[str, Any], topic: str = "demo") -> str:
    """The shell lines that subscribe, publish and stop."""
    address = f"127.0.0.1:{ready['port']}"
    subscribe = variant.by_hand or f"curl -N 'http://{{address}}{variant.wire.get('subscribe', '/')}'"
    if "upstream" in variant.wire:
        path = variant.wire["upstream"].format(topic=topic)
        publish = f"curl -H 'Content-Type: text/plain' -d hello 'http://{address}{path}'"
    else:
        message = rf"{token}\n{topic}\thello\n"
        publish = f"printf '{message}' | curl -s --max-time 1 telnet://127.0.0.1:{ready['ingest_port']}"
    return f"subscribe:  {subscribe.format(address=address, topic=topic)}\npublish:    {publish}\nstop:       Ctrl+C"


def _give_up(reason: str) -> NoReturn:
    print(f"python -m servers: {reason}", file=sys.stderr, flush=True)
    sys.stdout.flush()
    os._exit(2)


if __name__ == "__main__":
    main()
