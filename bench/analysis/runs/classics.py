"""What others have published about push techniques, beside what this run measured: reproduced, not reproduced, or not
testable here, and then what would make it so.

A claim counts as reproduced if its factor is met within a factor of two (WITHIN): their machines, libraries and loads
were others. What the records do not hold is not guessed: such a claim is not testable.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.claims import Side
from bench.analysis.trials.metrics import SEGMENT_HEADER_BYTES
from bench.results import Trial, Wire
from bench.units import Unit

WITHIN = 2.0
MEBI = 2.0**20  # the source counts 2**20 bits to the Mbit
POLL_BYTES, FRAME_BYTES = 871.0, 2.0
CLIENTS = (1_000, 10_000, 100_000)
PUSH_TO_PULL = 7.0
LARGE_MARGIN = 2.0

POLLING, LONG_POLLING = Side("polling"), Side("long polling")
SSE, WEBSOCKET = Side("SSE"), Side("WebSocket")


class ClassicVerdict(enum.StrEnum):
    """How a published claim fares here."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    NOT_TESTABLE = "not testable in this run"


@dataclass(frozen=True, slots=True)
class Fact:
    """One number that was measured here, in base units; unit is None for a ratio, "Mbit/s" for a rate of bits."""

    words: str
    value: float
    unit: Unit | str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a run says of a published claim: numbers, a verdict, and a note: why so, or what would make it testable."""

    verdict: ClassicVerdict
    facts: tuple[Fact, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Classic:
    """A published claim, where it was published, and the law that it should follow."""

    claim: str
    source: str
    law: str
    find: Callable[[Cells], Finding]


def untestable(note: str, *facts: Fact) -> Finding:
    """Why, or by what command it would become testable."""
    return Finding(ClassicVerdict.NOT_TESTABLE, facts, note)


def _judged(reproduced: bool, facts: list[Fact], note: str) -> Finding:
    return Finding(ClassicVerdict.REPRODUCED if reproduced else ClassicVerdict.NOT_REPRODUCED, tuple(facts), note)


def _measure(scenario: str, *variants: str) -> str:
    chosen = " ".join(f"-v {name}" for name in variants)
    return f"python -m bench run -s {scenario} {chosen} measures it"


MORE_BLOCKS = "Fewer than three blocks compare nothing: python -m bench run -s broadcast --repetitions 3 runs enough"


def _trials(cells: Cells, side: Side, metric: str, scenario: str) -> list[Trial]:
    variant = side.of(cells, metric, scenario)
    return cells.valid(scenario, variant.name) if variant else []


def _wires(cells: Cells, side: Side) -> list[Wire]:
    """The wire facts of a technique's valid broadcasts that have all counters."""
    held = [trial.wire for trial in _trials(cells, side, "wire", "broadcast")]
    return [
        wire
        for wire in held
        if wire is not None
        and None not in (wire.received_bytes, wire.sent_bytes, wire.segments_in, wire.segments_out)
        and wire.deliveries
    ]


def header_bytes(wire: Wire) -> float:
    """All that TCP carried in the window but the texts."""
    assert wire.received_bytes is not None
    assert wire.sent_bytes is not None
    payload = wire.payload_received_bytes + wire.payload_sent_bytes
    return float(wire.received_bytes + wire.sent_bytes - payload)


def segment_bytes(wire: Wire) -> float:
    """TCP and IP headers in the window, an estimate."""
    assert wire.segments_in is not None
    assert wire.segments_out is not None
    return float((wire.segments_in + wire.segments_out) * SEGMENT_HEADER_BYTES)


def header_overhead(cells: Cells) -> Finding:
    """Header bytes of one poll beside those of one frame, without and with TCP/IP, and what they come to."""
    polls = [wire for wire in _wires(cells, POLLING) if wire.requests]
    frames = _wires(cells, WEBSOCKET)
    if not polls or not frames:
        return untestable(_measure("broadcast", "polling", "websocket"))
    poll = median(header_bytes(wire) / wire.requests for wire in polls)
    frame = median(header_bytes(wire) / wire.deliveries for wire in frames)
    poll_tcp = poll + median(segment_bytes(wire) / wire.requests for wire in polls)
    frame_tcp = frame + median(segment_bytes(wire) / wire.deliveries for wire in frames)
    if frame <= 0:
        return untestable("the counters show no framing at all")
    facts = [
        Fact("headers of a poll", poll, "wire bytes"),
        Fact("header of a frame", frame, "wire bytes"),
        Fact("poll to frame", poll / frame),
        Fact("with TCP and IP headers", poll_tcp / frame_tcp),
    ]
    facts += [
        Fact(f"{words}, {clients:,} clients at 1/s", 8 * size * clients / MEBI, "Mbit/s")
        for clients in CLIENTS
        for words, size in (("polls", poll), ("frames", frame))
    ]
    return _judged(
        _near(poll / frame, POLL_BYTES / FRAME_BYTES),
        facts,
        "Their poll carries a browser's headers; a subscriber here sends those that a request needs.",
    )


def _ratio(cells: Cells, metric: str, side: Side, other: Side) -> float | None:
    """One side to the other in the broadcast, paired by block; None without enough blocks of both."""
    variants = [one.of(cells, metric, "broadcast") for one in (side, other)]
    if None in variants:
        return None
    ratio = cells.compare(metric, "broadcast", *(one.name for one in variants if one)).ratio
    return None if ratio is None or ratio.too_few else ratio.median


def push_to_pull(cells: Cells) -> Finding:
    """Server CPU per delivered message of push techniques, in units of that of short polling."""
    metric, scenario = "cpu", "broadcast"
    poll, comet = (side.of(cells, metric, scenario) for side in (POLLING, LONG_POLLING))
    pulled = cells.estimate(metric, scenario, poll.name) if poll else None
    pushed = cells.estimate(metric, scenario, comet.name) if comet else None
    if not (poll and comet and pulled and pushed):
        return untestable(_measure(scenario, "polling", "long_polling"))
    ratio = _ratio(cells, metric, LONG_POLLING, POLLING)
    if ratio is None:
        return untestable(MORE_BLOCKS)
    facts = [
        Fact(f"{side.words} to short polling", known)
        for side in (LONG_POLLING, SSE, WEBSOCKET)
        if (known := _ratio(cells, metric, side, POLLING)) is not None
    ]
    over = {at: pushed.median / one.median for at, one in cells.along(metric, scenario, poll.name, "poll_interval_s")}
    if len(over) > 1:
        facts += [Fact(f"{LONG_POLLING.words}, polls every {at:g} s", known) for at, known in over.items()]
        met = [f"{at:g}" for at, known in over.items() if _near(known, PUSH_TO_PULL)]
        rest = [f"{at:g}" for at, known in over.items() if not _near(known, PUSH_TO_PULL)]
        unmet = f", not with {', '.join(rest)} s" if rest else ""
        note = f"Met with polls every {', '.join(met)} s{unmet}." if met else "Met at none of the poll intervals."
    else:
        met = ["once"] if _near(ratio, PUSH_TO_PULL) else []
        note = "One interval only: python -m bench run -s broadcast --sweep poll_interval_s=0.1,0.5,1,2 shows others."
    return _judged(bool(met), facts, f"Their push was Comet, which long polling stands for here. {note}")


def _near(value: float, claimed: float) -> bool:
    """Whether a factor is met within a factor of two."""
    return claimed / WITHIN <= value <= claimed * WITHIN


RATE_SWEEP = "python -m bench run -s broadcast --sweep rate_hz=40,100,200 varies the rate"


def batching(cells: Cells) -> Finding:
    """Whether long polling gathers messages as the rate grows, and then costs less CPU per message than WebSocket.

    On one core, messages per second are bounded by one over the CPU per message: the cheaper sustains more.
    """
    metric, scenario = "cpu", "broadcast"
    if (scenario, "rate_hz") not in cells.swept:
        return untestable(RATE_SWEEP)
    comet, socket = (side.of(cells, metric, scenario) for side in (LONG_POLLING, WEBSOCKET))
    if comet is None or socket is None:
        return untestable(_measure(scenario, "long_polling", "websocket") + f"; {RATE_SWEEP}")
    ours, theirs = (dict(cells.along(metric, scenario, name, "rate_hz")) for name in (comet.name, socket.name))
    asked = dict(cells.along("requests", scenario, comet.name, "rate_hz"))
    rates = sorted(ours.keys() & theirs.keys() & asked.keys())
    if any(one.too_few for along in (ours, theirs, asked) for one in along.values()):
        return untestable(MORE_BLOCKS)
    if len(rates) < 2 or any(theirs[rate].median <= 0 or asked[rate].median <= 0 for rate in rates):
        return untestable(RATE_SWEEP)
    facts = []
    for rate in rates:
        facts.append(Fact(f"messages per response at {rate:g}/s", 1 / asked[rate].median, "count"))
        facts.append(Fact(f"CPU per message of long polling to WebSocket at {rate:g}/s",
                          ours[rate].median / theirs[rate].median))  # fmt: skip
    cheaper = ours[rates[-1]].median < theirs[rates[-1]].median
    return _judged(
        cheaper, facts,
        "Judged at the highest rate by the CPU per message, which bounds what one core sustains; saturation itself was"
        " not sought.",
    )  # fmt: skip


def large_margins(cells: Cells) -> Finding:
    """Median latency and bytes of SSE and of short polling, in units of WebSocket's."""
    facts, margins = [], []
    for metric, words in (("latency_p50", "median latency"), ("wire", "bytes")):
        for rival in (SSE, POLLING):
            ratio = _ratio(cells, metric, rival, WEBSOCKET)
            if ratio is None:
                return untestable(_measure("broadcast", "polling", "sse", "websocket") + ", in three blocks or more")
            facts.append(Fact(f"{words}, {rival.words} to WebSocket", ratio))
            if metric == "latency_p50":
                margins.append(ratio)
    return _judged(
        min(margins) >= LARGE_MARGIN, facts,
        f"A large margin is a factor of {LARGE_MARGIN:g} in latency, over both.",
    )  # fmt: skip


def _always(note: str) -> Callable[[Cells], Finding]:
    return lambda _: untestable(note)


CLASSICS = (
    Classic(
        "A poll carries 871 B of headers where a WebSocket frame carries 2 B: 6.6, 66, 665 against 0.015, 0.153, 1.526"
        " Mbit/s for 1k, 10k, 100k clients at one message a second",
        "Lubbers and Greco, HTML5 WebSocket: a quantum leap in scalability",
        "435 to 1; with the TCP and IP headers of every segment, some 22 to 1", header_overhead),
    Classic("Long polling: average latency close to one network transit, maximum over three", "RFC 6202, section 2.2",
            "parked: d + S; published in the gap: at most 3 d + 2 S + c",
            _always("Over loopback a network transit takes no time. It would need an emulated round trip, which takes"
                    " root: tc qdisc add dev lo root netem delay 20ms")),
    Classic("Push takes about 7 times the server CPU of pull", "Bozdag, Mesbah and van Deursen 2007",
            "requests per message fall as P over D: the ratio inverts for short poll intervals", push_to_pull),
    Classic("Long polling beats WebSocket in throughput because of the implicit batching", "aspnet/SignalR 2293",
            "messages per response: max(1, g/P)", batching),
    Classic("SSE over HTTP/2 is as good as or better than WebSocket", "Fladvad and Khans 2021",
            "the same latency; headers compressed, one connection for many streams",
            _always("There is no HTTP/2 front among the variants; one would be a variant of its own, with a command")),
    Classic("WebSocket is better by large margins than SSE and polling", "Bigestans 2014",
            "SSE and WebSocket differ by 10 to 15 B per message and by nothing in latency", large_margins),
    Classic("Five updates at 1/s over HTTP/1.1: short polling 10,586 B, long polling 4,574 B, SSE 2,053 B, the"
            " WebSocket handshake alone 1,876 B", "Aquilio 2017",
            "requests times headers; one handshake for a stream",
            _always("The records count the bytes of the measured part; handshakes come before it")),
    Classic("1,000 clients, 91,853 messages a second delivered, median 22 ms, 99 % within 52 ms, responses for 39 % of"
            " messages", "CometD's published benchmark", "bounded by one over the CPU per message",
            _always("No rate here seeks saturation, and their server has many cores; the nearest is python -m bench"
                    " run -s broadcast --set subscribers=1000 --sweep rate_hz=40,90")),
)  # fmt: skip
