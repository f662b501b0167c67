"""What kind of measurement a scenario is, who publishes in it, and which questions it answers for all others."""

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
    """Subscribers connect step by step and nothing is published: after each step the server is left alone and weighed.

    settle_s: how long the server is watched at a time until it has gone quiet.
    """

    steps: Parameter[list[int]]
    settle_s: Parameter[float]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """All subscribers connect at once and leave at once.

    at_once: how many connects may be under way. probes: whether probes are published after they have left.
    """

    at_once: Parameter[int]
    probes: Callable[[Values], bool]


@dataclass(frozen=True, slots=True)
class Search:
    """The highest rate at which 99 % of deliveries come within the bound: every rate tried is a trial of its own."""

    bound_s: Parameter[float]


Kind = Messages | IdleSteps | Arrivals | Search


class Publishes(enum.Enum):
    """Who publishes: the publisher process, every subscriber upstream, or nothing does."""

    PUBLISHER = "publisher"
    SUBSCRIBERS = "subscribers"
    NOTHING = "nothing"


class Question(enum.Enum):
    """What claims, laws, the decision table and the advice ask of one scenario each, for all variants."""

    FRESHNESS = "how fresh a message arrives, and what its delivery costs"
    ROUND_TRIP = "how long a message takes to its own sender, and what that costs"
    CONNECTION = "what a connection costs on which nothing is said"
