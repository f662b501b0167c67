"""Advice at a glance: what to take, why, and what must be known before taking it, in a few short lines."""

from __future__ import annotations

from dataclasses import dataclass

from bench.advice.answer import lightest, next_best, outside, phrase, reconnect, refusal
from bench.advice.ranking import Advice, Option
from bench.advice.words import listed, number, phrased
from bench.analysis.runs.delivery_mechanism import Mechanism, mechanism_of
from bench.units import duration, factor


@dataclass(frozen=True, slots=True)
class Glance:
    """`take` is one variant; `why` says with which it shares its rank, and which comes next. Every other part is empty
    where there is nothing to be said.

    product: what there is off the shelf; polling: what that would come to, or why it does not meet the need; beyond:
    how far all of this lies outside what was measured.
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
        return Glance(phrased("nothing", {}) or "", "", "", "", polling(advice), "")
    best = advice.options[0]
    return Glance(
        best.variant.label,
        _taken(best),
        _why(advice),
        _off_the_shelf(advice),
        polling(advice),
        beyond(best),
    )


def _taken(option: Option) -> str:
    """What an option costs, how late its messages come, and what becomes of them while a subscriber is away."""
    back = f"after a reconnect it {reconnect(option.variant)}"
    return f"{cost(option)}; p99 delay {phrase('p99', option)}; {back}"


def cost(option: Option) -> str:
    """`about 0.14 cores and about 930 MiB`."""
    return " and ".join(filter(None, [f"{phrase('cores', option)} cores", phrase("held", option)]))


def _why(advice: Advice) -> str:
    """With which the first shares its rank, which is decided by memory, and which comes next."""
    first = advice.first
    parts = []
    if len(first) > 1:
        others = [f"{one.variant.label} ({phrase('held', one) or 'memory unknown'})" for one in first[1:]]
        parts.append(f"no clear difference in cores from {listed(others)}")
        parts += ["it holds the least memory of them"] if lightest(first) else []
    return "; ".join(filter(None, [*parts, next_best(advice, first[0])]))


def _off_the_shelf(advice: Advice) -> str:
    """The product that needs the fewest cores, with what it costs and what becomes of messages; or that none does."""
    product = next((option for option in advice.options if option.variant.product), None)
    if product is None:
        return "none of those measured meets this need"
    back = f"after a reconnect it {reconnect(product.variant)}"
    return f"{product.variant.label}, {cost(product)}{phrase('pinged', product)}; {back}"


def polling(advice: Advice) -> str:
    """What polling amounts to beside what is taken, or why it does not meet the need."""
    polled = next((option for option in advice.options if option.interval_s is not None), None)
    if polled is None or polled.interval_s is None:
        refused = [one for one in advice.refused if mechanism_of(one.variant) is Mechanism.POLL]
        return refusal(refused[0], advice.need) if refused else ""
    every = f"{polled.variant.label} every {duration(polled.interval_s * 1e9)}"
    beside = (
        f" and {factor(polled.cores / advice.options[0].cores)} the cores" if polled is not advice.options[0] else ""
    )
    return f"{every}: {number(polled.requests)} requests/s{beside}"


def beyond(option: Option) -> str:
    """What of an option lies furthest outside what was measured, and what its machine must allow."""
    far = sorted(option.beyond, key=lambda one: -one.factor)[:1]
    return "; ".join(filter(None, [*map(outside, far), phrase("several", option), phrase("files", option)]))
