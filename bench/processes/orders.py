"""The orders of the bench to its processes, and their answers: one definition, used at both ends.

Each is one line of JSON. An order names itself in `do`, an answer in `done`. A line in which a key is unknown, missing
or of the wrong type is refused (see `bench.processes.lines`).

to                  order               answer
the publisher       PublisherHello      none
                    Probe               Probed, when the next order arrives
                    Stop                none
                    Publish             Published
the proxy           ProxyHello          Listening
                    Disturb             none
                    ReportCounts        ProxyCounts
a Locust process    Assemble            Assembled
                    Connect             Connected
                    Prime               Primed
                    DrainProbes         ProbesDrained
                    Measure             Measured
                    ReportConnecting    Connecting
                    Leave               Left
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from bench.measure.received import Receipts
from bench.results import Distribution, Parameter
from bench.schedule import Schedule

# Environment variables of a Locust process.
CONTROL = "PUSHBENCH_CONTROL"  # the descriptor over which it gets orders
MASTER = "PUSHBENCH_MASTER"  # set for the master, which gets none

Count = Annotated[int, msgspec.Meta(ge=0)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]


def _name(kind: str) -> str:
    """The name of a class as it stands in a line: DrainProbes is `drain_probes`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind).lstrip("_")


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="do", tag=_name):
    """What a process is to do."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="done", tag=_name):
    """What a process answers once an order is carried out."""


# The publisher


class PublisherHello(Order, frozen=True):
    """Where to publish, and what. `token` opens the ingest port of the server."""

    ingest_port: Port
    token: str
    seed: int
    payload_bytes: Count


class Probe(Order, frozen=True):
    """Publish a probe every `every_s` until the next order arrives."""

    topic: str
    every_s: Seconds


class Probed(Answer, frozen=True):
    """The number of probes that were published."""

    published: Count


class Stop(Order, frozen=True):
    """Publish no more probes."""


class Publish(Order, frozen=True):
    """Publish the messages 0 <= n < `count` of the schedule."""

    topic: str
    schedule: Schedule
    count: Count


class Published(Answer, frozen=True):
    """The number of messages that were sent, and of those that could not be because the server was gone. `slips_ns` has
    one entry per message: the moment of sending minus the due time."""

    published: Count
    unsent: Count
    slips_ns: list[int]


# The proxy


class ProxyHello(Order, frozen=True):
    """The port of the server, and the name of the path to it in `bench.paths.PATHS`."""

    port: Port
    path: str
    seed: int


class Listening(Answer, frozen=True):
    """The port on which the proxy accepts subscribers."""

    port: Port


class Disturb(Order, frozen=True):
    """Stalls and resets may begin between these moments."""

    from_ns: int
    until_ns: int


class ReportCounts(Order, frozen=True):
    """Report what the proxy has done so far."""


class ProxyCounts(Answer, frozen=True):
    """Connections that were carried, how many of them were reset, how often a direction stalled with bytes to hand on,
    and the pieces that were handed on."""

    connections: Count
    resets: Count
    stalls: Count
    pieces: Count


# A Locust process


class Assignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The server that a Locust process drives, and how.

    client, wire: the client half of the variant. scenario, parameters: what the subscribers do.
    share: (k, n) for the k-th of n processes, whose users are the subscribers k, k + n, k + 2n, ... of the trial.
    """

    host: str
    port: Port
    client: str
    wire: Mapping[str, str]
    topic: str
    seed: int
    scenario: str
    parameters: Mapping[str, Parameter]
    share: tuple[int, int] = (0, 1)


class Assemble(Order, frozen=True):
    """Make users that do not connect yet, so that making them does not count as connecting."""

    subscribers: Count
    timeout_s: Seconds


class Assembled(Answer, frozen=True):
    """Whether all users were made in time."""

    in_time: bool


class Connect(Order, frozen=True):
    """Open subscriptions until there are `subscribers`. Only the first of these orders has an assignment."""

    subscribers: Count
    timeout_s: Seconds
    assignment: Assignment | None = None


class Connected(Answer, frozen=True):
    """The number of subscriptions that were opened or failed to open, the number of errors, and the errors by kind."""

    settled: Count
    failed: Count
    errors: dict[str, int]


class Prime(Order, frozen=True):
    """Wait until every subscriber has received a probe. `upstream`: the subscribers publish the probes themselves, and
    wait `pause_s` before they publish a second one."""

    upstream: bool
    timeout_s: Seconds
    pause_s: Seconds


class Primed(Answer, frozen=True):
    """The number of subscribers that have received a probe, of how many, and the errors so far by kind."""

    primed: Count
    subscribers: Count
    errors: dict[str, int]


class DrainProbes(Order, frozen=True):
    """Wait until every subscriber has received the last of `published` probes, so that none is left in a queue."""

    published: Count
    timeout_s: Seconds


class ProbesDrained(Answer, frozen=True):
    """Whether the last probe reached all subscribers in time."""

    in_time: bool


class Measure(Order, frozen=True):
    """Warm up, measure the messages `first` <= n < `last` of the schedule, and drain for at most `drain_s`.
    `upstream`: the subscribers publish them."""

    schedule: Schedule
    first: Count
    last: Count
    drain_s: Seconds
    upstream: bool


class Measured(Answer, frozen=True):
    """What the subscribers of this process received in the measured part."""

    receipts: Receipts


class ReportConnecting(Order, frozen=True):
    """Report what connecting took."""


class Connecting(Answer, frozen=True):
    """How long subscriptions took to open (None: none opened), and the errors so far by kind."""

    connect: Distribution | None
    errors: dict[str, int]


class Leave(Order, frozen=True):
    """Close all subscriptions, with the farewell that the protocol has."""


class Left(Answer, frozen=True):
    """All subscriptions were closed."""


PublisherOrder = Probe | Stop | Publish
ProxyOrder = Disturb | ReportCounts
LoadOrder = Assemble | Connect | Prime | DrainProbes | Measure | ReportConnecting | Leave
