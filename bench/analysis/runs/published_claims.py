"""Published claims about push techniques: their sources, the laws that they should follow, and how they are tested."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.reproduction import (
    SCENARIO,
    Reading,
    header_overhead,
    implicit_batching,
    large_margins,
    push_to_pull,
    untestable,
)


@dataclass(frozen=True, slots=True)
class PublishedClaim:
    """A published claim, its source, and the law that it should follow. `read` holds it against a run."""

    claim: str
    source: str
    law: str
    read: Callable[[Cells], Reading]


def _never_testable(note: str) -> Callable[[Cells], Reading]:
    return lambda _: untestable(note)


PUBLISHED_CLAIMS = (
    PublishedClaim(
        "A poll carries 871 B of headers where a WebSocket frame carries 2 B: 6.6, 66, 665 against 0.015, 0.153, 1.526"
        " Mbit/s for 1k, 10k, 100k clients at one message a second",
        "Lubbers and Greco, HTML5 WebSocket: a quantum leap in scalability",
        "435 to 1; with the TCP and IP headers of every segment, about 22 to 1", header_overhead),
    PublishedClaim(
        "Long polling: average latency close to one network transit, maximum over three", "RFC 6202, section 2.2",
        "request waiting: d + S; published between two requests: at most 3 d + 2 S + c",
        _never_testable("A network transit over loopback takes no time. An emulated round trip needs root: tc qdisc add"
                        " dev lo root netem delay 20ms")),
    PublishedClaim(
        "Push takes about 7 times the server CPU of pull", "Bozdag, Mesbah and van Deursen 2007",
        "requests per message fall as P over D: the ratio inverts for short poll intervals", push_to_pull),
    PublishedClaim(
        "Long polling beats WebSocket in throughput because of the implicit batching", "aspnet/SignalR 2293",
        "messages per response: max(1, g/P)", implicit_batching),
    PublishedClaim(
        "SSE over HTTP/2 is as good as or better than WebSocket", "Fladvad and Khans 2021",
        "the same latency; headers compressed, one connection for many streams",
        _never_testable("No variant has an HTTP/2 front. One can be added as a variant with a command")),
    PublishedClaim(
        "WebSocket is better by large margins than SSE and polling", "Bigestans 2014",
        "SSE and WebSocket differ by 10 to 15 B per message and not in latency", large_margins),
    PublishedClaim(
        "Five updates at 1/s over HTTP/1.1: short polling 10,586 B, long polling 4,574 B, SSE 2,053 B, the WebSocket"
        " handshake alone 1,876 B", "Aquilio 2017", "requests times headers; one handshake for a stream",
        _never_testable("The records count the bytes of the measured part; handshakes come before it")),
    PublishedClaim(
        "1,000 clients, 91,853 messages a second delivered, median 22 ms, p99 52 ms, responses for 39 % of"
        " messages", "CometD's published benchmark", "bounded by one over the CPU per message",
        _never_testable("No rate here reaches saturation, and their server has many cores. Nearest: python -m bench run"
                        f" -s {SCENARIO} --set subscribers=1000 --sweep rate_hz=40,90")),
)  # fmt: skip
