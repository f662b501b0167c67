"""The broker compared with a plain list: order, exactly once, no gap without a signal, bounded memory."""

from itertools import pairwise

import gevent
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from servers import _broker
from servers._broker import BEYOND_END, FALLEN_OUT, OTHER_EPOCH, Broker
from servers._limits import Cursor

SMALL = {"LOG_MESSAGES": 6, "LOG_BYTES": 6000, "TOTAL_BYTES": 14_000, "REPLY_BYTES": 40, "STREAM_BYTES": 40}


@pytest.fixture
def small_bounds(monkeypatch):
    for name, value in SMALL.items():
        monkeypatch.setattr(_broker, name, value)


def settle():
    """Let every greenlet run until it waits."""
    for _ in range(5):
        gevent.sleep(0)


def texts(batch):
    return [message.text for message in batch.messages]


class ComparedWithAList(RuleBasedStateMachine):
    """Topics are lists by epoch, a subscriber is its cursor. What it reads is continuous, or signals a gap."""

    cursors = Bundle("cursors")
    topics = st.sampled_from(["a", "b", "c", "d"])

    def __init__(self):
        super().__init__()
        self.original_bounds = {name: getattr(_broker, name) for name in SMALL}
        for name, value in SMALL.items():
            setattr(_broker, name, value)
        self.broker = Broker()
        self.published: dict[str, list[bytes]] = {}
        self.number = 0

    def teardown(self):
        for name, value in self.original_bounds.items():
            setattr(_broker, name, value)

    @rule(topic=topics, size=st.integers(0, 1500))
    def publish(self, topic, size):
        self.number += 1
        text = b"%d " % self.number + b"x" * size
        self.broker.publish(topic, text)
        now = self.broker.read(topic, None)
        self.published.setdefault(now.epoch, []).append(text)
        assert now.end == len(self.published[now.epoch])

    @rule(target=cursors, topic=topics)
    def arrive(self, topic):
        batch = self.broker.read(topic, None)
        assert (batch.messages, batch.gap) == ([], "")
        assert batch.end == len(self.published.get(batch.epoch, []))
        return topic, batch.cursor

    @rule(target=cursors, position=cursors)
    def read_on(self, position):
        topic, cursor = position
        batch = self.broker.read(topic, cursor)
        all_texts = self.published.get(batch.epoch, [])
        assert texts(batch) == all_texts[batch.start : batch.end]
        if not batch.gap:
            assert batch.before == cursor
            assert batch.messages or batch.end == len(all_texts)
        elif batch.gap == FALLEN_OUT:
            assert batch.epoch == cursor.epoch
            assert batch.start > cursor.offset
        else:
            assert batch.gap == OTHER_EPOCH
            assert batch.epoch != cursor.epoch
        return topic, batch.cursor

    @rule(position=cursors, beyond=st.integers(1, 10**17))
    def read_beyond_the_end(self, position, beyond):
        topic, _ = position
        now = self.broker.read(topic, None)
        batch = self.broker.read(topic, Cursor(now.epoch, now.end + beyond))
        assert (batch.gap, batch.messages, batch.cursor) == (BEYOND_END, [], now.cursor)

    @invariant()
    def memory_is_bounded(self):
        assert self.broker._held_bytes <= SMALL["TOTAL_BYTES"]
        sizes = [topic.held_bytes + _broker.TOPIC_OVERHEAD for topic in self.broker._topics.values()]
        assert self.broker._held_bytes == sum(sizes)


TestComparedWithAList = ComparedWithAList.TestCase
TestComparedWithAList.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("publish"), st.integers(1, 9)),
            st.tuples(st.just("run"), st.just(0)),
            st.tuples(st.sampled_from(["block", "release"]), st.integers(0, 2)),
        ),
        max_size=40,
    )
)
@settings(max_examples=150, deadline=None)
def test_a_stream_is_continuous_or_signals_a_gap(steps):
    """Three followers, which `block` and `release` like slow readers, while texts are published."""
    original_bounds = {name: getattr(_broker, name) for name in SMALL}
    for name, value in SMALL.items():
        setattr(_broker, name, value)
    try:
        broker, published = Broker(), []
        gates = [gevent.event.Event() for _ in range(3)]
        received = [[] for _ in range(3)]

        def follow(gate, batches):
            for batch in broker.follow("a", None):
                batches.append(batch)
                gate.wait()

        for gate in gates:
            gate.set()
        followers = [gevent.spawn(follow, gate, batches) for gate, batches in zip(gates, received, strict=True)]
        settle()
        for action, value in steps:
            if action == "publish":
                for _ in range(value):
                    published.append(b"%d" % len(published))
                    broker.publish("a", published[-1])
            elif action == "run":
                settle()
            else:
                (gates[value].clear if action == "block" else gates[value].set)()
        for gate in gates:
            gate.set()
        settle()
        for batches in received:
            assert batches[0].messages == []
            for before, after in pairwise(batches):
                assert after.start == before.end or (after.gap == FALLEN_OUT and after.start > before.end)
                assert texts(after) == published[after.start : after.end]
            assert batches[-1].end == len(published)
        broker.close()
        gevent.joinall(followers, timeout=5, raise_error=True)
        assert not any(followers)
    finally:
        for name, value in original_bounds.items():
            setattr(_broker, name, value)


def test_a_message_is_encoded_once_for_all_subscribers():
    broker, encoded, received = Broker(), [], []

    def encode(message):
        encoded.append(message.offset)
        return b"<" + message.text + b">"

    def follow():
        received.extend(batch.wire(encode) for batch in broker.follow("a", None))

    followers = [gevent.spawn(follow) for _ in range(50)]
    settle()
    broker.publish("a", b"one")
    broker.publish("a", b"two")
    settle()
    broker.publish("a", b"three")
    settle()
    gevent.killall(followers)
    assert encoded == [1, 2, 3]
    assert received == [b""] * 50 + [b"<one><two>"] * 50 + [b"<three>"] * 50


def test_a_new_subscriber_receives_its_cursor_at_once():
    broker = Broker()
    broker.publish("a", b"old")
    batch = broker.wait("a", None, 60)
    assert (batch.messages, batch.gap, batch.end) == ([], "", 1)


def test_a_waiting_subscriber_is_woken_by_the_next_text_of_its_topic_only():
    broker = Broker()
    cursor = broker.read("a", None).cursor
    waiting = [gevent.spawn(broker.wait, "a", cursor, 60) for _ in range(3)]
    settle()
    broker.publish("b", b"elsewhere")
    settle()
    assert not any(one.dead for one in waiting)
    broker.publish("a", b"here")
    settle()
    assert [texts(one.get(block=False)) for one in waiting] == [[b"here"]] * 3


def test_a_wait_that_times_out_returns_no_text_and_keeps_the_cursor():
    broker = Broker()
    cursor = broker.read("a", None).cursor
    batch = broker.wait("a", cursor, 0.01)
    assert (batch.messages, batch.gap, batch.cursor) == ([], "", cursor)
    assert broker.wait("a", cursor, 0).cursor == cursor


def test_a_heartbeat_reaches_followers_as_an_empty_batch_and_ends_no_wait(monkeypatch):
    monkeypatch.setattr(_broker, "HEARTBEAT_S", 0.005)
    broker = Broker()
    cursor = broker.read("a", None).cursor
    waiting = gevent.spawn(broker.wait, "a", cursor, 60)
    stream = broker.follow("a", None)
    next(stream)
    broker.start_heartbeat()
    with gevent.Timeout(5):
        assert [texts(next(stream)) for _ in range(3)] == [[], [], []]
    assert not waiting.dead
    broker.close()
    settle()
    assert waiting.get(block=False).messages == []


def test_a_subscriber_killed_while_waiting_is_removed():
    broker = Broker()
    cursor = broker.read("a", None).cursor
    elsewhere = gevent.event.Event()

    def wait_then_block_elsewhere():
        try:
            broker.wait("a", cursor, 60)
        except gevent.GreenletExit:
            elsewhere.wait()
            raise

    one = gevent.spawn(wait_then_block_elsewhere)
    settle()
    one.kill(block=False)
    settle()
    broker.publish("a", b"text")
    settle()
    assert not one.dead
    elsewhere.set()
    gevent.joinall([one], timeout=5)
    assert one.dead
    assert not broker._topics["a"].parked


def test_a_followed_topic_keeps_its_epoch_when_others_need_the_memory(small_bounds):
    broker = Broker()
    stream = broker.follow("a", None)
    first = next(stream)
    for number in range(50):
        broker.publish(f"topic-{number}", b"x" * 500)
    broker.publish("a", b"text")
    batch = next(stream)
    assert (batch.epoch, texts(batch), batch.gap) == (first.epoch, [b"text"], "")
    assert broker.read("topic-0", Cursor("gone", 1)).gap == OTHER_EPOCH


def test_a_topic_that_was_evicted_returns_with_another_epoch(small_bounds):
    broker = Broker()
    broker.publish("a", b"text")
    cursor = broker.read("a", None).cursor
    for number in range(50):
        broker.publish(f"topic-{number}", b"x" * 500)
    broker.publish("a", b"text")
    batch = broker.read("a", cursor)
    assert (batch.gap, batch.messages) == (OTHER_EPOCH, [])


def test_one_reply_exceeds_its_bound_by_one_text_at_most(small_bounds):
    broker = Broker()
    cursor = broker.read("a", None).cursor
    for _ in range(5):
        broker.publish("a", b"x" * 30)
    sizes = []
    while (batch := broker.read("a", cursor)).messages:
        sizes.append(len(batch.messages))
        cursor = batch.cursor
    assert sizes == [2, 2, 1]


def test_a_subscriber_behind_the_log_receives_what_the_log_still_holds(small_bounds):
    broker = Broker()
    cursor = broker.read("a", None).cursor
    for number in range(9):
        broker.publish("a", b"%d" % number)
    batch = broker.read("a", cursor)
    assert (batch.gap, batch.start, texts(batch)) == (FALLEN_OUT, 3, [b"3", b"4", b"5", b"6", b"7", b"8"])
