"""Advice in words: what comes first, the rows of its table, where their numbers come from.

`bench/report/templates/advise.js` says the same in the same words; a test compares them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench.advice.costs import Model
from bench.advice.loads import CONNECTION, Point
from bench.advice.ranking import FULL, Advice, Beyond, Need, Option, Refusal
from bench.results import VariantFacts
from bench.units import DASH, SPACE, TIMES, Unit, counted, duration, factor, percent, quantity, scale_for

COLUMNS = ("rank, variant", "server cores", "median delay", "99\u00a0% delay", "memory", "bytes/s",
           "requests/s", "processes", "poll interval", "after a reconnect", "in Flask")  # fmt: skip
NUMBERS = 9
"""So many of COLUMNS are short; the others are sentences."""

UP = 1 + 1e-12
Note = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """One option as text: its cells in the order of COLUMNS, and what is to be known about it: (kind, words)."""

    option: Option
    cells: tuple[str, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Notes:
    """What is to be known: once for all rows that say nothing else, and in the order of the rows what differs."""

    common: str
    rows: tuple[str, ...]


def lines(advice: Advice) -> list[Line]:
    """The options in their order."""
    return [Line(option, _cells(option), _notes(option, advice.need)) for option in advice.options]


def _cells(option: Option) -> tuple[str, ...]:
    far = option.far
    return (
        f"{rank(option)} {option.variant.label}" + (" (product)" if option.variant.product else ""),
        roughly(option.cores) if far else number(option.cores),
        sized(option.p50_ns, "ns", far and bool(option.fresh_from)),
        late(option),
        sized(option.memory_bytes, "memory bytes", far),
        sized(option.wire_bytes, "wire bytes", far),
        roughly(option.requests) if far and option.requests else number(option.requests),
        f"{option.processes:,}",
        DASH if option.interval_s is None else duration(option.interval_s * 1e9),
        reconnect(option.variant),
        flask(option.variant),
    )


def late(option: Option) -> str:
    """Within what 99 % of its messages arrive, as its row has it."""
    return sized(option.p99_ns, "ns", option.far and bool(option.fresh_from))  # the law of polling is no extrapolation


def rank(option: Option) -> str:
    """`3`, or `1=` where it is shared."""
    return f"{option.rank}{'=' if option.level else ''}"


def reconnect(variant: VariantFacts) -> str:
    """What becomes of messages that were published while a subscriber was away."""
    return "resumes, or says what is missing" if "resume" in variant.capabilities else "may lose messages"


def flask(variant: VariantFacts) -> str:
    """How to come by it in a Flask application."""
    return f"pip install {variant.product}" if variant.product else f"write it yourself, see servers/{variant.name}.py"


def number(value: float) -> str:
    """Three significant digits, thousands set apart; a half is rounded up, as the script of the page does."""
    value *= UP
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def roughly(value: float) -> str:
    """Two significant digits."""
    return f"about {_two(value)}"


def _two(value: float) -> str:
    rounded = float(f"{value * UP:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"


def sized(value: float | None, unit: Unit, far: bool) -> str:
    """A number with its unit; to two digits where it is far outside what was measured."""
    if value is None or not far:
        return quantity(value, unit)
    scale = scale_for(value, unit)
    return f"about {_two(value / scale.size)}{SPACE}{scale.name}"


def _notes(option: Option, need: Need) -> tuple[Note, ...]:
    """What is extrapolated, what is not counted, and where the numbers come from."""
    found = [(one.dimension.name, outside(one)) for one in option.beyond]
    if option.processes > 1:
        found.append(("processes", "several processes, one was measured"))
    if option.open_files is not None:
        found.append(("files", files(option)))
    seconds = ping_interval(option.variant)
    if seconds is not None:
        found.append(("pings", f"without {number(need.subscribers / seconds)} pings per second"))
    found.append(("basis", basis(option.model)))
    if option.model.memory is not None:
        memory = option.model.memory
        found.append(("memory", f"memory from {CONNECTION} at {memory.low:,} to {memory.high:,} subscribers"))
    found.append(("fresh", _fresh(option)))
    return tuple(found)


def outside(one: Beyond) -> str:
    """How far outside what was measured: `50,000 subscribers of one process, at most 400 measured (125x)`."""
    words = f"{number(one.value)}{SPACE}{one.dimension.words}"
    if one.low is None or one.high is None:
        return f"{words}, none measured"
    if one.value > one.high:
        return f"{words}, at most {number(one.high)} measured ({number(one.factor)}{TIMES})"
    return f"{words}, at least {number(one.low)} measured (1/{number(one.factor)})"


def beyond(option: Option) -> str:
    """What of an option lies outside what was measured; empty for nothing."""
    found = [outside(one) for one in option.beyond]
    return "; ".join([*found, *(["several processes, one was measured"] if option.processes > 1 else [])])


def files(option: Option) -> str:
    """The warning where a process would hold more connections than it may open files."""
    return (
        f"needs {number(option.load.subscribers)} open files per process; the machine measured allows"
        f" {option.open_files or 0:,} (ulimit -n)"
    )


def ping_interval(variant: VariantFacts) -> float | None:
    """Every how many seconds the server pings each subscriber, by its options; None without such an option."""
    said = variant.options.get("ping_interval", "")
    try:
        seconds = float(said)
    except ValueError:
        return None
    return seconds if 0 < seconds < 1e9 else None


def _fresh(option: Option) -> str:
    if not option.fresh_from:
        return "delays from the law of polling"
    waited = f" and {duration(option.waited_ns)} of waiting in a larger fan-out, by law" if option.waited_ns else ""
    return f"delays from the nearest load, {place(option.fresh_from)}{waited}"


def basis(model: Model) -> str:
    """The measured cells behind the costs of a variant."""
    return f"cores and bytes from {counted(len(model.points), 'measured load')} ({_cells_of(model.points)})"


def _cells_of(points: Sequence[Point]) -> str:
    counts = Counter(point.scenario for point in points)
    return ", ".join(f"{scenario} {count}" for scenario, count in counts.items())


EACH = {"in Flask", "files", "pings"}
"""Kinds of notes that stand in every row that they concern."""


def apart(rows: Sequence[Sequence[Note]]) -> Notes:
    """Of every kind of note that all rows have, the words that most of them share are said once."""
    held = [dict(row) for row in rows]
    kinds = [kind for kind, _ in rows[0] if kind not in EACH and all(kind in row for row in held)] if rows else []
    most = {kind: Counter(row[kind] for row in held).most_common(1)[0] for kind in kinds}
    common = {kind: words for kind, (words, count) in most.items() if count > 1}
    differing = ["; ".join(words for kind, words in row if common.get(kind) != words) for row in rows]
    return Notes("; ".join(common.values()), tuple(differing))


PLACES = {
    "payload_bytes": "{}" + SPACE + "B",
    "subscribers": "{} subscribers",
    "rate_hz": "{} messages/s each",
    "poll_interval_s": "a poll every {}" + SPACE + "s",
}


def place(where: str) -> str:
    """A measured load in words: `broadcast, payload_bytes 8000` is `broadcast at 8,000 B`."""
    scenario, *changes = where.split(", ")
    said = []
    for change in changes:
        name, _, value = change.partition(" ")
        plain = value.replace(".", "", 1).isdigit() and value.isascii()
        said.append(PLACES[name].format(number(float(value))) if name in PLACES and plain else change)
    return scenario + (f" at {', '.join(said)}" if said else "")


def refusal(one: Refusal, need: Need) -> str:
    """Why a variant does not meet the need."""
    return f"{one.variant.label}: {_because(one, need)}"


def _because(one: Refusal, need: Need) -> str:
    if one.cores is not None:
        there = need.cores or 0
        whole = f" in {one.processes:,} processes busy {percent(FULL)} at most" if one.cores <= there else ""
        return f"needs {number(one.cores)} cores{whole}; there {'is' if there == 1 else 'are'} {there:,}"
    if one.interval_s is not None and one.shortest_s is not None:
        intervals = [duration(seconds * 1e9) for seconds in (one.interval_s, one.shortest_s)]
        return f"would have to poll every {intervals[0]}; the shortest interval measured is {intervals[1]}"
    nearest = f" (nearest: {place(one.where)})" if one.where else ""
    return one.reason + (f": {duration(one.late_ns)}{nearest}" if one.late_ns is not None else "")


def asked(need: Need) -> str:
    """The need in one sentence."""
    each = "all of them" if need.fan_out == need.subscribers else counted(need.fan_out, "subscriber")
    upstream = f", each sending {need.upstream_rate:g} messages/s" if need.upstream_rate else ""
    return (
        f"{counted(need.subscribers, 'subscriber')}, each receiving {need.rate:g} messages/s of"
        f" {need.payload_bytes:g} B{upstream}; a message goes to {each}, so"
        f" {number(need.subscribers * need.rate / need.fan_out)} are published per second. Required: 99 % of messages"
        f" arrive within {duration(need.max_staleness_s * 1e9)}."
    )


CLEARLY = 1.1
"""The factor from which on a difference of memory is worth a word."""
PINGED = ", its pings not counted"
"""What is said of a product that keeps its connections alive by pings."""
NOTHING_MEETS = "Nothing that was measured meets this need."


def conclusion(advice: Advice) -> tuple[str, ...]:
    """What comes first and by how much, then the best product."""
    if not advice.options:
        return (NOTHING_MEETS,)
    product = next((option for option in advice.options if option.variant.product), None)
    ready = f"{product.variant.label} with {cores(product)}" if product else "none of those measured meets this need"
    unpinged = PINGED if product and ping_interval(product.variant) is not None else ""
    return _first(advice), f"Best off the shelf: {ready}{unpinged}."


def _first(advice: Advice) -> str:
    first = advice.first
    fewest = min(first, key=lambda option: option.cores)
    if len(first) == 1:
        said = f"{fewest.variant.label} comes first with {cores(fewest)}"
    else:
        most = max(first, key=lambda option: option.cores)
        several = f"{number_of(fewest)} to {number_of(most).removeprefix('about ')}"
        said = f"{listed([option.variant.label for option in first])} cannot be told apart by cores ({several})"
        if lightest(first):
            said += f"; {first[0].variant.label} holds the least memory of them"
    return "; ".join([said, *following(advice)]) + "."


def lightest(first: Sequence[Option]) -> bool:
    """Whether the first of several that share a rank clearly holds less memory than the others."""
    held, more = first[0].memory_bytes, first[1].memory_bytes
    return held is not None and more is not None and more > CLEARLY * held


def following(advice: Advice, own: Option | None = None) -> list[str]:
    """Who comes next after the first rank, and how far behind `own`, or else the one with the fewest cores; empty where
    nobody does."""
    beaten = [option for option in advice.options if option.rank > 1]
    if not beaten:
        return []
    second = min(beaten, key=lambda option: option.cores)
    beside = own or min(advice.first, key=lambda option: option.cores)
    whose = "" if own or len(advice.first) == 1 else f" of {beside.variant.label}"
    times = f"{factor(second.cores / beside.cores)} the cores{whose}"
    return [", ".join(filter(None, [f"next best: {second.variant.label}", times, held(second)]))]


def held(option: Option) -> str:
    """Its memory, as its row has it; empty where that was not measured."""
    return "" if option.memory_bytes is None else sized(option.memory_bytes, "memory bytes", option.far)


def number_of(option: Option) -> str:
    """The cores of an option as its row has them."""
    return roughly(option.cores) if option.far else number(option.cores)


def cores(option: Option) -> str:
    """`0.12 cores`."""
    return f"{number_of(option)} cores"


def why(advice: Advice) -> str:
    """What the cores of the first are spent on, and what polling amounts to; empty without an option."""
    if not advice.options:
        return ""
    said = [_spent(advice.options[0])]
    said += [
        f"{option.variant.label} meets the limit with a poll every {duration(option.interval_s * 1e9)}: its latency is"
        f" uniform over that interval, and it makes {number(option.requests)} requests/s."
        for option in advice.options if option.interval_s is not None
    ]  # fmt: skip
    if any(option.variant.product for option in advice.options):
        said.append("Products carry more than their technique: compare them with it.")
    return " ".join(sentence for sentence in said if sentence)


def _spent(option: Option) -> str:
    parts = sorted(option.model.parts(option.load), key=lambda part: -part[1])
    total = sum(cost for _, cost in parts)
    most = [f"{percent(cost / total)} for {feature.words}" for feature, cost in parts[:2] if total and cost > 0]
    return f"{option.variant.label} spends its cores {' and '.join(most)}." if most else ""


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
