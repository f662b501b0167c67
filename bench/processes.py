"""The processes of one trial: started, pinned, spoken to by lines of JSON, watched, and ended whatever happens.

ProcessError
+-- Died        a process ended although it was still needed
+-- TimedOut    it lives, but did not answer in time
"""

from __future__ import annotations

import json
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import msgspec

from bench.measure import machine, usage
from bench.scenarios._names import CONTROL, MASTER
from servers._process import signal_on_death_of_parent

ROOT = Path(__file__).parent.parent
STOP_WITHIN_S = 2.0
_LOOK_EVERY_S = 0.05
_TOLD_OF_A_DEATH = 300  # characters of the last line a dead process wrote


class ProcessError(Exception):
    """A process of the trial failed it; the message names the process and what it last said."""


class Died(ProcessError):
    """The process `who` ended although it was still needed."""

    def __init__(self, who: str, message: str) -> None:
        super().__init__(message)
        self.who = who


class TimedOut(ProcessError):
    """A process did not answer in time."""


class Watched(Protocol):
    """A process whose end would be the end of the trial."""

    def alive(self) -> bool:
        """Whether it still runs."""

    def died(self) -> Died:
        """The error that says how it ended."""


class Member:
    """One process of a trial. What it writes to standard error is kept for the message if it dies."""

    def __init__(
        self, name: str, command: Sequence[str], cores: tuple[int, ...], environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
        self._pending = b""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
        self.process = self._start(command, {**inherited, **(environment or {})})
        machine.pin(self.process.pid, cores)

    def _start(self, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            start_new_session=True,  # Ctrl+C is for the bench, which then ends its processes in order
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        self._in, self._out = process.stdout.fileno(), process.stdin.fileno()
        return process

    @property
    def pid(self) -> int:
        """Process id."""
        return self.process.pid

    def send(self, order: Mapping[str, Any]) -> None:
        """Write one order. Raises Died if nobody reads any more."""
        data = json.dumps(order).encode() + b"\n"
        try:
            while data:
                data = data[os.write(self._out, data) :]
        except OSError:
            raise self.died() from None

    def receive(self, timeout_s: float) -> dict[str, Any] | None:
        """The next line it says, or None if it says none in time. Raises Died at the end of the stream."""
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._pending:
            ready, _, _ = select.select([self._in], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                return None
            data = os.read(self._in, 1 << 20)
            if not data:
                raise self.died()
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        try:
            said: dict[str, Any] = json.loads(line)
        except ValueError:
            raise ProcessError(f"the {self.name} said {line[:80]!r}, which is not a line of JSON") from None
        return said

    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def died(self) -> Died:
        """The error that says how it ended and what it said last."""
        try:
            code = self.process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return Died(self.name, f"the {self.name} closed its output")
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
        last = self.last_words()
        return Died(self.name, f"the {self.name} {how}" + (f": {last}" if last else ""))

    def last_words(self) -> str:
        """The last non-empty line of its standard error."""
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1][-_TOLD_OF_A_DEATH:] if lines else ""

    def end(self, *, gently: bool) -> None:
        """End it: with SIGTERM and up to two seconds of patience, or at once."""
        if self.alive():
            (self.process.terminate if gently else self.process.kill)()
        try:
            self.process.wait(timeout=STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self._log):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(gently=False)


class Broker:
    """The broker of a variant: not our child but the server's, or nobody's here, so all we have is its process id, and
    of one that may be killed also where it listens and what starts another in its place."""

    name = "broker"

    def __init__(self, pid: int, port: int | None = None, command: Sequence[str] = ()) -> None:
        self.pid, self.port, self.command = pid, port, tuple(command)

    def alive(self) -> bool:
        """Whether it still runs."""
        return usage.lives(self.pid)

    def died(self) -> Died:
        """The error that says that it ended; how is known to its parent alone."""
        return Died(self.name, f"the broker (process {self.pid}) ended")


class NextBroker(Member):
    """A broker in the place of one that was killed: the same command, now a child of the bench, which it ends with."""

    def __init__(self, before: Broker, cores: tuple[int, ...]) -> None:
        """Raises ProcessError where nobody knows what starts it."""
        if before.port is None or not before.command:
            raise ProcessError("the broker cannot be started again: the server did not say how")
        self.port = before.port
        super().__init__("broker", before.command, cores)

    def _start(self, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._log,
            start_new_session=True, preexec_fn=_end_with_us,
        )  # fmt: skip

    def wait_until_ready(self, timeout_s: float = 10.0) -> None:
        """Return as soon as it accepts connections. Raises TimedOut, Died."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            check([self])
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=_LOOK_EVERY_S).close()
            except OSError:
                time.sleep(_LOOK_EVERY_S / 10)
            else:
                return
        raise TimedOut(f"the broker did not accept connections within {timeout_s:g} s")


def _end_with_us() -> None:
    signal_on_death_of_parent(signal.SIGKILL)


class _ReadyLine(msgspec.Struct):
    """What a server prints once it accepts subscribers."""

    pid: int
    port: int
    ingest_port: int
    nonce: str
    broker_pid: int | None
    broker_port: int | None = None
    broker_command: list[str] = []


class Server(Member):
    """A variant's server: fresh, on free ports, known by its nonce. `plant` is what a calibration server plants.

    With `before`, it takes the place of one that has ended: its ports, and what the ingest asks for.
    """

    def __init__(self, variant: str, cores: tuple[int, ...], plant: str = "", before: Server | None = None) -> None:
        self.variant, self.cores, self.plant = variant, cores, plant
        self.nonce = secrets.token_hex(8)
        self.token: str = before.token if before else secrets.token_hex(16)
        environment = {
            "PUSHBENCH_PORT": str(before.port) if before else "0",
            "PUSHBENCH_INGEST_PORT": str(before.ingest_port) if before else "0",
            "PUSHBENCH_NONCE": self.nonce,
            "PUSHBENCH_TOKEN": self.token,
            "PUSHBENCH_PARENT": str(os.getpid()),
            "PUSHBENCH_PLANT": plant,
        }
        super().__init__("server", [sys.executable, "-m", "servers", variant], cores, environment)

    def wait_until_ready(self, timeout_s: float = 15.0) -> None:
        """Read the ready line. Raises TimedOut, Died, or ProcessError if it is not the server we started."""
        ready = self.receive(timeout_s)
        if ready is None:
            raise TimedOut(f"the server was not ready within {timeout_s:g} s")
        try:
            line = msgspec.convert(ready, _ReadyLine)
        except msgspec.ValidationError as error:
            raise ProcessError(f"the server's ready line is not of the contract: {error}") from None
        if line.nonce != self.nonce:
            raise ProcessError(f"a stranger answered in the server's place (nonce {line.nonce!r})")
        self.port, self.ingest_port = line.port, line.ingest_port
        self.server_pid = line.pid
        self.broker = (
            None if line.broker_pid is None else Broker(line.broker_pid, line.broker_port, line.broker_command)
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(gently=True)


def successor(server: Server) -> Server:
    """Another server in the place of one that has ended, not yet ready."""
    return Server(server.variant, server.cores, server.plant, server)


class Publisher(Member):
    """The publisher, connected to a server's ingest port at `connect`."""

    def __init__(self, cores: tuple[int, ...]) -> None:
        super().__init__("publisher", [sys.executable, "-m", "bench.publisher"], cores)

    def connect(self, server: Server, seed: int, payload_bytes: int) -> None:
        """Tell it where to publish and what."""
        self.send(
            {"ingest_port": server.ingest_port, "token": server.token, "seed": seed, "payload_bytes": payload_bytes}
        )


class Proxy(Member):
    """The proxy between subscribers and server, which emulates a path; it listens on `port` from `open` on."""

    def __init__(self, cores: tuple[int, ...]) -> None:
        super().__init__("proxy", [sys.executable, "-m", "bench.proxy"], cores)
        self.port = 0

    def open(self, server: Server, path: str, seed: int, timeout_s: float = 15.0) -> None:
        """Have it listen, and lead to the server over the path called so. Raises TimedOut, Died."""
        self.send({"port": server.port, "path": path, "seed": seed})
        self.port = answer(self, "listen", timeout_s, [])["port"]

    def disturb(self, from_ns: int, until_ns: int) -> None:
        """Let stalls and resets begin between these moments, where the path has any."""
        self.send({"do": "disturb", "from_ns": from_ns, "until_ns": until_ns})


class Load(Member):
    """One Locust process with subscribers of a trial. Orders go over a socket: Locust owns its own streams.

    With a `master`, it is one of several and gets its users from there.
    """

    def __init__(self, scenario: Path, users: int, cores: tuple[int, ...], master: Master | None = None) -> None:
        self._control, self._theirs = socket.socketpair()
        role = master.worker_options if master else _alone(users)
        super().__init__("load generator", _locust(scenario, *role), cores, {CONTROL: str(self._theirs.fileno())})
        self._theirs.close()

    def _start(self, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        self._in = self._out = self._control.fileno()
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
            start_new_session=True, pass_fds=[self._theirs.fileno()],
        )  # fmt: skip

    def end(self, *, gently: bool) -> None:
        super().end(gently=gently)
        self._control.close()


class Master(Member):
    """Locust's master, which spreads the users evenly over its workers and has none itself. On loopback."""

    def __init__(self, scenario: Path, users: int, workers: int, cores: tuple[int, ...]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
        self.worker_options = ("--worker", "--master-host", "127.0.0.1", "--master-port", port)
        options = ("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port,
                   "--expect-workers", str(workers), *_alone(-(-users // workers) * workers))  # fmt: skip
        super().__init__("master of the load generator", _locust(scenario, *options), cores, {MASTER: "1"})


def _alone(users: int) -> tuple[str, ...]:
    return ("--headless", "--users", str(users), "--spawn-rate", str(max(users, 1)))


def _locust(scenario: Path, *options: str) -> list[str]:
    """A person's own Locust settings (LOCUST_*, ~/.locust.conf) are not those of a trial."""
    return [
        sys.executable, "-m", "locust", "--config", os.devnull, "-f", str(scenario), "--exit-code-on-error", "0",
        "--only-summary", "--loglevel", "WARNING", "--stop-timeout", "0", *options,
    ]  # fmt: skip


def load_side(scenario: Path, users: int, workers: int, cores: tuple[int, ...]) -> tuple[list[Load], list[Master]]:
    """The Locust processes that hold `users` together, each on a core of its own as far as there are any, and their
    master where there is more than one.
    """
    if workers == 1:
        return [Load(scenario, users, cores)], []
    master = Master(scenario, users, workers, cores)
    own = [(cores[number % len(cores)],) if cores else () for number in range(workers)]
    return [Load(scenario, users, one, master) for one in own], [master]


def answer(member: Member, done: str, timeout_s: float, watched: Sequence[Watched]) -> dict[str, Any]:
    """What `member` says when it has done `done`. Raises Died as soon as any watched process ends, or TimedOut."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        said = member.receive(_LOOK_EVERY_S)
        if said is not None and said.get("done") == done:
            return said
        check(watched)
    raise TimedOut(f"the {member.name} did not finish {done!r} within {timeout_s:g} s")


def answers(members: Sequence[Member], done: str, timeout_s: float, watched: Sequence[Watched]) -> list[dict[str, Any]]:
    """What every one of `members` says when it has done `done`, in their order; otherwise as `answer`."""
    deadline = time.monotonic() + timeout_s
    return [answer(member, done, deadline - time.monotonic(), watched) for member in members]


def watch(watched: Sequence[Watched], until_ns: int) -> None:
    """Return at `until_ns` of the monotonic clock. Raises Died as soon as any of the processes ends before."""
    while (left_s := (until_ns - time.monotonic_ns()) / 1e9) > 0:
        time.sleep(min(_LOOK_EVERY_S, left_s))
        check(watched)


def check(watched: Sequence[Watched]) -> None:
    """Raise Died if any of the processes has ended: for the first of them, since a broker goes with its server."""
    if all(member.alive() for member in watched):
        return
    raise next(member for member in watched if not member.alive()).died()
