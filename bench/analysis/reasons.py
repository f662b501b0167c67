"""Advice in words: the rows of its table, where each number comes from, and why the order is what it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.advice import FULL, Advice, Beyond, Need, Option, Refusal
from bench.analysis.costs import Costs, Model, Quantity
from bench.analysis.loads import Point
from bench.units import DASH, SPACE, counted, duration, factor, percent, quantity

COLUMNS = ("variant", "poll interval", "server cores", "processes", "memory", "bytes/s", "requests/s", "p50", "p99",
           "extrapolated")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One option as text: its cells in the order of COLUMNS, and where its numbers come from."""

    option: Option
    cells: tuple[str, ...]
    sources: str


def lines(advice: Advice) -> list[Line]:
    """The options in their order."""
    return [Line(option, _cells(option, advice.need), sources(option)) for option in advice.options]


def _cells(option: Option, need: Need) -> tuple[str, ...]:
    return (
        name(option),
        DASH if option.interval_s is None else interval(option.interval_s),
        number(option.cores),
        f"{option.processes:,}" + ("" if option.fits else f" (more than {counted(need.cores or 0, 'core')})"),
        quantity(option.memory_bytes, "memory bytes"),
        quantity(option.wire_bytes, "wire bytes"),
        number(option.requests),
        duration(option.p50_ns),
        duration(option.p99_ns),
        "yes" if option.extrapolated else "no",
    )


def name(option: Option) -> str:
    """The label, marked where it is a product or cannot be told from the one above."""
    marks = [*(["product"] if option.variant.product else []), *(["level with the one above"] if option.level else [])]
    return option.variant.label + (f" ({', '.join(marks)})" if marks else "")


def number(value: float) -> str:
    """Three significant digits, thousands set apart."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def interval(seconds: float) -> str:
    """A poll interval to the millisecond."""
    return (
        f"{round(seconds * 1000)}{SPACE}ms" if seconds < 1 else f"{seconds:,.3f}".rstrip("0").rstrip(".") + f"{SPACE}s"
    )


def beyond(option: Option) -> str:
    """What of an option lies outside what was measured; empty for nothing."""
    found = [_outside(one) for one in option.beyond]
    if option.processes > 1:
        found.append("more than one server process (one was measured)")
    return "; ".join(found)


def _outside(one: Beyond) -> str:
    words = f"{number(one.value)}{SPACE}{one.dimension.words}"
    if one.low is None or one.high is None:
        return f"{words} (none measured)"
    span = number(one.low) if one.low == one.high else f"{number(one.low)} to {number(one.high)}"
    return f"{words} (measured: {span})"


def sources(option: Option) -> str:
    """The measured cells behind the numbers of an option, and what of it is extrapolated."""
    found = [basis(option.model)]
    if option.fresh_from:
        waited = f" and {duration(option.waited_ns)} of waiting in a larger fan-out, by law" if option.waited_ns else ""
        found.append(f"p50 and p99 from the nearest load, {option.fresh_from}{waited}")
    else:
        found.append("p50 and p99 from the law of polling")
    outside = beyond(option)
    return "; ".join(found) + (f". Extrapolated: {outside}" if outside else "")


def basis(model: Model) -> str:
    """The measured cells behind the costs of a variant."""
    found = f"cores and bytes from {counted(len(model.points), 'measured load')} ({_cells_of(model.points)})"
    memory = model.memory
    return found + (f"; memory from idle at {memory.low:,} to {memory.high:,} subscribers" if memory else "")


def _cells_of(points: Sequence[Point]) -> str:
    counts = Counter(point.scenario for point in points)
    return ", ".join(f"{scenario} {count}" for scenario, count in counts.items())


def refusal(one: Refusal) -> str:
    """Why a variant does not meet the need."""
    late = f": {duration(one.late_ns)} (nearest: {one.where})" if one.late_ns is not None else ""
    return f"{one.variant.label}: {one.reason}{late}"


def asked(need: Need) -> str:
    """The need in one sentence."""
    each = "all of them" if need.fan_out == need.subscribers else counted(need.fan_out, "subscriber")
    upstream = f", each sending {need.upstream_rate:g} messages/s" if need.upstream_rate else ""
    return (
        f"{counted(need.subscribers, 'subscriber')}, each receiving {need.rate:g} messages/s of"
        f" {need.payload_bytes:g} B{upstream}; a message goes to {each}, so"
        f" {number(need.subscribers * need.rate / need.fan_out)} are published per second; a message may be"
        f" {duration(need.max_staleness_s * 1e9)} old."
    )


def paragraph(costs: Costs, advice: Advice) -> str:
    """Why the order is what it is, built from the numbers."""
    if not advice.options:
        return "Nothing that was measured meets this need."
    first, *others = advice.options
    said = [_leader(first)]
    apart = next((option for option in others if not option.level), None)
    level = [option.variant.label for option in others[: others.index(apart) if apart else len(others)]]
    if level:
        said.append(
            f"{_and(level)} cannot be told from it by cores, the prediction being off by as much; among these memory"
            " decides, then bytes."
        )
    if apart:
        said.append(f"{apart.variant.label} needs {factor(apart.cores / first.cores)} the cores.")
    said += [_polls(option) for option in advice.options if option.interval_s is not None]
    if any(option.variant.product for option in advice.options):
        said.append("Products stand in the same order but carry more than their technique: compare them with it.")
    if not advice.met:
        said.append(f"None of them fits into {counted(advice.need.cores or 0, 'core')}.")
    return " ".join(said)


def _leader(first: Option) -> str:
    total = sum(cost for _, cost in first.model.parts(first.load))
    parts = sorted(first.model.parts(first.load), key=lambda part: -part[1])
    most = [f"{percent(cost / total)} for {feature.words}" for feature, cost in parts[:2] if total and cost > 0]
    why = f", {' and '.join(most)}" if most else ""
    return f"{first.variant.label} comes first with {number(first.cores)} server cores{why}."


def _polls(option: Option) -> str:
    return (
        f"{option.variant.label} meets the limit with a poll interval of {interval(option.interval_s or 0.0)}"
        f" (latency is uniform over it) and makes {number(option.requests)} requests/s."
    )


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


QUANTITIES: tuple[tuple[Quantity, str, float], ...] = (
    ("cpu", "CPU per message", 0.20),
    ("wire", "bytes per message", 0.10),
)
"""What is predicted, and which median error was aimed at."""


def prediction(costs: Costs) -> str:
    """How far predictions were off for what was left out of the fit, and whether that is as near as was aimed at."""
    said = []
    for which, words, target in QUANTITIES:
        found, error = costs.held_out.of(which), costs.held_out.median(which)
        if error is not None:
            worst, verdict = found[0], "met" if error <= target else "missed"
            said.append(
                f"{words}: off by {error:.1%} in the median of {counted(len(found), 'measured load')}, each left out"
                f" and predicted from the others (aimed at: {target:.0%} at most, {verdict};"
                f" worst: {worst.error:.0%}, {worst.variant}, {worst.where})"
            )
    return "Prediction error. " + "; ".join(said) + "." if said else "No prediction could be checked."


def errors(costs: Costs) -> list[tuple[str, ...]]:
    """Per variant: its label and the median errors of CPU and of bytes."""
    found = []
    for model in costs.models:
        medians = [costs.held_out.median(which, model.variant.name) for which, _, _ in QUANTITIES]
        found.append((model.variant.label, *(DASH if error is None else f"{error:.1%}" for error in medians)))
    return found


def lacking(costs: Costs) -> str:
    """Which variants cannot be costed from this run, and the command that would measure what they lack."""
    if not costs.lacking:
        return ""
    labels = [variant.label for variant, _ in costs.lacking]
    missing = sorted({name for _, lacks in costs.lacking for _, name in lacks})
    return (
        f"{_and(labels)}: what a delivery, a message and a byte cost cannot be told apart without points over"
        f" {_and(missing)}; `{costs.command}` measures them"
    )


def conventions() -> str:
    """What the numbers of every option leave out."""
    return (
        f"One server process uses one core here, and is planned to be busy {percent(FULL)} of the time at most; what"
        " needs several was not measured with several, and a broker between them is not in the numbers. Keep-alives"
        " of open connections, TLS and proxies are not in them either."
    )
