"""What kind of measurement a scenario is, what publishes in it, and which questions it answers for all others."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from bench.scenarios._parameters import Parameter, Values


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages are published on an open-loop schedule while all subscribers are connected."""


MESSAGES = Messages()


@dataclass(frozen=True, slots=True)
class IdleSteps:
    """Subscribers connect step by step and nothing is published: after each step the server is idle and its memory is
    read.

    settle_s: how long the server is observed at a time until it is idle.
    """

    steps: Parameter[list[int]]
    settle_s: Parameter[float]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """All subscribers connect at once and disconnect at once.

    at_once: the largest number of connects in progress. probes: whether probes are published after the disconnects.
    """

    at_once: Parameter[int]
    probes: Callable[[Values], bool]


@dataclass(frozen=True, slots=True)
class Search:
    """The highest rate with a p99 latency within the bound: every tested rate is a trial of its own."""

    bound_s: Parameter[float]


Kind = Messages | IdleSteps | Arrivals | Search


class Publishes(enum.Enum):
    """What publishes: the publisher process, every subscriber upstream, or nothing."""

    PUBLISHER = "publisher"
    SUBSCRIBERS = "subscribers"
    NOTHING = "nothing"


class Question(enum.Enum):
    """Questions of claims, laws, the decision table and the advice; one scenario answers each, for all variants."""

    FRESHNESS = "how fresh a message arrives, and what its delivery costs"
    ROUND_TRIP = "how long a message takes to its own sender, and what that costs"
    CONNECTION = "what a connection costs that carries no message"
