"""What short and long polling share: one GET per poll on a keep-alive connection. Its answer carries texts, one per
line, and the cursor after which the next poll resumes.
"""

from __future__ import annotations

import abc
import re
from typing import TYPE_CHECKING, NamedTuple

from bench.clients import Subscription
from bench.clients._http import Response, ResponseParser, build_request
from bench.clients._subscriber import HttpSubscriber
from bench.reactor.errors import ProtocolError, describe

if TYPE_CHECKING:
    from bench.reactor.reactor import Reactor

MARGIN_S = 15.0  # for an answer, beyond the time for which the server may hold it

_CURSOR = re.compile(rb"[0-9A-Za-z-]{1,32}:[0-9]{1,18}").fullmatch


class _Answer(NamedTuple):
    """What an answer to a poll contains."""

    texts: list[bytes]
    cursor: bytes
    gap: bool
    keep_alive: bool


class _Latest:
    """The bytes that were last parsed as exactly one answer, and that answer.

    In a broadcast the next subscriber's poll is answered with the same bytes.
    """

    __slots__ = ("answer", "data")

    def __init__(self) -> None:
        self.data = b""
        self.answer = _Answer([], b"", False, True)


_LATEST = _Latest()


class PollProtocol:
    """Polls of one topic, one at a time.

    waiting: a poll was sent and is not yet answered. keep_alive: the next poll may use the same connection.
    end_reason: why no text can come any more (the server broke the rules); empty before that.
    """

    __slots__ = ("_cursor", "_end", "_parser", "_start", "end_reason", "gaps", "keep_alive", "waiting")

    def __init__(self, authority: str, path: str, after: str | None) -> None:
        # the bytes of every request, before and after the place where the query continues
        self._start, self._end = build_request("GET", path + "{more}", authority).split(b"{more}")
        self._cursor = after.encode("ascii") if after else b""
        self._parser = ResponseParser()
        self.gaps = 0
        self.keep_alive = True
        self.waiting = False
        self.end_reason = ""

    @property
    def cursor(self) -> str | None:
        """Where the next poll resumes; None before the first answer to a new subscriber."""
        return self._cursor.decode("ascii") or None

    def request(self, query: bytes = b"") -> bytes:
        """The next poll, to be sent, with `query` added. Raises RuntimeError while one is waiting."""
        if self.waiting:
            raise RuntimeError("one poll at a time")
        if not self.keep_alive:
            self._parser = ResponseParser()
        self.waiting = self.keep_alive = True
        if self._cursor:
            query = b"&after=" + self._cursor + query
        return self._start + query + self._end

    def feed(self, data: bytes) -> list[bytes]:
        """The texts of the answer that `data` completes, in order. The caller must not change the list."""
        at_boundary = not self._parser.has_begun
        if at_boundary and data == _LATEST.data and self.waiting and not self.end_reason:
            return self._accept(_LATEST.answer)
        texts: list[bytes] = []
        if self.end_reason:
            return texts
        answers: list[_Answer] = []
        try:
            for response in self._parser.feed(data):
                answers.append(_read(response, self.waiting))
                texts += self._accept(answers[-1])
        except ProtocolError as error:
            self.end_reason = describe(error)
        if at_boundary and len(answers) == 1 and not self._parser.has_begun and not self.end_reason:
            _LATEST.data, _LATEST.answer = data, answers[0]
        return texts

    def _accept(self, answer: _Answer) -> list[bytes]:
        self.waiting = False
        self.keep_alive = answer.keep_alive
        self._cursor = answer.cursor
        self.gaps += answer.gap
        return answer.texts


def _read(response: Response, waiting: bool) -> _Answer:
    status, headers, keep_alive, body = response
    if not waiting:
        raise ProtocolError("answer without a poll")
    if status != 200:
        raise ProtocolError(f"poll answered with status {status}")
    cursor = headers.get(b"push-cursor", b"")
    if _CURSOR(cursor) is None:
        raise ProtocolError("poll answered without a cursor")
    if body and not body.endswith(b"\n"):
        raise ProtocolError("last text not ended by a line feed")
    return _Answer(body[:-1].split(b"\n") if body else [], cursor, b"push-gap" in headers, keep_alive)


class PollingSubscriber(HttpSubscriber):
    """A subscriber that polls. The first poll subscribes: its answer carries the cursor of the topic's end.

    If the server closes the connection with an answer, the next poll opens another. If it closes it at another time,
    that is an error.
    """

    __slots__ = ("_protocol",)

    def __init__(self, reactor: Reactor, subscription: Subscription) -> None:
        super().__init__(reactor, subscription)
        path = self._path("subscribe", {})
        self._cursored = self._protocol = PollProtocol(subscription.target.authority, path, subscription.after)

    def receive(self, data: bytes, now_ns: int) -> None:
        protocol = self._protocol
        texts = protocol.feed(data)
        if not protocol.waiting and not protocol.end_reason:
            self._confirm(now_ns)
        if not self._deliver(texts, now_ns):
            return
        if protocol.end_reason:
            self.lost(protocol.end_reason)
        elif not protocol.waiting:
            if not protocol.keep_alive:
                self._disconnect()
            self._on_answer()

    @abc.abstractmethod
    def _on_answer(self) -> None:
        """A poll was answered and its texts were delivered. The next poll may be sent."""

    def _begin(self) -> None:
        self._poll()

    def _silence_ns(self) -> int:
        return round((self._held_s() + MARGIN_S) * 1e9)

    @abc.abstractmethod
    def _held_s(self) -> float:
        """The longest time between an answer and the next, if the server sends each when it is due."""

    def _poll(self, query: bytes = b"") -> None:
        self._request(self._protocol.request(query))

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
