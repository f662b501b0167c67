"""The conformance gate: one table of checks that every variant must pass before it is measured.

A check says what it does and what it expects, and gets a new topic of a running server. It raises `Refuted` where the
server does something else. `python -m bench verify` runs the checks; pytest runs the same table.

The contract:

* A topic is 1 to 128 of `A-Z a-z 0-9 _ . -`. A text is one line of ASCII (no control character but TAB), 1 MiB at most,
  and opaque: a server never parses it. A server refuses anything else: 400, 413 or a WebSocket close (1008, 1009).
* The server gets PUSHBENCH_PORT, PUSHBENCH_INGEST_PORT (0: any free port), PUSHBENCH_NONCE, PUSHBENCH_TOKEN and
  PUSHBENCH_PARENT (a pid) in its environment. It listens on 127.0.0.1 only and, once it accepts subscribers, prints one
  line of JSON: {"variant", "pid", "port", "ingest_port", "nonce", "broker_pid" (or null)}. A server with a broker of
  its own adds "broker": {"product", "version", "origin", "reached", "here", "publish_s"} (see `UsedBroker`). If it may
  be killed, it adds "broker_port", where it listens, and "broker_command", which starts another in its place.
* `GET /health` answers {"variant", "pid", "nonce", "technique", "versions", "options", "wire"} with the same nonce.
* Ingest: plain TCP. The first line is the token, every other `topic<TAB>text`; a wrong token ends the connection.
* A subscriber names one topic. Once it is subscribed it gets every text published to that topic, in publish order,
  exactly once, byte for byte, and no earlier text. A slow subscriber loses no byte and delays no other. What a product
  does in place of that it declares (`Variant.limits`).
* A subscriber can publish: `POST {wire["upstream"]}` over HTTP, a frame `topic<TAB>text` over WebSocket. A publish that
  is refused is an error at its sender.
* Capability resume: a cursor is `epoch:offset`. The offset counts the texts of the topic, and the epoch changes with
  every start of the server. A subscriber that reconnects with a cursor (`after=`, or `Last-Event-ID`) gets exactly what
  it missed. Where the server cannot prove that, it signals a gap: the header `Push-Gap` (polling, whose cursor is in
  `Push-Cursor`), an event `gap` (SSE), `{"cursor", "gap"}` in a binary frame (WebSocket) or a line (NDJSON).
* A stream of a variant with `wire["heartbeat_s"]` carries something at least this often. Twice this time without a byte
  is an error at the subscriber. So are a poll without an answer 15 s after the hold time, and for Socket.IO its ping
  interval and ping timeout without a byte.
* SIGTERM ends it within 2 s, and so does the end of its parent.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import psutil

from bench.gate.server_under_test import WITHIN_S, Refuted, ServerUnderTest
from bench.processes.errors import ProcessError
from bench.reactor.reactor import Reactor
from servers import Capability, Limit, Variant

NAGLE_LIMIT_S = 0.020  # a delayed ACK delays a reply by 40 ms; without it a reply takes well under 1 ms
STOP_LIMIT_S = 2.0
MANY = 25


def text(number: int, padding: str = "") -> bytes:
    """One line of ASCII JSON."""
    return json.dumps({"n": number, "p": padding}).encode()


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the table. ends: it stops the server, so it must come last."""

    name: str
    does: str
    expects: str
    run: Callable[[ServerUnderTest, str], None]
    needs: Capability | None = None
    ends: bool = False

    def applies_to(self, variant: Variant) -> bool:
        """Whether `variant` promises what this checks."""
        return self.needs is None or self.needs in variant.capabilities


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one check on one variant; `refutation` is empty if it passed."""

    check: Check
    refutation: str


def answers_health(server: ServerUnderTest, topic: str) -> None:
    facts = server.health()
    expected = {"variant": server.name, "pid": server.process.server_pid, "nonce": server.process.nonce}
    answered = {key: facts.get(key) for key in expected}
    if answered != expected:
        raise Refuted(f"/health answers {answered}, not {expected}")


def delivers_to_one(server: ServerUnderTest, topic: str) -> None:
    (receiver,) = server.subscribed(topic)
    server.publish(topic, text(1))
    server.expect_texts(receiver, [text(1)])


def delivers_to_many(server: ServerUnderTest, topic: str) -> None:
    receivers = server.subscribed(topic, MANY)
    texts = [text(number) for number in range(10)]
    server.publish(topic, *texts)
    for receiver in receivers:
        server.expect_texts(receiver, texts)


def keeps_order(server: ServerUnderTest, topic: str) -> None:
    (receiver,) = server.subscribed(topic)
    texts = [text(number) for number in range(500)]
    server.publish(topic, *texts)
    server.expect_texts(receiver, texts)


def delivers_once(server: ServerUnderTest, topic: str) -> None:
    receivers = server.subscribed(topic, 3)
    texts = [text(7)] * 5 + [text(8)]
    server.publish(topic, *texts)
    server.drain(topic, receivers)
    for receiver in receivers:
        server.expect_texts(receiver, texts)


def keeps_every_byte(server: ServerUnderTest, topic: str) -> None:
    (receiver,) = server.subscribed(topic)
    texts = [
        text(1),
        text(2, '"quoted" and \\ and / and \t'),
        text(3, "escaped \u00e9 \u2028 \u0000 \U0001f600"),
        text(4, "  spaces  "),
        text(5, ": data: id: event: retry:"),
        text(6, '42["message","x"]\x1e2'),
        text(7, "x" * (125 - len(text(7)))),
        text(8, "x" * (126 - len(text(8)))),
        text(9, "y" * (65535 - len(text(9)))),
        text(10, "z" * (65536 - len(text(10)))),
    ]
    server.publish(topic, *texts)
    server.expect_texts(receiver, texts)


def keeps_spaces(server: ServerUnderTest, topic: str) -> None:
    writer, reader = server.subscribed(topic, 2)
    texts = [b" lead", b"trail ", b"  two  ", b"\ttab\t", b" ", b"", text(1)]
    expected = [one for one in map(partial(as_limited, server.variant.limits), texts) if one is not None]
    server.publish(topic, *texts)
    server.expect_texts(reader, expected)
    server.expect_texts(writer, expected)
    for one in texts:
        writer.subscriber.publish(topic, one)
    server.expect_texts(reader, expected * 2)


def as_limited(limits: frozenset[Limit], one: bytes) -> bytes | None:
    """What a variant with these limits makes of a text; None if it does not deliver it."""
    if not one and Limit.EMPTY_TEXT in limits:
        return None
    return one.removeprefix(b" ") if Limit.LEADING_SPACE in limits else one


def separates_topics(server: ServerUnderTest, topic: str) -> None:
    topics = [topic, topic + ".1", topic + "-1"]
    receivers = [server.subscribed(name)[0] for name in topics]
    for number in range(5):
        for index, name in enumerate(topics):
            server.publish(name, text(10 * index + number))
    for index, (name, receiver) in enumerate(zip(topics, receivers, strict=True)):
        server.drain(name, [receiver])
        server.expect_texts(receiver, [text(10 * index + number) for number in range(5)])


def starts_late_subscribers_at_now(server: ServerUnderTest, topic: str) -> None:
    (early,) = server.subscribed(topic)
    server.publish(topic, text(1), text(2))
    server.expect_texts(early, [text(1), text(2)])
    (late,) = server.subscribed(topic)
    server.publish(topic, text(3))
    server.expect_texts(late, [text(3)])


def frees_closed_subscriptions(server: ServerUnderTest, topic: str) -> None:
    receivers = server.subscribed(topic, MANY)
    process = psutil.Process(server.process.server_pid)
    before = process.num_fds()
    server.close(*receivers)

    def freed() -> bool:
        server.publish(topic, text(0))  # some servers notice a closed connection only when they write
        return process.num_fds() <= before - MANY

    server.expect(f"{MANY} descriptors to be closed after {MANY} subscribers left", freed)


def protects_others_from_a_slow_reader(server: ServerUnderTest, topic: str) -> None:
    paused = Reactor()
    (slow,) = server.subscribed(topic, reactor=paused)
    (quick,) = server.subscribed(topic)
    paused.pause()
    large = [text(number, "w" * ((1 << 20) - 64)) for number in range(6)]
    for one in large:
        server.publish(topic, one)
    server.expect_texts(quick, large)
    paused.resume()
    server.expect_texts(slow, large)


def takes_upstream(server: ServerUnderTest, topic: str) -> None:
    writer, reader = server.subscribed(topic, 2)
    texts = [text(number, '"\u00e9') for number in range(20)]
    for one in texts:
        writer.subscriber.publish(topic, one)
    server.expect_texts(reader, texts)
    server.expect_texts(writer, texts)


def refuses_aloud(server: ServerUnderTest, topic: str) -> None:
    (writer,) = server.subscribed(topic)
    writer.subscriber.publish(topic, b"bell\a")
    server.expect("an error at the sender of a text with a control character", lambda: bool(writer.errors))
    if writer.texts:
        raise Refuted(f"a text with a control character was refused ({writer.errors[0]}) and delivered")


def answers_without_delay(server: ServerUnderTest, topic: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.process.port, timeout=WITHIN_S)
    took_s = []
    for _ in range(8):
        started = time.perf_counter()
        server.get("/health", connection)
        took_s.append(time.perf_counter() - started)
    connection.close()
    if min(took_s[1:]) > NAGLE_LIMIT_S:  # a delayed ACK delays every request, noise only some
        raise Refuted(f"the quickest of {len(took_s) - 1} keep-alive requests took {min(took_s[1:]) * 1e3:.1f} ms")


def resumes_without_loss(server: ServerUnderTest, topic: str) -> None:
    (first,) = server.subscribed(topic)
    server.publish(topic, text(1))
    server.expect_texts(first, [text(1)])
    server.drain(topic, [first])
    cursor = first.subscriber.cursor
    if cursor is None:
        raise Refuted("the variant declares resume, but its subscriber has no cursor")
    server.close(first)
    missed = [text(number) for number in range(2, 40)]
    server.publish(topic, *missed)
    second = server.subscribe(topic, after=cursor)
    server.expect_texts(second, missed)
    server.publish(topic, text(40))
    server.expect_texts(second, [*missed, text(40)])
    if second.subscriber.gaps:
        raise Refuted(f"{second.subscriber.gaps} gaps were signalled although nothing was missing")


def signals_a_gap(server: ServerUnderTest, topic: str) -> None:
    server.subscribed(topic)
    stranger = server.subscribe(topic, after="another-epoch:3")
    server.expect("a gap to be signalled for the cursor of another epoch", lambda: stranger.subscriber.gaps > 0)
    server.probe(topic, [stranger])
    server.publish(topic, text(1))
    server.expect_texts(stranger, [text(1)])


def stops_cleanly(server: ServerUnderTest, topic: str) -> None:
    server.subscribed(topic, 5)
    children = psutil.Process(server.process.server_pid).children(recursive=True)
    os.kill(server.process.server_pid, signal.SIGTERM)
    server.expect("the server to end after SIGTERM", lambda: not server.process.alive(), STOP_LIMIT_S)
    server.expect(
        "its child processes to end with it", lambda: not any(child.is_running() for child in children), STOP_LIMIT_S
    )
    code = server.process.process.returncode
    if code not in (0, -signal.SIGTERM):
        raise Refuted(f"exited with {code}: {server.process.last_line()}")


CHECKS = (
    Check("health", "asks /health", "it answers with its name, pid and nonce", answers_health),
    Check("one", "publishes one text to one subscriber", "it arrives", delivers_to_one),
    Check("many", f"publishes 10 texts to {MANY} subscribers", "each receives all in order", delivers_to_many),
    Check("order", "publishes 500 texts at once", "they arrive in publish order", keeps_order),
    Check("once", "publishes equal texts to three subscribers", "each arrives once per publish", delivers_once),
    Check("bytes", "publishes texts with special characters, and large ones", "every byte arrives", keeps_every_byte),
    Check("spaces", "publishes texts that begin or end with spaces, and the empty text",
          "every byte arrives, except for the declared limits", keeps_spaces),
    Check("topics", "publishes to three topics", "each subscriber receives those of its own", separates_topics),
    Check("late", "subscribes after texts were published", "only later texts arrive", starts_late_subscribers_at_now),
    Check("leave", f"closes {MANY} subscriptions", "their descriptors are freed", frees_closed_subscriptions),
    Check("slow", "stops reading on one of two subscribers while texts of 1 MiB are published",
          "the other is not delayed; the slow one then receives every text intact", protects_others_from_a_slow_reader),
    Check("upstream", "publishes through a subscriber", "all subscribers of the topic receive it", takes_upstream),
    Check("refusal", "publishes a text with a control character through a subscriber", "an error at its sender",
          refuses_aloud),
    Check("nagle", "sends requests over one connection", "the replies take less than 20 ms", answers_without_delay),
    Check("resume", "reconnects with a cursor after missing texts", "exactly the missed texts arrive, without a gap",
          resumes_without_loss, needs=Capability.RESUME),
    Check("gap", "connects with the cursor of another epoch", "a gap is signalled, then later texts arrive",
          signals_a_gap, needs=Capability.RESUME),
    Check("stop", "sends SIGTERM with subscribers connected", "it and its child processes end within 2 s",
          stops_cleanly, ends=True),
)  # fmt: skip


def _ignore(_: ServerUnderTest) -> None:
    """The server is of no interest but for the verdicts."""


def verify(name: str, variant: Variant, started: Callable[[ServerUnderTest], None] = _ignore) -> Iterator[Verdict]:
    """Run every check that applies on a new server. Yields each verdict as soon as it is known.

    started: called once with the server, before the first check. A server that cannot be started fails that check.
    """
    checks = sorted((check for check in CHECKS if check.applies_to(variant)), key=lambda check: check.ends)
    try:
        with ServerUnderTest(name, variant) as server:
            started(server)
            for check in checks:
                yield Verdict(check, examine(check, server))
                server.close_all()
    except (ProcessError, OSError, LookupError) as error:
        yield Verdict(checks[0], str(error))


def examine(check: Check, server: ServerUnderTest) -> str:
    """Run one check. Returns why it failed, or an empty string."""
    try:
        check.run(server, server.new_topic())
    except Refuted as refuted:
        return str(refuted)
    except Exception as error:  # an answer of the server broke our code: that fails the check too
        return f"{type(error).__name__}: {error}"
    return ""
