"""Who is told that a socket can be read or written. Two ways with one face.

One epoll of our own, watched by one gevent io watcher, costs about a tenth less per message than an io watcher per
socket: a burst is fetched in batches, and libev's bookkeeping is paid per batch. Where there is no epoll, one watcher
per socket does the same.

Readiness is level-triggered in both: who leaves bytes unread is called again. A callback may be called when there is
nothing to read (its file descriptor may have been closed and given out anew within one batch), and must bear it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from gevent import monkey

Callback = Callable[[], None]

_READ, _WRITE = 1, 4  # EPOLLIN, EPOLLOUT
_BATCH = 128
_ROUNDS = 4  # batches before the hub gets its turn: some milliseconds of work at most
_LOOP_READ, _LOOP_WRITE = 1, 2  # libev's EV_READ, EV_WRITE


class Readiness(Protocol):
    """Calls back from the hub; nothing here switches greenlets."""

    def watch(self, fd: int, on_readable: Callback) -> None:
        """Call `on_readable` whenever `fd` has something to read, an end or an error."""

    def watch_writable(self, fd: int, on_writable: Callback | None) -> None:
        """Call `on_writable` as well whenever the watched `fd` can be written; None ends that."""

    def unwatch(self, fd: int) -> None:
        """Forget `fd`, which must still be open."""

    def pause(self) -> None:
        """Call nobody until `resume`: every subscriber of this reactor is a slow reader for that time."""

    def resume(self) -> None:
        """Call again."""

    def close(self) -> None:
        """Forget everything."""


class EpollReadiness:
    """One epoll, drained from one gevent watcher."""

    def __init__(self, loop: Any) -> None:
        # gevent's patching removes epoll from `select`; the original does not block with a timeout of zero
        self._epoll = monkey.get_original("select", "epoll")()
        self._poll = self._epoll.poll
        self._readable: dict[int, Callback] = {}
        self._writable: dict[int, Callback] = {}
        self._watcher = loop.io(self._epoll.fileno(), _LOOP_READ)
        self._watcher.start(self._drain)

    def pause(self) -> None:
        self._watcher.stop()

    def resume(self) -> None:
        self._watcher.start(self._drain)

    def watch(self, fd: int, on_readable: Callback) -> None:
        self._epoll.register(fd, _READ)
        self._readable[fd] = on_readable

    def watch_writable(self, fd: int, on_writable: Callback | None) -> None:
        if on_writable is None:
            self._writable.pop(fd, None)
            self._epoll.modify(fd, _READ)
        else:
            self._writable[fd] = on_writable
            self._epoll.modify(fd, _READ | _WRITE)

    def unwatch(self, fd: int) -> None:
        del self._readable[fd]
        self._writable.pop(fd, None)
        self._epoll.unregister(fd)

    def close(self) -> None:
        self._watcher.stop()
        self._watcher.close()
        self._epoll.close()

    def _drain(self) -> None:
        poll, readable = self._poll, self._readable.get
        for _ in range(_ROUNDS):
            events = poll(0, _BATCH)
            for fd, mask in events:
                if mask == _READ:
                    callback = readable(fd)
                    if callback is not None:  # else closed earlier in this batch
                        callback()
                else:
                    self._on_more_than_readable(fd, mask)
            if len(events) < _BATCH or self._epoll.closed:
                return

    def _on_more_than_readable(self, fd: int, mask: int) -> None:
        if mask & _WRITE and (on_writable := self._writable.get(fd)) is not None:
            on_writable()
        # an error or a hang-up without bytes is learnt by reading
        if mask & ~_WRITE and (on_readable := self._readable.get(fd)) is not None:
            on_readable()


class WatcherReadiness:
    """One gevent watcher per file descriptor and direction."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop
        self._readers: dict[int, Any] = {}
        self._writers: dict[int, Any] = {}
        self._callbacks: dict[Any, Callback] = {}

    def pause(self) -> None:
        for watcher in (*self._readers.values(), *self._writers.values()):
            self._callbacks[watcher] = watcher.callback
            watcher.stop()

    def resume(self) -> None:
        while self._callbacks:
            watcher, callback = self._callbacks.popitem()
            watcher.start(callback)

    def watch(self, fd: int, on_readable: Callback) -> None:
        self._readers[fd] = self._start(fd, _LOOP_READ, on_readable)

    def watch_writable(self, fd: int, on_writable: Callback | None) -> None:
        self._stop(self._writers, fd)
        if on_writable is not None:
            self._writers[fd] = self._start(fd, _LOOP_WRITE, on_writable)

    def unwatch(self, fd: int) -> None:
        self._stop(self._readers, fd)
        self._stop(self._writers, fd)

    def close(self) -> None:
        for watchers in (self._readers, self._writers):
            for fd in list(watchers):
                self._stop(watchers, fd)

    def _start(self, fd: int, events: int, callback: Callback) -> Any:
        watcher = self._loop.io(fd, events)
        watcher.start(callback)
        return watcher

    @staticmethod
    def _stop(watchers: dict[int, Any], fd: int) -> None:
        watcher = watchers.pop(fd, None)
        if watcher is not None:
            watcher.stop()
            watcher.close()


def has_epoll() -> bool:
    """Whether this system has epoll, whatever gevent has removed from `select`."""
    try:
        monkey.get_original("select", "epoll")
    except AttributeError:
        return False
    return True
