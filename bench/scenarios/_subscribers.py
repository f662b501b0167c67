"""What the subscribers of a scenario do: topics and senders, cuts of connections, and how a slow one reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.messages import ONE_SENDER
from bench.scenarios._parameters import SUBSCRIBERS, Parameter, Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Which subscribers receive whose messages. The functions get the number of a subscriber, from 0, and the
    parameters of the trial.

    topic: what is appended to the topic of the trial. hears: the numbers of the subscribers that publish on its topic,
    or ONE_SENDER. first_number: the number that its own first message carries.
    receivers: how many subscribers one message goes to. alone: whether each is the only one on its topic.
    """

    topic: Callable[[int, Values], str] = lambda _, __: ""
    hears: Callable[[int, Values], range] = lambda _, __: ONE_SENDER
    first_number: Callable[[int, Values], int] = lambda _, __: 0
    receivers: Callable[[Values], int] = SUBSCRIBERS.of
    alone: bool = False


ONE_TOPIC = Audience()
OWN_TOPICS = Audience(topic=lambda number, _: f".{number}", receivers=lambda _: 1, alone=True)


@dataclass(frozen=True, slots=True)
class Cuts:
    """The connection of every subscriber is reset after 0.5 to 1.5 times `every_s`. It reconnects after `away_s`, or
    later if the server requests it. This repeats as long as it can reconnect before the measured part ends."""

    every_s: Parameter[float]
    away_s: Parameter[float]


@dataclass(frozen=True, slots=True)
class Speed:
    """From `after_s` after the previous change (the first: after the start of the measured part) the subscriber reads
    `bytes_per_s`; None: as fast as it can."""

    after_s: float
    bytes_per_s: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """One subscriber with counts of its own: its deliveries and bytes are not measured with those of the others.

    number: its number. from_s: the time in the measured part from which it may read slowly; the server's memory before
    and after is recorded. speeds: how it reads from then on; none: like the others.
    """

    number: Callable[[Values], int]
    from_s: Parameter[float]
    speeds: Callable[[Values], Sequence[Speed]]
