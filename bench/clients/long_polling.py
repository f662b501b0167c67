"""Long polling: one GET is always waiting at the server; as soon as it is answered the next one is sent.

What is published between an answer and the next poll waits for that poll. This turn-around is part of the technique, so
the next poll is sent in the same callback that delivered the texts.
"""

from __future__ import annotations

from bench.clients._polls import PollingSubscriber

PARAMETERS = ("hold_s",)


class Client(PollingSubscriber):
    """One keep-alive connection. The server answers the first poll at once, so that `open` does not wait."""

    __slots__ = ("_query",)

    def _begin(self) -> None:
        self._query = b"&hold=%g" % self.subscription.target.hold_s
        self._poll(b"&hold=0")

    def _held_s(self) -> float:
        return self.subscription.target.hold_s

    def _on_answer(self) -> None:
        self._poll(self._query)
