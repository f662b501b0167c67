"""How long whoever is to come back waits before each attempt: exponential backoff with full jitter.

The wait before attempt n is drawn evenly from 0 to min(cap, base x 2^n) (M. Brooker, "Exponential Backoff And Jitter",
AWS Architecture Blog, 2015). After the loss of a server the first attempt waits too: everybody has lost it at the same
moment, and would be back at the same moment, when a successor has the least to spare. With a base of a second a tenth
of a second meets a tenth of them. Who alone was cut off has nobody to keep out of the way of and tries at once.

A server may ask for a reconnection time (`retry` of Server-Sent Events). WHATWG HTML, 9.2.3, "reestablish the
connection": wait as long as that, then perhaps some more, with a backoff. So nobody is earlier, and the base of the
backoff is what was asked for, if that is longer.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

BASE_S, LONGEST_S = 1.0, 3.0


def waits_s(rng: random.Random, retry_s: float = 0.0, *, at_once: bool = False) -> Iterator[float]:
    """How long to wait before one attempt after another, without end; `retry_s` is what the server asked for."""
    if at_once:
        yield 0.0
    longest_s = max(BASE_S, retry_s)
    while True:
        yield retry_s + rng.uniform(0.0, longest_s)
        longest_s = min(max(LONGEST_S, retry_s), 2 * longest_s)
