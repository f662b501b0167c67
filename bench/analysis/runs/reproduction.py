"""Whether this run reproduces a published claim, or why it cannot be tested here.

A claim counts as reproduced if its factor is met within a factor of two (WITHIN): the machines, libraries and loads of
the sources differ from ours. A claim is not testable where the records lack the facts: nothing is guessed.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from bench.analysis.numbers.statistics import Estimate
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.claims import Side
from bench.analysis.trials.metrics.wire import framing_bytes, segment_bytes
from bench.results import VariantFacts
from bench.scenarios import Question, reference
from bench.units import Unit

WITHIN = 2.0
MEBI = 2.0**20  # the source counts 2**20 bits to the Mbit
POLL_BYTES, FRAME_BYTES = 871.0, 2.0
SUBSCRIBERS = (1_000, 10_000, 100_000)
PUSH_TO_PULL = 7.0
LARGE_MARGIN = 2.0
SCENARIO = reference(Question.FRESHNESS)

POLLING, LONG_POLLING = Side("polling"), Side("long polling")
SSE, WEBSOCKET = Side("SSE"), Side("WebSocket")


class Reproduction(enum.StrEnum):
    """Whether this run reproduces a published claim."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    NOT_TESTABLE = "not testable in this run"


@dataclass(frozen=True, slots=True)
class Fact:
    """One number measured here, in base units; unit is None for a ratio, "Mbit/s" for a bit rate."""

    words: str
    value: float
    unit: Unit | str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a run shows of a published claim: numbers, a verdict, and a note: why, or what would make it testable."""

    verdict: Reproduction
    facts: tuple[Fact, ...]
    note: str


def untestable(note: str) -> Reading:
    """Not testable; the note gives the reason, or the command that would make it testable."""
    return Reading(Reproduction.NOT_TESTABLE, (), note)


def _judged(reproduced: bool, facts: list[Fact], note: str) -> Reading:
    return Reading(Reproduction.REPRODUCED if reproduced else Reproduction.NOT_REPRODUCED, tuple(facts), note)


def _run_command(*variants: str) -> str:
    chosen = " ".join(f"-v {name}" for name in variants)
    return f"python -m bench run -s {SCENARIO} {chosen} measures it"


MORE_BLOCKS = (
    f"A comparison needs three blocks or more: python -m bench run -s {SCENARIO} --repetitions 3 measures enough"
)


@dataclass(frozen=True, slots=True)
class Headers:
    """The headers of a trial in bytes: framing, and an estimate of those of TCP and IP."""

    framing: int
    segments: int
    deliveries: int
    requests: int


def _headers(cells: Cells, side: Side) -> list[Headers]:
    """Of a technique's valid trials that have all counters."""
    variant = side.of(cells, "wire", SCENARIO)
    headers = []
    for trial in cells.valid(SCENARIO, variant.name) if variant else []:
        if (wire := trial.wire) is not None and wire.deliveries:
            framing, segments = framing_bytes(wire), segment_bytes(wire)
            if framing is not None and segments is not None:
                headers.append(Headers(framing, segments, wire.deliveries, wire.requests))
    return headers


def header_overhead(cells: Cells) -> Reading:
    """Header bytes of one poll beside those of one frame, with and without TCP/IP, and the bit rates they add up to."""
    polls = [one for one in _headers(cells, POLLING) if one.requests]
    frames = _headers(cells, WEBSOCKET)
    if not polls or not frames:
        return untestable(_run_command("polling", "websocket"))
    poll = median(one.framing / one.requests for one in polls)
    frame = median(one.framing / one.deliveries for one in frames)
    poll_tcp = poll + median(one.segments / one.requests for one in polls)
    frame_tcp = frame + median(one.segments / one.deliveries for one in frames)
    if frame <= 0:
        return untestable("The counters show no framing")
    facts = [
        Fact("headers of a poll", poll, "wire bytes"),
        Fact("header of a frame", frame, "wire bytes"),
        Fact("poll to frame", poll / frame),
        Fact("with TCP and IP headers", poll_tcp / frame_tcp),
    ]
    facts += [
        Fact(f"{words}, {subscribers:,} subscribers at 1/s", 8 * size * subscribers / MEBI, "Mbit/s")
        for subscribers in SUBSCRIBERS
        for words, size in (("polls", poll), ("frames", frame))
    ]
    return _judged(
        _near(poll / frame, POLL_BYTES / FRAME_BYTES),
        facts,
        "Their poll carries the headers of a browser. A subscriber here sends only those that a request needs.",
    )


def _ratio(cells: Cells, metric: str, side: Side, other: Side) -> float | None:
    """One side to the other, paired by block; None without enough blocks of both."""
    variants = [one.of(cells, metric, SCENARIO) for one in (side, other)]
    if None in variants:
        return None
    ratio = cells.compare(metric, SCENARIO, *(one.name for one in variants if one)).ratio
    return None if ratio is None or ratio.too_few else ratio.median


def push_to_pull(cells: Cells) -> Reading:
    """Server CPU per delivered message of push techniques, in units of that of short polling."""
    poll, comet = (side.of(cells, "cpu", SCENARIO) for side in (POLLING, LONG_POLLING))
    pulled, pushed = (cells.estimate("cpu", SCENARIO, one.name) if one else None for one in (poll, comet))
    if not (poll and pulled and pushed):
        return untestable(_run_command("polling", "long_polling"))
    ratios = {side: _ratio(cells, "cpu", side, POLLING) for side in (LONG_POLLING, SSE, WEBSOCKET)}
    ratio = ratios[LONG_POLLING]
    if ratio is None:
        return untestable(MORE_BLOCKS)
    facts = [Fact(f"{side.words} to short polling", value) for side, value in ratios.items() if value is not None]
    by_interval = {
        interval_s: pushed.median / cost.median
        for interval_s, cost in cells.along("cpu", SCENARIO, poll.name, "poll_interval_s")
    }
    if len(by_interval) > 1:
        facts += [Fact(f"{LONG_POLLING.words}, polls every {at:g} s", value) for at, value in by_interval.items()]
    met, note = _met_at(by_interval) if len(by_interval) > 1 else (_near(ratio, PUSH_TO_PULL), ONE_INTERVAL)
    return _judged(met, facts, f"Their push was Comet, which long polling represents here. {note}")


ONE_INTERVAL = f"One interval only: python -m bench run -s {SCENARIO} --sweep poll_interval_s=0.1,0.5,1,2 shows others."


def _met_at(ratios: Mapping[float, float]) -> tuple[bool, str]:
    """Whether push to pull is met at any poll interval, and a sentence with these intervals."""
    met = [f"{interval_s:g}" for interval_s, ratio in ratios.items() if _near(ratio, PUSH_TO_PULL)]
    unmet = [f"{interval_s:g}" for interval_s, ratio in ratios.items() if not _near(ratio, PUSH_TO_PULL)]
    if not met:
        return False, "Met at none of the poll intervals."
    exceptions = f", not with {', '.join(unmet)} s" if unmet else ""
    return True, f"Met with polls every {', '.join(met)} s{exceptions}."


def _near(value: float, claimed: float) -> bool:
    """Whether a factor is met within a factor of two."""
    return claimed / WITHIN <= value <= claimed * WITHIN


RATE_SWEEP = f"python -m bench run -s {SCENARIO} --sweep rate_hz=40,100,200 varies the rate"


def implicit_batching(cells: Cells) -> Reading:
    """Whether long polling gathers messages as the rate grows, and then costs less CPU per message than WebSocket.

    On one core, messages per second are bounded by one over the CPU per message: the cheaper sustains more.
    """
    if (SCENARIO, "rate_hz") not in cells.swept:
        return untestable(RATE_SWEEP)
    comet, socket = (side.of(cells, "cpu", SCENARIO) for side in (LONG_POLLING, WEBSOCKET))
    if comet is None or socket is None:
        return untestable(f"{_run_command('long_polling', 'websocket')}; {RATE_SWEEP}")
    comet_cpu, socket_cpu = (_along_rate(cells, "cpu", variant) for variant in (comet, socket))
    requests = _along_rate(cells, "requests", comet)
    rates = sorted(comet_cpu.keys() & socket_cpu.keys() & requests.keys())
    if any(one.too_few for along in (comet_cpu, socket_cpu, requests) for one in along.values()):
        return untestable(MORE_BLOCKS)
    if len(rates) < 2 or any(socket_cpu[rate].median <= 0 or requests[rate].median <= 0 for rate in rates):
        return untestable(RATE_SWEEP)
    facts = []
    for rate in rates:
        ratio = comet_cpu[rate].median / socket_cpu[rate].median
        facts.append(Fact(f"messages per response at {rate:g}/s", 1 / requests[rate].median, "count"))
        facts.append(Fact(f"CPU per message of long polling to WebSocket at {rate:g}/s", ratio))
    cheaper = comet_cpu[rates[-1]].median < socket_cpu[rates[-1]].median
    return _judged(
        cheaper, facts,
        "Judged at the highest rate by the CPU per message, which bounds what one core sustains. Saturation was not"
        " searched for.",
    )  # fmt: skip


def _along_rate(cells: Cells, metric: str, variant: VariantFacts) -> dict[float, Estimate]:
    return dict(cells.along(metric, SCENARIO, variant.name, "rate_hz"))


def large_margins(cells: Cells) -> Reading:
    """Median latency and bytes of SSE and of short polling, in units of WebSocket's."""
    facts, margins = [], []
    for metric, words in (("latency_p50", "median latency"), ("wire", "bytes")):
        for other in (SSE, POLLING):
            ratio = _ratio(cells, metric, other, WEBSOCKET)
            if ratio is None:
                return untestable(f"{_run_command('polling', 'sse', 'websocket')}, in three blocks or more")
            facts.append(Fact(f"{words}, {other.words} to WebSocket", ratio))
            if metric == "latency_p50":
                margins.append(ratio)
    return _judged(
        min(margins) >= LARGE_MARGIN, facts,
        f"A large margin is a factor of {LARGE_MARGIN:g} in latency, over both.",
    )  # fmt: skip
