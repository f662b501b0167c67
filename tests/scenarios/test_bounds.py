"""Parameters that cannot work together are refused with the numbers, before anything is started."""

import pytest

from bench.messages import PROBE_FROM, SENDER_STRIDE
from bench.paths import PATHS
from bench.planning.request import Refused, Request, settle
from servers import limits
from servers._broker import Message, Topic

MIB = 1 << 20


def request(scenario, *changes, variants=("sse",), sweeps=()):
    return Request(scenarios=(scenario,), variants=variants, changes=changes, sweeps=sweeps)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (request("burst", "burst=5000"), "burst=5000: the log of a topic holds 4096 .* 904 of a burst would be lost"),
        (request("burst", "burst=20", f"payload_bytes={MIB}"), "holds 10 messages of payload_bytes=1048576, so 10 of"),
        (request("burst", sweeps=("burst=10,5000",)), "burst=5000: the log"),
        (request("echo", f"payload_bytes={MIB}"), "100 topics: all logs together have 256 MiB, enough for 85 topics"),
        (request("chat", "room=200"), "room=200 needs at least this number of subscribers, not 100"),
        (request("chat", "rate_hz=100", "measure_s=3000"), "300100 messages per subscriber .* at most 100000"),
        (request("chat", "subscribers=95000", "room=1000"), f"numbered up to 9499900003, .* below {PROBE_FROM}"),
        (request("dropped", "cut_every_s=60"), "twice away_s=0.4 take 60.8 s, more than measure_s=4"),
        (request("dropped", "away_s=3"), "most subscribers would never be cut off"),
        (request("slow_reader", "stop_s=30"), "slow_after_s=0.5 must be over within measure_s=23"),
        (request("slow_reader", "trickle_s=20", "stop_s=3"), "must be over within measure_s=23"),
        (request("slow_reader", "subscribers=1"), "subscribers=1: there must be others"),
        (request("slow_reader", "slow_after_s=11", "stop_s=5", sweeps=("slow='none'",)), "within measure_s=10"),
        (request("broadcast", "path=narrow", "payload_bytes=8000"), "'narrow' carries 8000 bytes per second.* 160000"),
        (request("lossy", "rate_hz=30", sweeps=("path='fragments'",)), "'fragments' carries 2000 .* sends 3000 to"),
        (request("restart", "restart_after_s=5"), "must be over within"),
        (request("outage", "stopped_s=20", variants=("flask_sse",)), "must be over within"),
    ],
)  # fmt: skip
def test_what_no_server_could_deliver_or_no_trial_could_show_is_refused(asked, words):
    with pytest.raises(Refused, match=words):
        settle(asked)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (request("broadcast", "rate_hz=5000", "poll_interval_s=1"), "5000 messages are due between two polls, but"),
        (request("broadcast", "payload_bytes=400000"), "5 messages of payload_bytes=400000 .* a reply carries 3"),
        (request("broadcast", "payload_bytes=8000", sweeps=("poll_interval_s=0.5,60",)), "1200 messages of payload"),
        (request("echo", "payload_bytes=500000", "rate_hz=8"), "2 messages wait in each of 100 topics"),
        (request("chat", "rate_hz=100", "payload_bytes=8000"), "250 messages of payload_bytes=8000"),
        (request("capacity", "bound_s=0.1"), "poll_interval_s=0.25: a poll comes later than bound_s=0.1 allows"),
    ],
)  # fmt: skip
def test_what_a_subscriber_that_polls_would_lose_by_rule_is_refused_where_one_takes_part(asked, words):
    polled = Request(**{name: getattr(asked, name) for name in ("scenarios", "changes", "sweeps")},
                     variants=("sse", "polling"))  # fmt: skip
    with pytest.raises(Refused, match=f"polling cannot take part with .*{words}"):
        settle(polled)
    settle(asked)


@pytest.mark.parametrize(
    "asked",
    [
        request("burst", "burst=4096"),
        request("burst", "burst=10", f"payload_bytes={MIB}"),
        request("echo", f"payload_bytes={MIB}", "subscribers=85"),
        request("chat", "room=100"),
        request("chat", "subscribers=15"),
        request("broadcast", "rate_hz=4000", "poll_interval_s=1", variants=("polling",)),
        request("broadcast", "path=narrow", "rate_hz=80", "payload_bytes=100"),
        request("capacity", "rate_hz=100000"),
        request("idle", "measure_s=600"),
    ],
)
def test_what_just_fits_is_accepted(asked):
    settle(asked)


@pytest.mark.parametrize("size", [64, 100, 8000, MIB])
def test_a_log_holds_as_many_messages_as_the_arithmetic_says(size):
    topic = Topic("epoch")
    for _ in range(limits.LOG_MESSAGES + 1):
        topic.append(b"x" * size)
        if topic.end > len(topic.log):
            break
    assert len(topic.log) == limits.log_messages(size)


def test_all_topics_hold_as_many_messages_as_the_arithmetic_says():
    each = 2 * Message(b"x" * 1000, "epoch", 1).held_bytes + limits.TOPIC_OVERHEAD
    assert limits.topics(1000, 2) * each <= limits.TOTAL_BYTES < (limits.topics(1000, 2) + 1) * each


@pytest.mark.parametrize(
    ("path", "bytes_per_s"), [("direct", 0), ("far", 0), ("narrow", 8000), ("fragments", 2000), ("stalls", 0)]
)
def test_what_a_path_carries_follows_from_its_pieces_and_its_rate(path, bytes_per_s):
    assert PATHS[path].carries_bytes_per_s == bytes_per_s


def test_a_room_numbers_the_messages_of_its_senders_apart():
    assert SENDER_STRIDE * 90_000 == PROBE_FROM
