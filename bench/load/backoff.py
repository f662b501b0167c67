"""How long a disconnected subscriber waits before each attempt: exponential backoff with full jitter.

The wait before attempt n is drawn evenly from 0 to min(cap, base x 2^n) (M. Brooker, "Exponential Backoff And Jitter",
AWS Architecture Blog, 2015). After the loss of a server the first attempt waits too: all subscribers lose the server at
the same moment, and without a wait all would reconnect at the moment at which its successor starts. With a base of one
second a tenth of them tries within any tenth of that second. A subscriber that was cut off alone competes with no
other, and tries at once.

A server may ask for a reconnection time (`retry` of Server-Sent Events). WHATWG HTML, 9.2.3, "reestablish the
connection": wait for that time, then optionally longer, with a backoff. So no subscriber tries earlier, and the base of
the backoff is the requested time, if that is longer.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

BASE_S, LONGEST_S = 1.0, 3.0


def waits_s(rng: random.Random, retry_s: float = 0.0, *, at_once: bool = False) -> Iterator[float]:
    """The waits before the attempts, in seconds, without end; `retry_s` is the time that the server requested."""
    if at_once:
        yield 0.0
    longest_s = max(BASE_S, retry_s)
    while True:
        yield retry_s + rng.uniform(0.0, longest_s)
        longest_s = min(max(LONGEST_S, retry_s), 2 * longest_s)
