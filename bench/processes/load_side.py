"""The load side of a trial: the publisher, the Locust processes with the subscribers, and the proxy in front of the
server."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence

from bench.processes.environment import ROOT, locust
from bench.processes.member import Member, answer, end_with_parent
from bench.processes.orders import CONTROL, MASTER, Disturb, Listening, ProxyHello, PublisherHello
from bench.processes.server import Server

LOCUSTFILE = ROOT / "bench" / "load" / "locustfile.py"
STOP_AT_ONCE = ("--stop-timeout", "0")


class Publisher(Member):
    """The publisher, connected to the ingest port of a server from `connect` on."""

    def __init__(self, cores: tuple[int, ...]) -> None:
        super().__init__("publisher", [sys.executable, "-m", "bench.load.publisher"], cores)

    def connect(self, server: Server, seed: int, payload_bytes: int) -> None:
        """Have the publisher connect to the server and compose messages of this size."""
        port, token = server.ingest_port, server.token
        self.send(PublisherHello(ingest_port=port, token=token, seed=seed, payload_bytes=payload_bytes))


class Proxy(Member):
    """The proxy between subscribers and server, which emulates a path; it listens on `port` from `open` on."""

    def __init__(self, cores: tuple[int, ...]) -> None:
        super().__init__("proxy", [sys.executable, "-m", "bench.proxy"], cores)
        self.port = 0

    def open(self, server: Server, path: str, seed: int, timeout_s: float = 15.0) -> None:
        """Have the proxy listen and carry connections to the server over the path of this name. Raises TimedOut, Died,
        Misfit."""
        self.send(ProxyHello(port=server.port, path=path, seed=seed))
        self.port = answer(self, Listening, timeout_s, []).port

    def disturb(self, from_ns: int, until_ns: int) -> None:
        """Let stalls and resets begin between these moments, if the path has any."""
        self.send(Disturb(from_ns=from_ns, until_ns=until_ns))


class Load(Member):
    """One Locust process with subscribers of a trial. Orders go over a socket because Locust uses its own streams.

    With a `master`, it is one of several and gets its users from there.
    """

    folder = LOCUSTFILE.parent

    def __init__(self, users: int, cores: tuple[int, ...], master: Master | None = None) -> None:
        self._control, self._far_end = socket.socketpair()
        role = master.worker_options if master else _headless(users)
        command, environment = locust(LOCUSTFILE, *STOP_AT_ONCE, *role)
        super().__init__("load generator", command, cores, environment | {CONTROL: str(self._far_end.fileno())})
        self._far_end.close()

    def _start(self, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        self._in = self._out = self._control.fileno()
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
            start_new_session=True, pass_fds=[self._far_end.fileno()], preexec_fn=end_with_parent,
        )  # fmt: skip

    def end(self, *, gently: bool) -> None:
        super().end(gently=gently)
        self._control.close()


class Master(Member):
    """The master of Locust, on loopback: it spreads the users evenly over its workers and has none itself."""

    folder = LOCUSTFILE.parent

    def __init__(self, users: int, workers: int, cores: tuple[int, ...]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
        self.worker_options = ("--worker", "--master-host", "127.0.0.1", "--master-port", port)
        options = ("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port,
                   "--expect-workers", str(workers), *_headless(-(-users // workers) * workers))  # fmt: skip
        command, environment = locust(LOCUSTFILE, *STOP_AT_ONCE, *options)
        super().__init__("master of the load generator", command, cores, environment | {MASTER: "1"})


def _headless(users: int) -> tuple[str, ...]:
    return ("--headless", "--users", str(users), "--spawn-rate", str(max(users, 1)))


def load_side(users: int, workers: int, cores: tuple[int, ...]) -> tuple[list[Load], list[Master]]:
    """The Locust processes that share `users`, each on a core of its own while there are enough cores, and their
    master if there are several.
    """
    if workers == 1:
        return [Load(users, cores)], []
    master = Master(users, workers, cores)
    own = [(cores[number % len(cores)],) if cores else () for number in range(workers)]
    return [Load(users, one, master) for one in own], [master]
