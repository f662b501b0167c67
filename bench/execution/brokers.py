"""Whether a run would continue over the brokers with which it was begun: trials over others are not comparable."""

from __future__ import annotations

import servers
from bench.processes.errors import ProcessError
from bench.processes.server import Server
from bench.results import Run


def other_brokers(run: Run) -> list[str]:
    """The brokers that differ from those of the run, as `flask_sse's broker: Redis 6.2 ... -> Redis 7.4 ...`. A broker
    is known by what a server reports that uses it, so one is started. A run from before brokers were recorded has none.
    """
    changed = []
    for variant in run.variants:
        if variant.status == "measured" and variant.broker is not None:
            before, now = variant.broker.identity, _in_use(variant.name)
            if now != before:
                changed.append(f"the broker of {variant.name}: {before} -> {now}")
    return changed


def _in_use(name: str) -> str:
    """The broker that a server of the variant would use, in words; the reason if there is none."""
    if reason := servers.unavailable(servers.load(name)):
        return reason
    try:
        with Server(name, ()) as server:
            server.wait_until_ready()
            return server.used_broker.identity if server.used_broker else "none"
    except (ProcessError, OSError) as error:
        return str(error)
