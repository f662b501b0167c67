"""Who is told that a socket can be read or written. Two ways with one face.

One epoll of our own, watched by one gevent io watcher, costs about a tenth less per message than an io watcher per
socket: a burst is fetched in batches, and libev's bookkeeping is paid per batch. Where there is no epoll, one watcher
per socket does the same.

It is a tenth less again where the epoll, once it has been served, waits by itself for what comes next (`lingers`): a
message that wakes us then costs one wait and not two, and libev nothing. Whatever else the hub has to do must wait.

Readiness is level-triggered in both: who leaves bytes unread is called again. A callback may be called when there is
nothing to read (its file descriptor may have been closed and given out anew within one batch), and must bear it.
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
_ROUNDS = 4  # batches before the hub gets its turn: some milliseconds of work at most
_TURN_NS = 5_000_000  # how long one lingers before the hub gets its turn
# No message within that time, and the hub gets its turn too. With waits of 1 ms nothing was gained (measured), perhaps
# because each then sets the kernel's next timer anew, which is dear in a virtual machine.
_PATIENCE_S = 0.02
_LOOP_READ, _LOOP_WRITE = 1, 2  # libev's EV_READ, EV_WRITE


class Watched(Protocol):
    """Whoever owns a file descriptor. Neither method may block; what they raise is printed by the hub."""

    def on_readable(self) -> None:
        """There is something to read, an end or an error; or nothing at all."""

    def on_writable(self) -> None:
        """There is room to write. Called only while `watch_writable` is on."""


class Readiness(Protocol):
    """Calls back from the hub; nothing here switches greenlets.

    lingers: for whom nothing else on the hub is urgent. It may then wait for 25 ms until it gets its turn, and no two
    of one hub may linger: either would keep the other from its sockets.
    """

    lingers: bool

    def watch(self, fd: int, watched: Watched) -> None:
        """Call `watched.on_readable` whenever there is something to read."""

    def watch_readable(self, fd: int, on: bool) -> None:
        """Stop calling `on_readable` of the watched `fd`, or begin again. An error or a hang-up may still be told."""

    def watch_writable(self, fd: int, on: bool) -> None:
        """Begin or stop calling `on_writable` of the watched `fd`."""

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
        # By file descriptor: a list, because a lookup in a dictionary would also touch the key's memory. A burst to
        # a thousand subscribers finds all their memory cold, and every cache line costs more than a line of code.
        self._watched: list[Watched | None] = []
        self._masks: dict[int, int] = {}  # what each is watched for
        self.lingers = False
        self._paused = False
        self._watcher = loop.io(self._epoll.fileno(), _LOOP_READ)
        self._watcher.start(self._drain)

    def watch(self, fd: int, watched: Watched) -> None:
        self._epoll.register(fd, _READ)
        self._masks[fd] = _READ
        self._watched.extend([None] * (fd + 1 - len(self._watched)))
        self._watched[fd] = watched

    def watch_readable(self, fd: int, on: bool) -> None:
        # an error or a hang-up cannot be left out: at the edge it is told once, and not again and again
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
        """Serve what is ready and, where we linger, what comes soon after."""
        for _ in range(_ROUNDS):
            if self._serve(0) < _BATCH:
                break
        turn_ns = monotonic_ns() + _TURN_NS if self.lingers else 0
        while self.lingers and self._serve(_PATIENCE_S) and monotonic_ns() < turn_ns:
            pass

    def _serve(self, patience_s: float) -> int:
        """Wait so long for a batch and serve it; its size, 0 where nothing came or may come any more."""
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
        # an error or a hang-up without bytes is learnt by reading
        if mask & ~_WRITE and self._watched[fd] is watched:
            watched.on_readable()


class WatcherReadiness:
    """One gevent watcher per file descriptor and direction. It never lingers."""

    def __init__(self, loop: Any) -> None:
        self.lingers = False
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
    # Never let it reach gevent: gevent stops the watcher whose callback raises, and with it everything would stop.
    gevent.get_hub().handle_error(context, *sys.exc_info())


def has_epoll() -> bool:
    """Whether this system has epoll, whatever gevent has removed from `select`."""
    try:
        monkey.get_original("select", "epoll")
    except AttributeError:
        return False
    return True
