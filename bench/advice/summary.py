"""Advice at a glance: what to take, why, and what must be known before taking it, in a few short lines."""

from __future__ import annotations

from dataclasses import dataclass

from bench.advice import phrases
from bench.advice.ranking import Advice, Option
from bench.analysis.runs.delivery_mechanism import Mechanism, mechanism_of
from bench.units import duration, factor


@dataclass(frozen=True, slots=True)
class Glance:
    """`take` is one variant; `why` says with whom it shares its rank, and who comes next. Each of the others is empty
    where there is nothing to be said.

    product: what there is off the shelf; polling: what that would come to, or why it will not do; beyond: how far all
    of this lies outside what was measured.
    """

    take: str
    cost: str
    why: str
    product: str
    polling: str
    beyond: str


def glance(advice: Advice) -> Glance:
    """The advice in short."""
    if not advice.options:
        return Glance(phrases.NOTHING_MEETS, "", "", "", polling(advice), "")
    best = advice.options[0]
    return Glance(best.variant.label, taken(best), why(advice), off_the_shelf(advice), polling(advice), beyond(best))


def taken(option: Option) -> str:
    """What is taken costs, how late its messages come, and what becomes of them while a subscriber is away."""
    back = f"after a reconnect it {phrases.reconnect(option.variant)}"
    return f"{cost(option)}; 99\u00a0% within {phrases.late(option)}; {back}"


def cost(option: Option) -> str:
    """`about 0.14 cores and about 930 MiB`."""
    return " and ".join(filter(None, [phrases.cores(option), phrases.held(option)]))


def why(advice: Advice) -> str:
    """With whom the first shares its rank, which stands by memory, and who comes next."""
    first = advice.first
    said = []
    if len(first) > 1:
        others = [f"{one.variant.label} ({phrases.held(one) or 'memory unknown'})" for one in first[1:]]
        said.append(f"no clear difference in cores from {phrases.listed(others)}")
        if phrases.lightest(first):
            said.append("it holds the least memory of them")
    return "; ".join([*said, *phrases.following(advice, first[0])])


def off_the_shelf(advice: Advice) -> str:
    """The product that needs the fewest cores, with what it costs and what becomes of messages; or that none does."""
    product = next((option for option in advice.options if option.variant.product), None)
    if product is None:
        return "none of those measured meets this need"
    pinged = phrases.PINGED if phrases.ping_interval(product.variant) is not None else ""
    kept = phrases.reconnect(product.variant)
    return f"{product.variant.label}, {cost(product)}{pinged}; after a reconnect it {kept}"


def polling(advice: Advice) -> str:
    """What polling amounts to beside what is taken, or why it does not meet the need."""
    polled = next((option for option in advice.options if option.interval_s is not None), None)
    if polled is None or polled.interval_s is None:
        refused = [one for one in advice.refused if mechanism_of(one.variant) is Mechanism.POLL]
        return phrases.refusal(refused[0], advice.need) if refused else ""
    every = f"{polled.variant.label} every {duration(polled.interval_s * 1e9)}"
    beside = (
        f" and {factor(polled.cores / advice.options[0].cores)} the cores" if polled is not advice.options[0] else ""
    )
    return f"{every}: {phrases.number(polled.requests)} requests/s{beside}"


def beyond(option: Option) -> str:
    """What of an option lies furthest outside what was measured, and what its machine must allow."""
    far = sorted(option.beyond, key=lambda one: -one.factor)[:1]
    several = ["several processes, one was measured"] if option.processes > 1 else []
    files = [phrases.files(option)] if option.open_files is not None else []
    return "; ".join([*map(phrases.outside, far), *several, *files])
