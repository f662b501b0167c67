"""A server process under test, and the deadlines that all tests share."""

import http.client
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
WITHIN_S = 10.0  # a test fails if a condition is not true within this time
TOKEN = "a-token"

_topics = itertools.count()


def eventually(true: Callable[[], object], what: str, within_s: float = WITHIN_S) -> None:
    """Wait until a condition is true."""
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, f"{what}: not within {within_s:g} s"
        time.sleep(0.005)


def new_topic() -> str:
    """A topic that no test has used."""
    return f"topic-{next(_topics)}"


def launch(*arguments: str, code: str | None = None, **environment: str) -> subprocess.Popen[str]:
    """`python -m servers` with these arguments, or `code` in its place, in an environment without PUSHBENCH_*."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PUSHBENCH_")}
    program = ["-m", "servers"] if code is None else ["-c", code]
    return subprocess.Popen(
        [sys.executable, *program, *arguments], cwd=ROOT, env=clean | environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def alive(pid: int) -> bool:
    """Whether a process runs. A zombie does not."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Server:
    """One variant in a process of its own, ready. `change` is code that runs in it first."""

    def __init__(self, name: str, change: str = "", **environment: str) -> None:
        self.name = name
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the server
        settings = {"PUSHBENCH_PARENT": str(os.getpid()), "PUSHBENCH_TOKEN": TOKEN, "PUSHBENCH_NONCE": "a-nonce"}
        changed = f"{change}\nfrom servers.__main__ import main\nmain()"
        program = ["-c", changed, name] if change else ["-m", "servers", name]
        self.process = subprocess.Popen(
            [sys.executable, *program], cwd=ROOT, env=os.environ | settings | environment, text=True,
            stdout=subprocess.PIPE, stderr=self._errors,
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"{name} did not become ready: {self.errors()}"
        self.ready: dict[str, Any] = json.loads(line)
        self._ingest: socket.socket | None = None

    @property
    def port(self) -> int:
        """The port for subscribers."""
        return int(self.ready["port"])

    @property
    def address(self) -> str:
        """Host and port for subscribers."""
        return f"127.0.0.1:{self.port}"

    def open_files(self) -> int:
        """The number of its open file descriptors."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def errors(self) -> str:
        """What it has written to stderr."""
        self._errors.seek(0)
        return self._errors.read()

    def connect(self) -> socket.socket:
        """A connection to it."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=WITHIN_S)

    def ingest(self, token: str = TOKEN) -> socket.socket:
        """A connection to its ingest that has sent the token."""
        connection = socket.create_connection(("127.0.0.1", self.ready["ingest_port"]), timeout=WITHIN_S)
        connection.sendall(token.encode() + b"\n")
        return connection

    def publish(self, topic: str, *texts: bytes) -> None:
        """Publish through the ingest, on one connection for all calls."""
        if self._ingest is None:
            self._ingest = self.ingest()
        self._ingest.sendall(b"".join(topic.encode() + b"\t" + text + b"\n" for text in texts))

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> http.client.HTTPResponse:
        """One request on a connection of its own. The answer's body is in `body`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WITHIN_S)
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        response.body = response.read()  # type: ignore[attr-defined]
        connection.close()
        return response

    def raw(self, data: bytes) -> bytes:
        """Send bytes, close the sending direction, and read to the end of the connection."""
        with self.connect() as connection:
            answer = b""
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                while block := connection.recv(65536):
                    answer += block
            except ConnectionError:
                pass  # the server closed while we were sending: the answer so far counts
        return answer

    def healthy(self) -> bool:
        """Whether /health answers with its pid, and no traceback was logged."""
        response = self.request("GET", "/health")
        facts = json.loads(response.body)  # type: ignore[attr-defined]
        return response.status == 200 and facts["pid"] == self.ready["pid"] and "Traceback" not in self.errors()

    def stop(self) -> tuple[int, float]:
        """Stop it by SIGTERM; its exit code and the seconds it took."""
        if self._ingest is not None:
            self._ingest.close()
            self._ingest = None
        started = time.monotonic()
        self.process.terminate()
        try:
            code = self.process.wait(WITHIN_S)
        finally:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()
        return code, time.monotonic() - started

    def close(self) -> None:
        """Stop it, if it still runs, and forget what it wrote."""
        self.stop()
        self._errors.close()
