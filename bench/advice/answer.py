"""An advice in the phrases of `bench.advice.words`: what comes first, the rows of its table, and what to know of each.

The page's script fills the same phrases from the same facts, for the needs that are typed into the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.advice import loads
from bench.advice.costs import Model
from bench.advice.loads import Point
from bench.advice.needs import Need
from bench.advice.ranking import CLEARLY, FULL, MOST_PROCESSES, Advice, Beyond, Option, Refusal
from bench.advice.words import COLUMNS, EACH, NOTES, SEPARATOR, filled, number, phrased
from bench.results import VariantFacts
from bench.units import SPACE, counted, duration, percent

Note = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """One option as text: its cells in the order of COLUMNS, and what is to be known about it: (kind, words)."""

    option: Option
    cells: tuple[str, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Notes:
    """What is to be known: once for all rows that do not differ in it, and in the order of the rows what differs."""

    common: str
    rows: tuple[str, ...]


def of_variant(model: Model) -> dict[str, Any]:
    """The facts about a variant, whatever the need."""
    variant, memory = model.variant, model.memory
    return {
        "label": variant.label,
        "product": variant.product or None,
        "reconnect": reconnect(variant),
        "flask": flask(variant),
        "measured_loads": measured_loads(model),
        "ping_interval_s": ping_interval(variant),
        "memory_scenario": loads.CONNECTION,
        "fewest": memory.low if memory else None,
        "most": memory.high if memory else None,
    }


def facts(option: Option) -> dict[str, Any]:
    """The facts about an option, by the names of the placeholders."""
    variant = of_variant(option.model)
    seconds = variant["ping_interval_s"]
    return variant | {
        "place": option.rank,
        "tie": option.level or None,
        "far": option.far or None,
        "core_count": option.cores,
        "where": place(option.fresh_from) if option.fresh_from else None,
        "p50_ns": option.p50_ns,
        "p99_ns": option.p99_ns,
        "waited_ns": option.waited_ns or None,
        "memory_bytes": option.memory_bytes,
        "wire_bytes": option.wire_bytes,
        "asks": option.requests or None,
        "request_count": option.requests,
        "process_count": option.processes,
        "several_processes": option.processes > 1 or None,
        "interval_ns": None if option.interval_s is None else option.interval_s * 1e9,
        "connections": option.load.subscribers,
        "open_files": option.open_files,
        "ping_count": option.need.subscribers / seconds if seconds is not None else None,
    }


def phrase(name: str, option: Option) -> str:
    """A phrase about an option; empty where it does not concern it."""
    return phrased(name, facts(option)) or ""


def lines(advice: Advice) -> list[Line]:
    """The options in their order."""
    return [_line(option) for option in advice.options]


def _line(option: Option) -> Line:
    of_option = facts(option)
    cells = tuple(filled(f"{{{name}}}", of_option) or "" for _, name in COLUMNS)
    notes = [(one.dimension.name, outside(one)) for one in option.beyond]
    notes += [(kind, words) for kind in NOTES if (words := phrased(kind, of_option))]
    return Line(option, cells, tuple(notes))


def conclusion(advice: Advice) -> tuple[str, ...]:
    """What comes first and by how much, then the best product."""
    if not advice.options:
        return (phrased("nothing", {}) or "",)
    product = next((option for option in advice.options if option.variant.product), None)
    named = {"product_label": product.variant.label, "product_cores": phrase("cores", product)} if product else {}
    of_product = facts(product) if product else {}
    return phrased("conclusion", _first(advice)) or "", phrased("off_the_shelf", of_product | named) or ""


def _first(advice: Advice) -> dict[str, Any]:
    """The facts about the options that come first."""
    first = advice.first
    fewest, most = (pick(first, key=lambda option: option.cores) for pick in (min, max))
    return {
        "label": fewest.variant.label,
        "labels": [option.variant.label for option in first] if len(first) > 1 else None,
        "fewest_cores": phrase("cores", fewest),
        "most_cores": phrase("bare_cores", most),
        "lightest_label": first[0].variant.label if lightest(first) else None,
    } | _following(advice, fewest, named=len(first) > 1)


def _following(advice: Advice, beside: Option, named: bool) -> dict[str, Any]:
    """The facts about what comes next after the first rank: how many times the cores of `beside` it takes."""
    beaten = [option for option in advice.options if option.rank > 1]
    if not beaten:
        return {}
    second = min(beaten, key=lambda option: option.cores)
    return {
        "next_label": second.variant.label,
        "times": second.cores / beside.cores,
        "than_label": beside.variant.label if named else None,
        "next_memory": phrase("held", second) or None,
    }


def next_best(advice: Advice, beside: Option) -> str:
    """What comes next after the first rank; empty where nothing does."""
    return phrased("next_best", _following(advice, beside, named=False)) or ""


def lightest(first: Sequence[Option]) -> bool:
    """Whether the first of several that share a rank clearly holds less memory than the others."""
    if len(first) < 2:
        return False
    least, more = first[0].memory_bytes, first[1].memory_bytes
    return least is not None and more is not None and more > CLEARLY * least


def outside(one: Beyond) -> str:
    """How far outside what was measured: `50,000 subscribers of one process, at most 400 measured (125x)`."""
    above = one.high is not None and one.value > one.high
    facts_of = {
        "value": one.value,
        "dimension": one.dimension.words,
        "most": one.high if above else None,
        "least": None if above else one.low,
        "times": one.factor,
    }
    return phrased("outside", facts_of) or ""


def shared(rows: Sequence[Sequence[Note]]) -> Notes:
    """Of every kind of note that all rows have, the words that most of them share are said once."""
    by_kind = [dict(row) for row in rows]
    kinds = [kind for kind, _ in rows[0] if kind not in EACH and all(kind in row for row in by_kind)] if rows else []
    most = {kind: Counter(row[kind] for row in by_kind).most_common(1)[0] for kind in kinds}
    common = {kind: words for kind, (words, count) in most.items() if count > 1}
    differing = [SEPARATOR.join(words for kind, words in row if common.get(kind) != words) for row in rows]
    return Notes(SEPARATOR.join(common.values()), tuple(differing))


def refusal(one: Refusal, need: Need) -> str:
    """A variant that does not meet the need, and why."""
    because = phrased(one.reason, of_refusal(one, need))
    return phrased("refusal", {"label": one.variant.label, "because": because}) or ""


def of_refusal(one: Refusal, need: Need) -> dict[str, Any]:
    """The facts about a refusal, by the names of the placeholders."""
    enough = one.cores is not None and one.cores <= (need.cores or 0)
    return {
        "late_ns": one.late_ns,
        "where": place(one.where) if one.where else None,
        "core_count": one.cores,
        "process_count": one.processes if enough else None,
        "full": FULL,
        "available": need.cores,
        "one": need.cores == 1 or None,
        "interval_ns": None if one.interval_s is None else one.interval_s * 1e9,
        "shortest_ns": None if one.shortest_s is None else one.shortest_s * 1e9,
        "most_processes": MOST_PROCESSES,
    }


def reconnect(variant: VariantFacts) -> str:
    """What becomes of messages that were published while a subscriber was away."""
    return "resumes, or says what is missing" if "resume" in variant.capabilities else "may lose messages"


def flask(variant: VariantFacts) -> str:
    """How to come by it in a Flask application."""
    return f"pip install {variant.product}" if variant.product else f"write it yourself, see servers/{variant.name}.py"


def ping_interval(variant: VariantFacts) -> float | None:
    """Every how many seconds the server pings each subscriber, by its options; None without such an option."""
    try:
        seconds = float(variant.options.get("ping_interval", ""))
    except ValueError:
        return None
    return seconds if 0 < seconds < 1e9 else None


def measured_loads(model: Model) -> str:
    """The measured cells behind the costs of a variant."""
    return f"cores and bytes from {counted(len(model.points), 'measured load')} ({_cells_of(model.points)})"


def _cells_of(points: Sequence[Point]) -> str:
    counts = Counter(point.scenario for point in points)
    return ", ".join(f"{scenario} {count}" for scenario, count in counts.items())


PLACES = {
    "payload_bytes": "{}" + SPACE + "B",
    "subscribers": "{} subscribers",
    "rate_hz": "{} messages/s each",
    "poll_interval_s": "a poll every {}" + SPACE + "s",
}


def place(where: str) -> str:
    """A measured load in words: `broadcast, payload_bytes 8000` is `broadcast at 8,000 B`."""
    scenario, *changes = where.split(", ")
    words = []
    for change in changes:
        name, _, value = change.partition(" ")
        plain = value.replace(".", "", 1).isdigit() and value.isascii()
        words.append(PLACES[name].format(number(float(value))) if name in PLACES and plain else change)
    return scenario + (f" at {', '.join(words)}" if words else "")


def requirement(need: Need) -> str:
    """The need in one sentence."""
    each = "all of them" if need.fan_out == need.subscribers else counted(need.fan_out, "subscriber")
    upstream = f", each sending {need.upstream_rate:g} messages/s" if need.upstream_rate else ""
    return (
        f"{counted(need.subscribers, 'subscriber')}, each receiving {need.rate:g} messages/s of"
        f" {need.payload_bytes:g} B{upstream}; a message goes to {each}, so"
        f" {number(need.subscribers * need.rate / need.fan_out)} are published per second. Required: a p99 delay"
        f" of {duration(need.max_staleness_s * 1e9)} or less."
    )


def why(advice: Advice) -> str:
    """What the cores of the first are spent on, and what polling amounts to; empty without an option."""
    if not advice.options:
        return ""
    sentences = [_spent(advice.options[0])]
    sentences += [
        f"{option.variant.label} meets the limit with a poll every {duration(option.interval_s * 1e9)}: its latency is"
        f" uniform over that interval, and it makes {number(option.requests)} requests/s."
        for option in advice.options if option.interval_s is not None
    ]  # fmt: skip
    if any(option.variant.product for option in advice.options):
        sentences.append("Products carry more than their technique: compare them with it.")
    return " ".join(sentence for sentence in sentences if sentence)


def _spent(option: Option) -> str:
    parts = sorted(option.model.parts(option.load), key=lambda part: -part[1])
    total = sum(cost for _, cost in parts)
    most = [f"{percent(cost / total)} for {feature.words}" for feature, cost in parts[:2] if total and cost > 0]
    return f"{option.variant.label} spends its cores {' and '.join(most)}." if most else ""
