"""The addresses that subscribers connect from: a source address has one port for every connection to a server. Pure."""

from __future__ import annotations

SUBSCRIBERS_PER_SOURCE = 10_000  # with a second connection upstream, below the ephemeral ports of a source address


def source(number: int) -> str:
    """The address from which subscriber `number` connects; empty: the one that the system chooses, for the first ones,
    so that they reach servers on other machines, too."""
    return address(number) if number >= SUBSCRIBERS_PER_SOURCE else ""


def address(number: int) -> str:
    """The loopback address of subscriber `number`."""
    return f"127.0.0.{1 + number // SUBSCRIBERS_PER_SOURCE}"


def by_source(subscribers: int) -> dict[str, int]:
    """The number of subscribers that connect from each address."""
    firsts = range(0, subscribers, SUBSCRIBERS_PER_SOURCE)
    return {address(first): min(SUBSCRIBERS_PER_SOURCE, subscribers - first) for first in firsts}
