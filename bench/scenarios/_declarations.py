"""All that a scenario file imports. It declares one `SCENARIO`, with small pure functions beside it.

Nothing here, and nothing that a scenario file does, starts a process, opens a socket or imports the load generator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.messages import SENDER_STRIDE
from bench.paths import CALM_NS, DIRECT, PATHS
from bench.results import Outage, Restart
from bench.scenarios import _bounds
from bench.scenarios._actions import Action, AfterDrain, Away, Held, Part, ServerSide, served_again
from bench.scenarios._faults import FaultName, Faults
from bench.scenarios._kinds import MESSAGES, Arrivals, IdleSteps, Kind, Publishes, Question, Search
from bench.scenarios._metrics import OwnMetric
from bench.scenarios._needs import BROKER, Need, Served
from bench.scenarios._parameters import (
    DRAIN_S,
    HOLD_S,
    MEASURE_S,
    PATH,
    PAYLOAD_BYTES,
    POLL_INTERVAL_S,
    PROFILES,
    RATE_HZ,
    SUBSCRIBERS,
    WARM_UP_S,
    Parameter,
    Values,
    nearest,
)
from bench.scenarios._reports import Medians, Ranking
from bench.scenarios._subscribers import ONE_TOPIC, OWN_TOPICS, Apart, Audience, Cuts, Speed
from bench.schedule import sequences

__all__ = [
    "BROKER", "DIRECT", "DRAIN_S", "HOLD_S", "MEASURE_S", "ONE_TOPIC", "OWN_TOPICS", "PATH", "PATHS",
    "PAYLOAD_BYTES", "POLL_INTERVAL_S", "RATE_HZ", "SENDER_STRIDE", "SUBSCRIBERS", "WARM_UP_S", "Action",
    "AfterDrain", "Apart", "Arrivals", "Audience", "Away", "Cuts", "FaultName", "Faults", "Held", "IdleSteps",
    "Medians", "Need", "Outage", "OwnMetric", "Parameter", "Part", "Publishes", "Question", "Ranking", "Restart",
    "Scenario", "Search", "ServerSide", "Speed", "Values", "over_in_time", "served_again",
]  # fmt: skip


def over_in_time(after_s: Parameter[float], lasts_s: Callable[[Values], float] = lambda _: 0.0) -> Callable[..., str]:
    """A check for `Scenario.checks`: what begins `after_s` into the measured part must be over when that ends."""

    def check(values: Values) -> str:
        if after_s.of(values) + lasts_s(values) < MEASURE_S.of(values):
            return ""
        return (
            f"what begins after {after_s.name}={after_s.of(values):g} must be over within"
            f" measure_s={MEASURE_S.of(values):g}"
        )

    return check


def _unchanged(values: Values) -> Mapping[str, Any]:
    return values


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One workload, whole. The catalogue adds its name, that of its file, and its description, the first line of the
    file's docstring.

    parameters: with their values, in the order in which they are stored. checks: what must hold between them, each a
    function that says what does not, or nothing. adjusted: the parameters of a trial after one was changed.
    since: the smallest profile that it is part of without being asked for. hidden: it serves the instrument, and is
    neither listed nor chosen by a person. variant: the only one that takes part; empty: all that have what it `needs`.
    controls: every block also holds the harness floor and an A/A twin.
    answers: the questions that others ask of this scenario.

    publishes, audience, burst (the number of messages that are due at once), proxied (subscribers reach the server
    through a proxy even if the path adds nothing): how messages flow.
    reconnects: subscribers lose their connection on purpose and reconnect. Messages that one of them lost while it was
    disconnected have no latency, so latencies are not compared.
    cuts, apart, action: what is done to all subscribers, to one of them, to the server. injects: the parameter that
    names the delay or fault that the server itself adds. faults: the injected faults, and how they are compared.
    metrics: those that only this scenario has.
    load: what is sent to how many subscribers, in words with `{name}` for a parameter, for the caption of the decision
    table; empty: it is not there. reports: the paragraph of the report about it; empty: it has none of its own.
    """

    name: str = ""
    description: str = ""
    parameters: tuple[Parameter[Any], ...]
    checks: tuple[Callable[[Values], str], ...] = ()
    adjusted: Callable[[Values], Mapping[str, Any]] = _unchanged
    kind: Kind = MESSAGES
    since: str = "quick"
    hidden: bool = False
    variant: str = ""
    needs: Need | None = None
    controls: bool = True
    answers: frozenset[Question] = frozenset()
    publishes: Publishes = Publishes.PUBLISHER
    audience: Audience = ONE_TOPIC
    burst: Parameter[int] | None = None
    proxied: bool = False
    reconnects: bool = False
    cuts: Cuts | None = None
    apart: Apart | None = None
    action: Action | None = None
    injects: Parameter[str] | None = None
    faults: Faults | None = None
    metrics: tuple[OwnMetric, ...] = ()
    load: str = ""
    reports: tuple[Ranking | Medians, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError for a declaration that cannot be measured."""
        names = [one.name for one in self.parameters]
        if len(set(names)) < len(names):
            raise ValueError(f"a parameter is declared twice: {', '.join(sorted(names))}")
        if self.since not in PROFILES:
            raise ValueError(f"no profile {self.since!r}; {nearest(self.since, PROFILES)}")
        needed: tuple[Parameter[Any], ...] = (PAYLOAD_BYTES, POLL_INTERVAL_S, HOLD_S, MEASURE_S)
        needed += () if isinstance(self.kind, IdleSteps) else (SUBSCRIBERS, RATE_HZ, WARM_UP_S)
        if missing := [one.name for one in needed if one.name not in names]:
            raise ValueError(f"these parameters are missing: {', '.join(missing)}")
        for profile in PROFILES:
            self.settled(profile, {})

    @property
    def known(self) -> dict[str, Parameter[Any]]:
        """The parameters by name."""
        return {one.name: one for one in self.parameters}

    def settled(self, profile: str, changes: Values) -> dict[str, Any]:
        """The parameters of a trial. Raises ValueError for a change that no parameter of this name and type takes, and
        for parameters that do not go together."""
        known = self.known
        values = {name: one.within(profile) for name, one in known.items()}
        try:
            for name, value in changes.items():
                if name not in known:
                    raise ValueError(f"no parameter {name!r}; {nearest(name, known)}")
                values[name] = known[name].checked(value)
            self._check(values)
        except ValueError as mistake:
            raise ValueError(f"{self.name}: {mistake}") from mistake
        return values

    def _check(self, values: Values) -> None:
        driven = self.adjusted(values)
        for check in (*self.checks, self._path_fits, self._traffic_fits):
            if reason := check(driven):
                raise ValueError(reason)

    def _traffic_fits(self, values: Values) -> str:
        """Why a server, a path or the numbers of messages have no room for what is published; empty where they have."""
        traffic = self.traffic(values)
        if traffic is None:
            return ""
        checks = (_bounds.burst_fits, _bounds.topics_fit, _bounds.numbers_fit)
        reasons = [check(traffic) for check in checks]
        return next(filter(None, [*reasons, _bounds.path_carries(traffic, PATHS[values.get(PATH.name, DIRECT)])]), "")

    def traffic(self, values: Values) -> _bounds.Traffic | None:
        """What is published in a trial; None where nothing is."""
        if self.publishes is Publishes.NOTHING:
            return None
        subscribers, receivers = SUBSCRIBERS.of(values), self.audience.receivers(values)
        _, messages = sequences(values, self.burst_size(values))
        return _bounds.Traffic(
            topics=-(-subscribers // receivers),
            senders=len(self.audience.hears(0, values)),
            burst=self.burst_size(values),
            payload_bytes=PAYLOAD_BYTES.of(values),
            rate_hz=RATE_HZ.of(values),
            messages=messages,
            last_number=self.audience.first_number(subscribers - 1, values) + messages - 1,
        )

    def polls_too_seldom(self, values: Values) -> str:
        """Why a subscriber that polls cannot receive every message in time by the rules alone; empty where it can."""
        interval_s, traffic = POLL_INTERVAL_S.of(values), self.traffic(values)
        if isinstance(self.kind, Search):
            bound_s = self.kind.bound_s.of(values)
            late = (
                f"poll_interval_s={interval_s:g}: a poll comes later than {self.kind.bound_s.name}={bound_s:g} allows"
            )
            return late if interval_s > bound_s else ""
        return _bounds.polls_suffice(traffic, interval_s) if traffic else ""

    def _path_fits(self, values: Values) -> str:
        """Why these parameters cannot be measured over their path; empty where they can."""
        path = PATHS[values.get(PATH.name, DIRECT)]
        if self.publishes is Publishes.SUBSCRIBERS and path.life_ns is not None:
            return "a subscriber that publishes does not reconnect, so no path can reset its connections"
        begins_ns = max((span[1] for span in (path.life_ns, path.stall_every_ns) if span), default=0)
        least_s = (CALM_NS + begins_ns) / 1e9
        if begins_ns and MEASURE_S.of(values) < least_s:
            return f"on the path {path.name!r} measure_s must be at least {least_s:g}"
        return ""

    def driven(self, values: Values, changes: Values) -> dict[str, Any]:
        """The parameters of one trial: those of the run, with what its point of a sweep changes."""
        return dict(self.adjusted({**values, **changes}))

    def subscribers(self, values: Values) -> int:
        """How many subscribers there are at most."""
        return max(self.kind.steps.of(values)) if isinstance(self.kind, IdleSteps) else SUBSCRIBERS.of(values)

    def receivers(self, values: Values) -> int:
        """How many of the subscribers that are measured together get every message."""
        return self.audience.receivers(values) - (self.apart is not None)

    def burst_size(self, values: Values) -> int:
        """How many messages are due at once."""
        return self.burst.of(values) if self.burst else 1

    def injected(self, values: Values) -> str:
        """Which delay or fault the server adds itself; empty: none."""
        return self.injects.of(values) if self.injects else ""

    def is_control(self, values: Values) -> bool:
        """Whether a trial is one with which those that have a fault are compared."""
        return self.faults is not None and self.faults.is_control(values)

    @property
    def replaces_server(self) -> bool:
        """Whether the server exits in the measured part and a successor starts."""
        return self.action is not None and self.action.stores is Restart

    @property
    def takes_away(self) -> bool:
        """Whether something that subscribers depend on is absent for a while."""
        return self.action is not None and self.action.stores is Outage

    def through_proxy(self, values: Values) -> bool:
        """Whether subscribers reach the server through a proxy."""
        return self.proxied or values.get(PATH.name, DIRECT) != DIRECT

    def lacking(self, variant: Served) -> str:
        """Why a variant takes no part in the scenario; empty if it does."""
        return self.needs.lacking(variant) if self.needs else ""
