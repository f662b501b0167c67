"""The conformance gate: one table of checks that every variant must pass before it is measured.

A check says what it does and what it expects, and gets a fresh topic of a running server. What it finds otherwise it
raises as `Refuted`. Run them with `python -m bench verify`; pytest runs the same table.

The contract that they check:

* A topic is 1 to 128 of `A-Z a-z 0-9 _ . -`. A text is one line of ASCII (no control character but TAB), 1 MiB at most,
  and opaque: a server never parses it. What goes against this is refused: 400, 413 or a WebSocket close (1008, 1009).
* The server gets PUSHBENCH_PORT, PUSHBENCH_INGEST_PORT (0: any free port), PUSHBENCH_NONCE, PUSHBENCH_TOKEN and
  PUSHBENCH_PARENT (a pid) in its environment. It listens on 127.0.0.1 only and, once it accepts subscribers, prints one
  line of JSON: {"variant", "pid", "port", "ingest_port", "nonce", "broker_pid" (or null)}; and, where it has a broker
  that may be killed, "broker_port" and "broker_command": where it listens, and what starts another in its place.
* `GET /health` answers {"variant", "pid", "nonce", "technique", "versions", "options", "wire"} with the same nonce.
* Ingest: plain TCP. The first line is the token, every other `topic<TAB>text`; a wrong token ends the connection.
* A subscriber names one topic. From when it is subscribed it gets every text published to that topic, in publish order,
  exactly once, byte for byte, and nothing of before. A slow one neither loses a byte nor holds up another.
* A subscriber can publish: `POST {wire["upstream"]}` over HTTP, a frame `topic<TAB>text` over WebSocket.
* Capability resume: a cursor is `epoch:offset`, the offset counting the texts of the topic, the epoch changing with
  every start of the server. Reconnecting with it (`after=`, or `Last-Event-ID`) brings exactly what was missed. Where
  that cannot be proven a gap is signalled: the header `Push-Gap` (polling, which tells the cursor in `Push-Cursor`), an
  event `gap` (SSE), `{"cursor", "gap"}` in a binary frame (WebSocket) or a line (NDJSON).
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

import psutil

from bench.clients._reactor import Reactor
from bench.gate.server_under_test import WITHIN_S, Refuted, Subject
from bench.processes.errors import ProcessError
from servers import Capability, Variant

NAGLE_LIMIT_S = 0.020  # delayed ACK holds a reply back for 40 ms; a healthy one takes well under 1 ms
STOP_LIMIT_S = 2.0
MANY = 25


def text(number: int, padding: str = "") -> bytes:
    """One line of ASCII JSON."""
    return json.dumps({"n": number, "p": padding}).encode()


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the table. `ends` marks the check that stops the server and so must come last."""

    name: str
    does: str
    expects: str
    run: Callable[[Subject, str], None]
    needs: Capability | None = None
    ends: bool = False

    def applies_to(self, variant: Variant) -> bool:
        """Whether `variant` promises what is checked here."""
        return self.needs is None or self.needs in variant.capabilities


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one check on one variant; `refutation` is empty if it passed."""

    check: Check
    refutation: str


def answers_health(subject: Subject, topic: str) -> None:
    said = subject.health()
    expected = {"variant": subject.name, "pid": subject.server.server_pid, "nonce": subject.server.nonce}
    found = {key: said.get(key) for key in expected}
    if found != expected:
        raise Refuted(f"/health says {found}, not {expected}")


def delivers_to_one(subject: Subject, topic: str) -> None:
    (ear,) = subject.primed(topic)
    subject.publish(topic, text(1))
    subject.expect_heard(ear, [text(1)])


def delivers_to_many(subject: Subject, topic: str) -> None:
    ears = subject.primed(topic, MANY)
    texts = [text(number) for number in range(10)]
    subject.publish(topic, *texts)
    for ear in ears:
        subject.expect_heard(ear, texts)


def keeps_order(subject: Subject, topic: str) -> None:
    (ear,) = subject.primed(topic)
    texts = [text(number) for number in range(500)]
    subject.publish(topic, *texts)
    subject.expect_heard(ear, texts)


def delivers_once(subject: Subject, topic: str) -> None:
    ears = subject.primed(topic, 3)
    texts = [text(7)] * 5 + [text(8)]
    subject.publish(topic, *texts)
    subject.settle(topic, ears)
    for ear in ears:
        subject.expect_heard(ear, texts)


def keeps_every_byte(subject: Subject, topic: str) -> None:
    (ear,) = subject.primed(topic)
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
    subject.publish(topic, *texts)
    subject.expect_heard(ear, texts)


def keeps_topics_apart(subject: Subject, topic: str) -> None:
    topics = [topic, topic + ".1", topic + "-1"]
    ears = [subject.primed(name)[0] for name in topics]
    for number in range(5):
        for index, name in enumerate(topics):
            subject.publish(name, text(10 * index + number))
    for index, (name, ear) in enumerate(zip(topics, ears, strict=True)):
        subject.settle(name, [ear])
        subject.expect_heard(ear, [text(10 * index + number) for number in range(5)])


def starts_late_subscribers_at_now(subject: Subject, topic: str) -> None:
    (early,) = subject.primed(topic)
    subject.publish(topic, text(1), text(2))
    subject.expect_heard(early, [text(1), text(2)])
    (late,) = subject.primed(topic)
    subject.publish(topic, text(3))
    subject.expect_heard(late, [text(3)])


def frees_those_who_leave(subject: Subject, topic: str) -> None:
    ears = subject.primed(topic, MANY)
    process = psutil.Process(subject.server.server_pid)
    before = process.num_fds()
    subject.leave(*ears)

    def freed() -> bool:
        subject.publish(topic, text(0))  # some servers notice a closed connection only when they write
        return process.num_fds() <= before - MANY

    subject.expect(f"{MANY} descriptors to be closed after {MANY} subscribers left", freed)


def spares_others_from_a_slow_reader(subject: Subject, topic: str) -> None:
    asleep = Reactor()
    (slow,) = subject.primed(topic, reactor=asleep)
    (quick,) = subject.primed(topic)
    asleep.pause()
    large = [text(number, "w" * ((1 << 20) - 64)) for number in range(6)]
    for one in large:
        subject.publish(topic, one)
    subject.expect_heard(quick, large)
    asleep.resume()
    subject.expect_heard(slow, large)


def takes_upstream(subject: Subject, topic: str) -> None:
    writer, reader = subject.primed(topic, 2)
    texts = [text(number, '"\u00e9') for number in range(20)]
    for one in texts:
        writer.subscriber.publish(topic, one)
    subject.expect_heard(reader, texts)
    subject.expect_heard(writer, texts)


def answers_without_delay(subject: Subject, topic: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", subject.server.port, timeout=WITHIN_S)
    took_s = []
    for _ in range(8):
        started = time.perf_counter()
        subject.get("/health", connection)
        took_s.append(time.perf_counter() - started)
    connection.close()
    if min(took_s[1:]) > NAGLE_LIMIT_S:  # the artefact hits every request; noise does not
        raise Refuted(f"the quickest of {len(took_s) - 1} keep-alive requests took {min(took_s[1:]) * 1e3:.1f} ms")


def resumes_without_loss(subject: Subject, topic: str) -> None:
    (first,) = subject.primed(topic)
    subject.publish(topic, text(1))
    subject.expect_heard(first, [text(1)])
    subject.settle(topic, [first])
    cursor = first.subscriber.cursor
    if cursor is None:
        raise Refuted("the variant declares resume, but its subscriber has no cursor")
    subject.leave(first)
    missed = [text(number) for number in range(2, 40)]
    subject.publish(topic, *missed)
    second = subject.subscribe(topic, after=cursor)
    subject.expect_heard(second, missed)
    subject.publish(topic, text(40))
    subject.expect_heard(second, [*missed, text(40)])
    if second.subscriber.gaps:
        raise Refuted(f"{second.subscriber.gaps} gaps were signalled although nothing was missing")


def signals_a_gap(subject: Subject, topic: str) -> None:
    subject.primed(topic)
    stranger = subject.subscribe(topic, after="another-epoch:3")
    subject.expect("a gap to be signalled for the cursor of another epoch", lambda: stranger.subscriber.gaps > 0)
    subject.prime(topic, [stranger])
    subject.publish(topic, text(1))
    subject.expect_heard(stranger, [text(1)])


def stops_cleanly(subject: Subject, topic: str) -> None:
    subject.primed(topic, 5)
    children = psutil.Process(subject.server.server_pid).children(recursive=True)
    os.kill(subject.server.server_pid, signal.SIGTERM)
    subject.expect("the server to end after SIGTERM", lambda: not subject.server.alive(), STOP_LIMIT_S)
    subject.expect(
        "its children to end with it", lambda: not any(child.is_running() for child in children), STOP_LIMIT_S
    )
    code = subject.server.process.returncode
    if code not in (0, -signal.SIGTERM):
        raise Refuted(f"exited with {code}: {subject.server.last_line()}")


CHECKS = (
    Check("health", "asks /health", "name, pid and nonce of this very server", answers_health),
    Check("one", "publishes one text to one subscriber", "it arrives", delivers_to_one),
    Check("many", f"publishes 10 texts to {MANY} subscribers", "everyone receives all in order", delivers_to_many),
    Check("order", "publishes 500 texts at once", "they arrive in publish order", keeps_order),
    Check("once", "publishes equal texts to three subscribers", "each arrives exactly as often", delivers_once),
    Check("bytes", "publishes awkward and large texts", "every byte arrives as it was sent", keeps_every_byte),
    Check("topics", "publishes to three topics", "each subscriber hears its own only", keeps_topics_apart),
    Check("late", "subscribes after texts were published", "only what follows arrives", starts_late_subscribers_at_now),
    Check("leave", f"closes {MANY} subscriptions", "their descriptors are freed", frees_those_who_leave),
    Check("slow", "stops reading on one of two subscribers while texts of 1 MiB are published",
          "the other is not held up; the slow one then receives every text intact", spares_others_from_a_slow_reader),
    Check("upstream", "publishes through a subscriber", "all subscribers of the topic receive it", takes_upstream),
    Check("nagle", "sends requests over one connection", "a reply in under 20 ms", answers_without_delay),
    Check("resume", "reconnects with a cursor after missing texts", "exactly the missed texts, and no gap",
          resumes_without_loss, needs=Capability.RESUME),
    Check("gap", "connects with the cursor of another epoch", "a signalled gap, then what follows",
          signals_a_gap, needs=Capability.RESUME),
    Check("stop", "sends SIGTERM with subscribers connected", "the end within 2 s, children included",
          stops_cleanly, ends=True),
)  # fmt: skip


def verify(name: str, variant: Variant) -> Iterator[Verdict]:
    """Run every check that applies against a fresh server, yielding verdicts as they come.

    A server that cannot be started is the refutation of the first check.
    """
    checks = sorted((check for check in CHECKS if check.applies_to(variant)), key=lambda check: check.ends)
    try:
        with Subject(name, variant) as subject:
            for check in checks:
                yield Verdict(check, examine(check, subject))
                subject.hang_up()
    except (ProcessError, OSError, LookupError) as error:
        yield Verdict(checks[0], str(error))


def examine(check: Check, subject: Subject) -> str:
    """Run one check; why it failed, or an empty string."""
    try:
        check.run(subject, subject.topic())
    except Refuted as refuted:
        return str(refuted)
    except Exception as error:  # whatever a server's answer breaks is its refutation
        return f"{type(error).__name__}: {error}"
    return ""
