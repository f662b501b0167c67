"""The server of a variant and its broker: the server side of a trial."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

import msgspec

import servers
from bench.measure import usage
from bench.processes.errors import Died, ProcessError, TimedOut
from bench.processes.member import CHECK_EVERY_S, Member, check, end_with_parent
from bench.results import BrokerFacts
from servers import UsedBroker


class Broker:
    """The broker of a variant. It is a child of the server or was there before, so the bench has only its process id
    and, of a broker that may be killed, its port and the command that starts another."""

    name = "broker"

    def __init__(self, pid: int, port: int | None = None, command: Sequence[str] = ()) -> None:
        self.pid, self.port, self.command = pid, port, tuple(command)

    def alive(self) -> bool:
        """Whether the process still runs."""
        return usage.is_running(self.pid)

    def died(self) -> Died:
        """The error that says that the broker ended; only its parent learns how."""
        return Died(self.name, f"the broker (process {self.pid}) ended")


class NextBroker(Member):
    """A broker in the place of one that was killed: the same command, now as a child of the bench."""

    def __init__(self, before: Broker, cores: tuple[int, ...]) -> None:
        """Raises ProcessError if the server reported no command that starts it."""
        if before.port is None or not before.command:
            raise ProcessError("the broker cannot be started again: the server reported no command for it")
        self.port = before.port
        super().__init__("broker", before.command, cores)

    def _start(self, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=self._log, start_new_session=True, preexec_fn=end_with_parent,
        )  # fmt: skip

    def wait_until_ready(self, timeout_s: float = 10.0) -> None:
        """Return as soon as the broker accepts connections. Raises TimedOut, Died."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            check([self])
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=CHECK_EVERY_S).close()
            except OSError:
                time.sleep(CHECK_EVERY_S / 10)
            else:
                return
        raise TimedOut(f"the broker did not accept connections within {timeout_s:g} s")


class ReadyLine(msgspec.Struct, frozen=True):
    """What a server prints once it accepts subscribers."""

    pid: int
    port: int
    ingest_port: int
    nonce: str
    broker_pid: int | None
    broker: UsedBroker | None = None
    broker_port: int | None = None
    broker_command: list[str] = []


class Server(Member):
    """The server of a variant: a new process on free ports, identified by its nonce. `injected` names what a
    calibration server injects.

    With `before`, it takes the place of a server that has ended: the same ports and the same ingest token.
    """

    def __init__(self, variant: str, cores: tuple[int, ...], injected: str = "", before: Server | None = None) -> None:
        self.variant, self.cores, self.injected = variant, cores, injected
        self.nonce = secrets.token_hex(8)
        self.broker: Broker | None = None
        self.used_broker: BrokerFacts | None = None
        self.token: str = before.token if before else secrets.token_hex(16)
        environment = {
            "PUSHBENCH_PORT": str(before.port) if before else "0",
            "PUSHBENCH_INGEST_PORT": str(before.ingest_port) if before else "0",
            "PUSHBENCH_NONCE": self.nonce,
            "PUSHBENCH_TOKEN": self.token,
            "PUSHBENCH_PARENT": str(os.getpid()),
            "PUSHBENCH_INJECTION": injected,
        }
        super().__init__("server", [sys.executable, "-m", "servers", servers.argument(variant)], cores, environment)

    def wait_until_ready(self, timeout_s: float = 15.0) -> None:
        """Read the ready line. Raises TimedOut, Died, Misfit, and ProcessError if another program answered."""
        ready = self.receive(ReadyLine, timeout_s)
        if ready is None:
            raise TimedOut(f"the server was not ready within {timeout_s:g} s")
        if ready.nonce != self.nonce:
            raise ProcessError(f"another program answered in place of the server (nonce {ready.nonce!r})")
        self.port, self.ingest_port, self.server_pid = ready.port, ready.ingest_port, ready.pid
        self.broker = (
            None if ready.broker_pid is None else Broker(ready.broker_pid, ready.broker_port, ready.broker_command)
        )
        self.used_broker = _used_broker(ready, declared=self._declares_broker())

    def _declares_broker(self) -> bool:
        return servers.load(self.variant).broker is not None

    @property
    def broker_not_measured(self) -> bool:
        """Whether it uses a broker whose process is not known."""
        return self.used_broker is not None and not self.used_broker.process_known

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(gently=True)


def _used_broker(ready: ReadyLine, declared: bool) -> BrokerFacts | None:
    """The broker that a server reports; of one that it has and does not describe, everything is unknown."""
    used, known = ready.broker, ready.broker_pid is not None
    if used is None:
        unknown = BrokerFacts(
            product="unknown", version="unknown", origin="unknown", reached="unknown", here=True, process_known=known
        )
        return unknown if known or declared else None
    return BrokerFacts(
        product=used.product, version=used.version, origin=used.origin, reached=used.reached, here=used.here,
        process_known=known, publish_ns=round(used.publish_s * 1e9),
    )  # fmt: skip


def successor(server: Server) -> Server:
    """Another server in the place of one that has ended; it is not ready yet."""
    return Server(server.variant, server.cores, server.injected, server)
