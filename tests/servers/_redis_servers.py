"""Redis servers for the tests: a fake one that refuses, delays or accepts few clients, and real ones with options."""

import socket
import subprocess
import threading
import time
from contextlib import contextmanager, suppress

from servers import _redis
from tests.servers._process import eventually

VERSION = "7.0.0"
UNKNOWN_COMMAND = "ERR unknown command `HELLO`, with args beginning with: `3`"
NOT_ALLOWED = "NOPERM this user has no permissions to run the command"


def bulk(text):
    data = text if isinstance(text, bytes) else text.encode()
    return b"$%d\r\n%s\r\n" % (len(data), data)


def push(*parts):
    encoded = [b":%d\r\n" % part if isinstance(part, int) else bulk(part) for part in parts]
    return b">%d\r\n" % len(parts) + b"".join(encoded)


class FakeRedis:
    """A thread per connection that speaks RESP 3. Use as a context manager.

    refuses: the error of every command that it does not carry out. delay_s: how long every answer takes. max_clients:
    connections beyond these are refused. info: what INFO answers.
    """

    def __init__(self, port=0, *, refuses=(), delay_s=0.0, max_clients=10_000, info=None):
        self.refuses, self.delay_s, self.max_clients = dict(refuses), delay_s, max_clients
        self.info = {"redis_version": VERSION} if info is None else info
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._open, self._subscribers, self._lock = set(), {}, threading.Lock()
        self.most_open = 0

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def serve(self):
        """Serve every connection until the listener is closed."""
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with self._lock:
            granted = len(self._open) < self.max_clients
            if granted:
                self._open.add(connection)
                self.most_open = max(self.most_open, len(self._open))
        with suppress(OSError), connection, connection.makefile("rb") as stream:
            if not granted:
                connection.sendall(b"-ERR max number of clients reached\r\n")
                return
            while words := self._command(stream):
                time.sleep(self.delay_s)
                answer = self._answer(connection, words[0].decode().upper(), words[1:])
                with self._lock:
                    connection.sendall(answer)
        with self._lock:
            self._open.discard(connection)
            for subscribers in self._subscribers.values():
                subscribers.discard(connection)

    def _command(self, stream):
        head = stream.readline()
        if not head.startswith(b"*"):  # the end, or TLS
            return None
        words = []
        for _ in range(int(head[1:])):
            size = int(stream.readline()[1:])
            words.append(stream.read(size + 2)[:-2])
        return words

    def _answer(self, connection, command, words):
        if command in self.refuses:
            return f"-{self.refuses[command]}\r\n".encode()
        if command == "HELLO":
            return b"%2\r\n" + bulk("version") + bulk(VERSION) + bulk("proto") + b":3\r\n"
        if command == "INFO":
            return bulk("".join(f"{key}:{value}\r\n" for key, value in self.info.items()))
        if command == "CONFIG":
            return b"%1\r\n" + bulk("maxclients") + bulk(str(self.max_clients))
        if command == "PUBLISH":
            return self._publish(*words)
        if command in ("SUBSCRIBE", "UNSUBSCRIBE"):
            subscribers = self._subscribers.setdefault(words[0], set())
            (subscribers.add if command == "SUBSCRIBE" else subscribers.discard)(connection)
            return push(command.lower(), words[0], 1)
        return b"+PONG\r\n" if command == "PING" else b"+OK\r\n"

    def _publish(self, channel, text):
        receivers = list(self._subscribers.get(channel, ()))
        for receiver in receivers:
            with self._lock, suppress(OSError):
                receiver.sendall(push("message", channel, text))
        return b":%d\r\n" % len(receivers)


def binary():
    """A real Redis server that can be started here; None if there is none."""
    return next((path for path, _ in _redis._candidates()), None)


def unavailable():
    """Why no Redis can be used here, or None."""
    return _redis.missing() or _redis.unusable(0)


def free_port():
    return _redis._free_port()


@contextmanager
def real_redis(*options, port=0, address="127.0.0.1", unix_socket=None):
    """A process of a real Redis with these options, ready: at a port of an address, or at a unix socket."""
    place = ["--unixsocket", str(unix_socket)] if unix_socket else ["--bind", address]
    plain = ["--save", "", "--appendonly", "no", "--dir", "/", "--dbfilename", "pushbench.none"]
    process = subprocess.Popen(
        [binary(), "--port", str(port), *place, *plain, *map(str, options)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, preexec_fn=_redis.die_with_parent,
    )  # fmt: skip
    try:
        eventually(lambda: connects((address, port), unix_socket), "the start of Redis")
        yield process
    finally:
        process.kill()
        process.wait()


def connects(place, unix_socket):
    family = socket.AF_UNIX if unix_socket else socket.AF_INET
    with socket.socket(family) as probe:
        return probe.connect_ex(str(unix_socket) if unix_socket else place) == 0
