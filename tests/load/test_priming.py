"""Subscribers that publish send probes to themselves, at growing intervals until one has come back."""

from types import SimpleNamespace

import pytest

from bench.load import orders
from bench.messages import PROBE_FROM
from bench.processes.orders import Prime

PAUSE_S = 0.25


class Subscriber:
    """Its server sends a probe back `answers_after` pauses after the first was published."""

    def __init__(self, recorder, answers_after):
        self.recorder, self.answers_after = recorder, answers_after
        self.published = []
        self.user = SimpleNamespace(subscriber=self, topic="t", tally=SimpleNamespace(probes=0))

    def publish(self, topic, text):
        self.published.append(text)

    def pause(self):
        self.answers_after -= 1
        if self.answers_after == 0:
            self.user.tally.probes = 1
            self.recorder.probed += 1


@pytest.fixture
def primed(monkeypatch):
    """The pauses and the subscribers of a session that was primed, whose pauses take no time."""

    def prime(*answers_after, upstream=True):
        clock, pauses = [0.0], []
        recorder = SimpleNamespace(probed=0, tallies=answers_after, errors={})
        subscribers = [Subscriber(recorder, after) for after in answers_after]

        def until(true, timeout_s):
            pauses.append(timeout_s)
            clock[0] += timeout_s
            for subscriber in subscribers:
                subscriber.pause()
            return true()

        monkeypatch.setattr(orders, "_until", until)
        monkeypatch.setattr(orders.time, "monotonic", lambda: clock[0])
        composer = SimpleNamespace(compose=lambda number, _: number)
        session = SimpleNamespace(
            recorder=recorder, recorders=[recorder], composer=composer,
            subscribers=[subscriber.user for subscriber in subscribers],
        )  # fmt: skip
        return orders.prime(session, Prime(upstream=upstream, timeout_s=15.0, pause_s=PAUSE_S)), pauses, subscribers

    return prime


def test_the_pause_between_probes_doubles_until_each_has_come_back(primed):
    answer, pauses, (quick, slow) = primed(1, 4)
    assert (answer.primed, answer.subscribers) == (2, 2)
    assert pauses == [PAUSE_S, 2 * PAUSE_S, 4 * PAUSE_S, 8 * PAUSE_S]
    assert quick.published == [PROBE_FROM]
    assert slow.published == [PROBE_FROM + number for number in range(4)]


def test_a_server_that_never_answers_gets_few_probes_and_the_wait_ends_in_time(primed):
    answer, pauses, (silent,) = primed(100)
    assert (answer.primed, answer.subscribers) == (0, 1)
    assert sum(pauses) == 15.0
    assert len(silent.published) == 6


def test_subscribers_that_do_not_publish_only_wait(primed):
    answer, pauses, (subscriber,) = primed(1, upstream=False)
    assert answer.primed == 1
    assert pauses == [15.0]
    assert subscriber.published == []
