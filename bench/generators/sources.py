"""The servers for the comparison of load generators (of a variant, or in C), and the cores of both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.generators import programs
from bench.measure import machine
from bench.measure.machine import Cores
from bench.processes.server import Server

C_SERVER = "source"  # a name beside those of the variants


def one_core_each() -> Cores:
    """One core for the server and one for the generator, which shares it with the publisher as in a trial. On a
    machine with a single core both are empty."""
    cores = machine.divide_cores()
    return Cores(cores.server[:1], cores.load[:1])


class CServer(Server):
    """The C server: it has the ready line and the ingest port of a variant's server, and only WebSocket."""

    def _start(self, command: Sequence[str], environment: Mapping[str, str]) -> Any:
        return super()._start([str(programs.compiled(C_SERVER))], environment)

    def _declares_broker(self) -> bool:
        return False


def server(name: str, cores: Cores) -> Server:
    """The server of a variant, or the C server."""
    return CServer(name, cores.server) if name == C_SERVER else Server(name, cores.server)
