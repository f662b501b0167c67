"""What short and long polling share: one GET per poll on a keep-alive connection, whose answer carries texts, one per
line, and the cursor that the next poll resumes after.
"""

from __future__ import annotations

import abc
import re
from typing import TYPE_CHECKING, NamedTuple

from bench.clients import OnError, OnText, Target
from bench.clients._errors import ProtocolError, describe
from bench.clients._http import Response, ResponseParser, build_request
from bench.clients._subscription import HttpSubscription

if TYPE_CHECKING:
    from bench.clients._reactor import Reactor

_CURSOR = re.compile(rb"[0-9A-Za-z-]{1,32}:[0-9]{1,18}").fullmatch


class _Answer(NamedTuple):
    """What an answer to a poll says."""

    texts: list[bytes]
    cursor: bytes
    gap: bool
    keep_alive: bool


class _Latest:
    """The bytes that were last read as exactly one answer, and what they say: in a broadcast the next poll of somebody
    else is answered with the same.
    """

    __slots__ = ("answer", "data")

    def __init__(self) -> None:
        self.data = b""
        self.answer = _Answer([], b"", False, True)


_LATEST = _Latest()


class PollProtocol:
    """Polls of one topic, one at a time.

    waiting: a poll is on its way and not yet answered. keep_alive: the next poll may use the same connection.
    over: why there is nothing more to come (the server broke the rules); empty before that.
    """

    __slots__ = ("_cursor", "_end", "_parser", "_start", "gaps", "keep_alive", "over", "waiting")

    def __init__(self, authority: str, path: str, after: str | None) -> None:
        # the bytes of every request, but for the place in the middle where the query goes on
        self._start, self._end = build_request("GET", path + "{more}", authority).split(b"{more}")
        self._cursor = after.encode("ascii") if after else b""
        self._parser = ResponseParser()
        self.gaps = 0
        self.keep_alive = True
        self.waiting = False
        self.over = ""

    @property
    def cursor(self) -> str | None:
        """Where the next poll resumes; None before the first answer of a fresh subscriber."""
        return self._cursor.decode("ascii") or None

    def request(self, query: bytes = b"") -> bytes:
        """The next poll, to be sent; `query` is added to it. There must be none waiting."""
        if self.waiting:
            raise RuntimeError("one poll at a time")
        if not self.keep_alive:
            self._parser = ResponseParser()
        self.waiting = self.keep_alive = True
        if self._cursor:
            query = b"&after=" + self._cursor + query
        return self._start + query + self._end

    def feed(self, data: bytes) -> list[bytes]:
        """The texts of the answer that `data` completes, in order. Not to be changed."""
        begins = not self._parser.has_begun
        if begins and data == _LATEST.data and self.waiting and not self.over:
            return self._accept(_LATEST.answer)
        texts: list[bytes] = []
        if self.over:
            return texts
        answers: list[_Answer] = []
        try:
            for response in self._parser.feed(data):
                answers.append(_read(response, self.waiting))
                texts += self._accept(answers[-1])
        except ProtocolError as error:
            self.over = describe(error)
        if begins and len(answers) == 1 and not self._parser.has_begun and not self.over:
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


class PollingSubscription(HttpSubscription):
    """A subscriber that asks. Subscribing is the first poll: its answer says where the topic stands.

    A connection that the server closes with an answer is opened anew for the next poll; one that it closes otherwise
    is an error.
    """

    __slots__ = ("_protocol",)

    def __init__(
        self,
        reactor: Reactor,
        target: Target,
        topic: str,
        on_text: OnText,
        on_error: OnError,
        *,
        after: str | None = None,
        phase: float = 0.0,
    ) -> None:
        super().__init__(reactor, target, topic, on_text, on_error, after=after, phase=phase)
        self._cursored = self._protocol = PollProtocol(target.authority, self._path("subscribe", {}), after)

    def receive(self, data: bytes, now_ns: int) -> None:
        protocol = self._protocol
        texts = protocol.feed(data)
        if not protocol.waiting and not protocol.over:
            self._confirm(now_ns)
        if not self._deliver(texts, now_ns):
            return
        if protocol.over:
            self.lost(protocol.over)
        elif not protocol.waiting:
            if not protocol.keep_alive:
                self._hang_up()
            self._on_answer()

    @abc.abstractmethod
    def _on_answer(self) -> None:
        """A poll was answered; its texts were delivered, and the next one may be sent."""

    def _begin(self) -> None:
        self._poll()

    def _poll(self, query: bytes = b"") -> None:
        self._request(self._protocol.request(query))

    def _hang_up(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None
