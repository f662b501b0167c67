"""Which sockets can be read or written: two implementations of one interface, `Readiness`.

`EpollReadiness` has one epoll of its own, watched by one gevent io watcher. It costs about a tenth less per message
than an io watcher per socket: a burst is fetched in batches, and libev's bookkeeping is paid per batch. Where there is
no epoll, `WatcherReadiness` has one io watcher per socket.

It costs another tenth less where the epoll bypasses the hub (`bypasses_hub`): once its batches are served it waits for
the next by itself. A message that ends this wait costs one wait and not two, and no work of libev. Everything else on
the hub must wait meanwhile.

Readiness is level-triggered in both: a callback that leaves bytes unread is called again. A callback may be called when
there is nothing to read (a file descriptor may have been closed and reused within one batch), and must tolerate it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import monotonic_ns
from typing import Any, Protocol

import gevent
from gevent import monkey

_READ, _WRITE = 1, 4  # EPOLLIN, EPOLLOUT
_EDGE = 1 << 31  # EPOLLET
_BATCH = 128
_ROUNDS = 4  # batches before the hub runs: some milliseconds of work at most
_TURN_NS = 5_000_000  # how long the epoll bypasses the hub before the hub runs
# Without a message within that time the hub runs too. Waits of 1 ms gained nothing (measured), perhaps because each
# then sets the kernel's next timer anew, which is expensive in a virtual machine.
_PATIENCE_S = 0.02
_LOOP_READ, _LOOP_WRITE = 1, 2  # libev's EV_READ, EV_WRITE


class Watched(Protocol):
    """The owner of a file descriptor. Neither method may block; the hub prints what they raise."""

    def on_readable(self) -> None:
        """There is something to read, an end or an error; or nothing at all."""

    def on_writable(self) -> None:
        """There is room to write. Called only while `watch_writable` is on."""


class Readiness(Protocol):
    """Calls back from the hub; nothing here switches greenlets.

    bypasses_hub: sockets come before everything else on the hub, which may wait up to 25 ms. At most one object of a
    hub may have it set: two would keep each other from their sockets.
    """

    bypasses_hub: bool

    def watch(self, fd: int, watched: Watched) -> None:
        """Call `watched.on_readable` whenever there is something to read."""

    def watch_readable(self, fd: int, on: bool) -> None:
        """Stop or resume the calls of `on_readable` for the watched `fd`. An error or hang-up may still cause one."""

    def watch_writable(self, fd: int, on: bool) -> None:
        """Begin or stop calling `on_writable` for the watched `fd`."""

    def unwatch(self, fd: int) -> None:
        """Forget `fd`, which must still be open."""

    def pause(self) -> None:
        """Call nothing until `resume`: every subscriber of this reactor is a slow reader for that time."""

    def resume(self) -> None:
        """Call again."""

    def close(self) -> None:
        """Forget every file descriptor."""


class EpollReadiness:
    """One epoll, drained from one gevent watcher."""

    def __init__(self, loop: Any) -> None:
        # gevent's patching removes epoll from `select`; the original does not block with a timeout of zero
        self._epoll = monkey.get_original("select", "epoll")()
        self._poll = self._epoll.poll
        # By file descriptor: a list, because a lookup in a dictionary would also read the key's memory. A burst to a
        # thousand subscribers finds all their memory cold, and every cache line costs more than a line of code.
        self._watched: list[Watched | None] = []
        self._masks: dict[int, int] = {}  # the events that each is watched for
        self.bypasses_hub = False
        self._paused = False
        self._watcher = loop.io(self._epoll.fileno(), _LOOP_READ)
        self._watcher.start(self._drain)

    def watch(self, fd: int, watched: Watched) -> None:
        self._epoll.register(fd, _READ)
        self._masks[fd] = _READ
        self._watched.extend([None] * (fd + 1 - len(self._watched)))
        self._watched[fd] = watched

    def watch_readable(self, fd: int, on: bool) -> None:
        # epoll always reports an error or a hang-up: edge-triggered it does so once, and not again and again
        self._change(fd, on=_READ if on else _EDGE, off=_EDGE if on else _READ)

    def watch_writable(self, fd: int, on: bool) -> None:
        self._change(fd, on=_WRITE if on else 0, off=0 if on else _WRITE)

    def unwatch(self, fd: int) -> None:
        self._watched[fd] = None
        del self._masks[fd]
        self._epoll.unregister(fd)

    def pause(self) -> None:
        self._paused = True
        self._watcher.stop()

    def resume(self) -> None:
        self._paused = False
        self._watcher.start(self._drain)

    def close(self) -> None:
        self._paused = True
        self._watcher.stop()
        self._watcher.close()
        self._epoll.close()

    def _change(self, fd: int, on: int, off: int) -> None:
        self._masks[fd] = mask = self._masks[fd] & ~off | on
        self._epoll.modify(fd, mask)

    def _drain(self) -> None:
        """Serve what is ready and, while the hub is bypassed, what becomes ready soon after."""
        for _ in range(_ROUNDS):
            if self._serve(0) < _BATCH:
                break
        turn_ns = monotonic_ns() + _TURN_NS if self.bypasses_hub else 0
        while self.bypasses_hub and self._serve(_PATIENCE_S) and monotonic_ns() < turn_ns:
            pass

    def _serve(self, patience_s: float) -> int:
        """Wait up to `patience_s` for a batch and serve it. Returns its size; 0 if none was ready, or while paused."""
        if self._paused:
            return 0
        events = self._poll(patience_s, _BATCH)
        all_watched = self._watched
        for fd, mask in events:
            watched = all_watched[fd]
            if watched is None:  # unwatched earlier in this batch
                continue
            try:
                if mask == _READ:
                    watched.on_readable()
                else:
                    self._call_both(fd, watched, mask)
            except Exception:
                _report(watched)
        return len(events)

    def _call_both(self, fd: int, watched: Watched, mask: int) -> None:
        if mask & _WRITE:
            watched.on_writable()
        # an error or a hang-up without bytes is found by reading
        if mask & ~_WRITE and self._watched[fd] is watched:
            watched.on_readable()


class WatcherReadiness:
    """One gevent watcher per file descriptor and direction. It never bypasses the hub."""

    def __init__(self, loop: Any) -> None:
        self.bypasses_hub = False
        self._loop = loop
        self._watched: dict[int, Watched] = {}
        self._readers: dict[int, Any] = {}
        self._writers: dict[int, Any] = {}
        self._paused = False

    def watch(self, fd: int, watched: Watched) -> None:
        self._watched[fd] = watched
        self._add(self._readers, fd, _LOOP_READ, watched.on_readable)

    def watch_readable(self, fd: int, on: bool) -> None:
        self._remove(self._readers, fd)
        if on:
            self._add(self._readers, fd, _LOOP_READ, self._watched[fd].on_readable)

    def watch_writable(self, fd: int, on: bool) -> None:
        self._remove(self._writers, fd)
        if on:
            self._add(self._writers, fd, _LOOP_WRITE, self._watched[fd].on_writable)

    def unwatch(self, fd: int) -> None:
        del self._watched[fd]
        self._remove(self._readers, fd)
        self._remove(self._writers, fd)

    def pause(self) -> None:
        self._paused = True
        for watcher in (*self._readers.values(), *self._writers.values()):
            watcher.stop()

    def resume(self) -> None:
        self._paused = False
        for fd, watcher in self._readers.items():
            watcher.start(self._call, fd, self._watched[fd].on_readable)
        for fd, watcher in self._writers.items():
            watcher.start(self._call, fd, self._watched[fd].on_writable)

    def close(self) -> None:
        for watchers in (self._readers, self._writers):
            for fd in list(watchers):
                self._remove(watchers, fd)

    def _add(self, watchers: dict[int, Any], fd: int, events: int, callback: Callable[[], None]) -> None:
        watchers[fd] = watcher = self._loop.io(fd, events)
        if not self._paused:
            watcher.start(self._call, fd, callback)

    def _call(self, fd: int, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:
            _report(fd)

    @staticmethod
    def _remove(watchers: dict[int, Any], fd: int) -> None:
        watcher = watchers.pop(fd, None)
        if watcher is not None:
            watcher.stop()
            watcher.close()


def _report(context: object) -> None:
    # Never let it reach gevent: gevent stops the watcher whose callback raises, and with it all other sockets.
    gevent.get_hub().handle_error(context, *sys.exc_info())


def has_epoll() -> bool:
    """Whether this system has epoll, even if gevent has removed it from `select`."""
    try:
        monkey.get_original("select", "epoll")
    except AttributeError:
        return False
    return True
