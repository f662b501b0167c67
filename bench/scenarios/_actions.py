"""What a scenario does to the server side of a trial while it is measured, as functions over a narrow view of it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from bench.results import Outage, Restart
from bench.scenarios._parameters import Values


class Part(enum.StrEnum):
    """A process of the server side, by the name that records give it."""

    SERVER = "server"
    BROKER = "broker"


@dataclass(frozen=True, slots=True)
class Held:
    """What the server holds: open descriptors, and memory in bytes. None: not measurable here."""

    fds: int | None
    memory_bytes: int | None


class ServerSide(Protocol):
    """The server side of a trial while it is measured. Moments are those of the monotonic clock, in ns.

    Waiting, and starting a process, raise a ProcessError where a process of the trial has ended that was meant to live:
    the trial has then failed.
    """

    @property
    def values(self) -> Values:
        """The parameters of the trial."""

    @property
    def start_ns(self) -> int:
        """When the measured part begins."""

    @property
    def end_ns(self) -> int:
        """When the measured part ends."""

    def now_ns(self) -> int:
        """The time."""

    def wait_until(self, moment_ns: int) -> None:
        """Return at that moment."""

    def held(self) -> Held:
        """What the server holds now."""

    def replace_server(self, *, kill: bool) -> int:
        """End the server, by SIGTERM or SIGKILL, and start another in its place; when the old one had ended. Returns
        when the new one accepts subscribers."""

    def stopped(self, part: Part) -> AbstractContextManager[int]:
        """Stop a process (SIGSTOP) and continue it (SIGCONT) at the end of the `with`, whose value is when it was
        stopped."""

    def kill_broker(self) -> int:
        """Kill the broker (SIGKILL); when."""

    def replace_broker(self) -> None:
        """Start another broker in the place of the one that was killed, and wait until it accepts connections."""


class AfterDrain(Protocol):
    """The same trial after its drain."""

    @property
    def start_ns(self) -> int:
        """When the measured part began."""

    def held(self) -> Held:
        """What the server holds now."""

    def served_ns(self, from_ns: int) -> int | None:
        """How long after a moment all subscribers had a message that was due after it; None: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What is done to the server side, and what is stored of it.

    do: called once the trial is being measured; it decides itself when it acts, and what it returns is given to
    `settle` after the drain. settle: the fact to store, which is of the type `stores`. replaced: which processes do not
    live through the trial, so that what they used is not recorded.
    """

    do: Callable[[ServerSide], Any]
    settle: Callable[[AfterDrain, Any], Restart | Outage]
    stores: type[Restart] | type[Outage]
    replaced: Callable[[Values], Collection[Part]] = lambda _: ()


@dataclass(frozen=True, slots=True)
class Away:
    """When something that subscribers depend on was absent."""

    began_ns: int
    ended_ns: int


def served_again(after: AfterDrain, away: Away) -> Outage:
    """What is stored of an action that returns `Away`."""
    return Outage(
        began_ns=away.began_ns - after.start_ns,
        ended_ns=away.ended_ns - after.start_ns,
        recovered_ns=after.served_ns(away.ended_ns),
    )
