"""How long trials are expected to take, by the arithmetic that also schedules their messages. Pure.

What no parameter decides is estimated; the records have the real durations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import servers
from bench import clients, scenarios
from bench.analysis.trials.rate_search import STRIDE
from bench.results import Planned
from bench.scenarios import POLL_INTERVAL_S, RATE_HZ, Arrivals, IdleSteps, Kind, Messages, Scenario, Search, Values
from bench.schedule import lasts_s
from bench.units import clock, duration

OVERHEAD_S = 1.6  # of a trial, outside its warm-up and measured part
SEARCH_STEPS = 9  # of a search for a capacity
ARRIVAL_S = 0.002  # until a subscriber of a storm has connected, was primed, and has left
POLLS = 3  # a subscriber that polls is waited for in priming, before the warm-up, and in the drain
MUCH_LONGER_S = 30.0  # than asked for: reported before a run


def expected_s(planned: Sequence[Planned], parameters: Mapping[str, Values]) -> float:
    """The estimated duration of the trials in seconds; `parameters` by scenario."""
    return sum(_trial_s(scenario, one.variant, values) for one, scenario, values in _driven(planned, parameters))


def notes(planned: Sequence[Planned], parameters: Mapping[str, Values]) -> list[str]:
    """One line for every kind of trial that takes far longer than asked for, naming the parameter."""
    lines = (_note(scenario, one.variant, values) for one, scenario, values in _driven(planned, parameters))
    return list(dict.fromkeys(filter(None, lines)))


def _driven(
    planned: Sequence[Planned], parameters: Mapping[str, Values]
) -> Iterator[tuple[Planned, Scenario, dict[str, Any]]]:
    for one in planned:
        scenario = scenarios.load(one.scenario)
        yield one, scenario, scenario.driven(parameters[one.scenario], one.changes)


def _trial_s(scenario: Scenario, variant: str, values: Values) -> float:
    return OVERHEAD_S + _polls_s(variant, values) + _DURATIONS[type(scenario.kind)](scenario, values)


def _polls_s(variant: str, values: Values) -> float:
    """How long a trial waits for polls, beyond its overhead; 0 where subscribers do not poll."""
    return POLLS * POLL_INTERVAL_S.of(values) if POLL_INTERVAL_S.name in values and _polls(variant) else 0.0


@cache
def _polls(variant: str) -> bool:
    return clients.uses(servers.load(variant).client, POLL_INTERVAL_S.name)


def _messages_s(scenario: Scenario, values: Values) -> float:
    return lasts_s(values, scenario.burst_size(values))


def _idle_s(scenario: Scenario, values: Values) -> float:
    assert isinstance(scenario.kind, IdleSteps)
    measure_s: float = values["measure_s"]
    return len(scenario.kind.steps.of(values)) * (scenario.kind.settle_s.of(values) + measure_s)


def _arrivals_s(scenario: Scenario, values: Values) -> float:
    return ARRIVAL_S * scenario.subscribers(values)


def _search_s(scenario: Scenario, values: Values) -> float:
    """The steps of a search have ever higher rates, and each is a trial."""
    rates = (min(RATE_HZ.high, RATE_HZ.of(values) * STRIDE**step) for step in range(SEARCH_STEPS))
    each_s = [lasts_s({**values, RATE_HZ.name: rate}) for rate in rates]
    return sum(each_s) + (SEARCH_STEPS - 1) * OVERHEAD_S


_DURATIONS: Mapping[type[Kind], Callable[[Scenario, Values], float]] = {
    Messages: _messages_s, IdleSteps: _idle_s, Arrivals: _arrivals_s, Search: _search_s,
}  # fmt: skip


def _note(scenario: Scenario, variant: str, values: Values) -> str:
    """What makes a trial far longer than asked for; empty for one that is not."""
    polls_s = _polls_s(variant, values)
    if polls_s > MUCH_LONGER_S:
        interval = f"poll_interval_s={POLL_INTERVAL_S.of(values):g}"
        return f"{scenario.name}: a trial of {variant} takes {clock(polls_s)} longer than asked: {interval}"
    if isinstance(scenario.kind, IdleSteps | Arrivals):
        return ""
    asked_s, takes_s = values["warm_up_s"] + values["measure_s"], _messages_s(scenario, values)
    if takes_s - asked_s <= MUCH_LONGER_S:
        return ""
    burst, rate_hz = scenario.burst_size(values), RATE_HZ.of(values)
    what = f"a burst of {burst} messages" if burst > 1 else "a message"
    return (
        f"{scenario.name}: a trial takes {clock(takes_s)} instead of {clock(asked_s)}: at rate_hz={rate_hz:g}"
        f" {what} is due every {duration(1e9 * burst / rate_hz)}, and at least one is measured"
    )
