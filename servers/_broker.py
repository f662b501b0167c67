"""The in-process broker: bounded logs of messages, and subscribers that are positions in them.

publish appends to the topic's log and wakes the greenlets that are parked at its end: one callback of the loop per
topic, for any number of greenlets. A subscriber has no queue. It reads from its position as fast as its connection
takes the bytes, so a slow one costs no more than the batch being sent to it. If the log drops messages that it has not
read, it receives a gap signal. A message is encoded for the wire once, and all subscribers share the bytes.

Memory is bounded: a log by LOG_MESSAGES and LOG_BYTES, all topics together by TOTAL_BYTES. Beyond that the topic whose
last publish is oldest is evicted. A topic that returns has a new epoch, so an old cursor is never taken for a position
in the new log.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from itertools import count

import gevent
from gevent.hub import get_hub
from greenlet import greenlet

from servers._limits import (
    LOG_BYTES,
    LOG_MESSAGES,
    MESSAGE_OVERHEAD,
    REPLY_BYTES,
    STREAM_BYTES,
    TEXT_COPIES,
    TOPIC_OVERHEAD,
    TOTAL_BYTES,
    Cursor,
)

HEARTBEAT_S = 15.0

OTHER_EPOCH = "other epoch"
FALLEN_OUT = "fallen out of the log"
BEYOND_END = "beyond the end"


class Message:
    """One published text. A subscriber that has received it has the first `offset` messages of `epoch`."""

    __slots__ = ("_frame", "epoch", "offset", "text")

    def __init__(self, text: bytes, epoch: str, offset: int) -> None:
        self.text = text
        self.epoch = epoch
        self.offset = offset
        self._frame: bytes | None = None

    def wire(self, encode: Encode) -> bytes:
        """Its wire frame, encoded on first use. A process speaks one protocol, so there is one frame per message."""
        if self._frame is None:
            self._frame = encode(self)
        return self._frame

    @property
    def held_bytes(self) -> int:
        """The memory it needs: text, frame, its part of joined frames, and the objects around them."""
        return TEXT_COPIES * len(self.text) + MESSAGE_OVERHEAD


Encode = Callable[[Message], bytes]


class Batch:
    """Consecutive messages from `start` on. `gap` is the reason why messages before them may be missing, or empty."""

    __slots__ = ("_frames", "epoch", "gap", "messages", "start")

    def __init__(self, epoch: str, start: int, messages: list[Message], gap: str = "") -> None:
        self.epoch = epoch
        self.start = start
        self.messages = messages
        self.gap = gap
        self._frames: bytes | None = None

    @property
    def before(self) -> Cursor:
        """The cursor of a subscriber before these messages."""
        return Cursor(self.epoch, self.start)

    @property
    def end(self) -> int:
        """The offset after these messages."""
        return self.start + len(self.messages)

    @property
    def cursor(self) -> Cursor:
        """The cursor of a subscriber after these messages."""
        return Cursor(self.epoch, self.end)

    def wire(self, encode: Encode) -> bytes:
        """The bytes of the messages on the wire, joined once for all subscribers at the same position."""
        if self._frames is None:
            self._frames = b"".join([message.wire(encode) for message in self.messages])
        return self._frames


class Topic:
    """A bounded log. `end` counts all messages ever published to it; the log holds the last of them."""

    __slots__ = ("_latest", "end", "epoch", "followers", "held_bytes", "log", "parked", "waking")

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.log: deque[Message] = deque()
        self.end = 0
        self.held_bytes = 0
        self.followers = 0
        self.parked: dict[greenlet, None] = {}  # a dict for its order: first parked, first woken
        self.waking = False
        self._latest: tuple[int, int, Batch] | None = None

    def append(self, text: bytes) -> None:
        """Add a message, and drop the oldest ones beyond the bounds of the log."""
        self.end += 1
        message = Message(text, self.epoch, self.end)
        self.log.append(message)
        self.held_bytes += message.held_bytes
        while len(self.log) > LOG_MESSAGES or self.held_bytes > LOG_BYTES:
            self.held_bytes -= self.log.popleft().held_bytes
        self._latest = None

    def clear(self) -> None:
        """Drop the whole log. A subscriber that had not read it receives a gap signal."""
        self.log.clear()
        self.held_bytes = 0
        self._latest = None

    def resume(self, after: Cursor | None, limit_bytes: int) -> Batch:
        """The batch for a subscriber with this cursor. Without one it starts at the end."""
        if after is None:
            return Batch(self.epoch, self.end, [])
        if after.epoch != self.epoch:
            return Batch(self.epoch, self.end, [], OTHER_EPOCH)
        return self.since(after.offset, limit_bytes)

    def since(self, offset: int, limit_bytes: int) -> Batch:
        """The messages after the first `offset`: as many as fit into `limit_bytes`, and one more.

        Subscribers at the same position share the batch, and with it the joined frames.
        """
        if self._latest is not None and self._latest[:2] == (offset, limit_bytes):
            return self._latest[2]
        if offset > self.end:
            return Batch(self.epoch, self.end, [], BEYOND_END)
        tail = self.end - len(self.log)
        start = max(offset, tail)
        batch = Batch(
            self.epoch, start, self._take(start - self.end, limit_bytes), FALLEN_OUT if start > offset else ""
        )
        self._latest = (offset, limit_bytes, batch)
        return batch

    def _take(self, first: int, limit_bytes: int) -> list[Message]:
        """Messages from log[first] on. `first` is negative, because a deque is indexed fast from its near end."""
        taken: list[Message] = []
        for index in range(first, 0):
            message = self.log[index]
            taken.append(message)
            limit_bytes -= len(message.text)
            if limit_bytes < 0:
                break
        return taken


class Broker:
    """All topics of a server. Belongs to one gevent hub. Only `wait` and `follow` block."""

    def __init__(self) -> None:
        self._topics: OrderedDict[str, Topic] = OrderedDict()  # by their last publish or creation, oldest first
        self._epochs = (f"{secrets.token_hex(4)}-{number}" for number in count())
        self._held_bytes = 0
        self._hub = get_hub()
        self._closed = False
        self._heartbeat: gevent.Greenlet | None = None

    def publish(self, name: str, text: bytes) -> None:
        """Append a text to a topic and wake its subscribers on the next turn of the loop.

        Texts published within one turn are delivered together: a parked greenlet is woken once.
        """
        topic = self._topic(name)
        self._topics.move_to_end(name)
        before = topic.held_bytes
        topic.append(text)
        self._held_bytes += topic.held_bytes - before
        if self._held_bytes > TOTAL_BYTES:
            self._evict()
        if topic.parked and not topic.waking:
            topic.waking = True
            self._hub.loop.run_callback(self._wake, topic)

    def read(self, name: str, after: Cursor | None) -> Batch:
        """The batch after the cursor, without waiting."""
        return self._topic(name).resume(after, REPLY_BYTES)

    def wait(self, name: str, after: Cursor | None, timeout_s: float) -> Batch:
        """The batch after the cursor, as soon as it has a message or a gap; an empty one after `timeout_s`.

        A new subscriber (`after` None) gets an empty batch at once, for its cursor.
        """
        topic = self._topic(name)
        batch = topic.resume(after, REPLY_BYTES)
        if after is None or batch.gap or batch.messages or timeout_s <= 0:
            return batch
        timer = self._hub.loop.timer(timeout_s)
        timer.start(self._wake_one, topic, gevent.getcurrent())
        try:
            while timer.active and not batch.messages and not batch.gap and not self._closed:
                self._park(topic)
                batch = topic.since(after.offset, REPLY_BYTES)
        finally:
            timer.stop()
            timer.close()
        return batch

    def follow(self, name: str, after: Cursor | None) -> Iterator[Batch]:
        """The topic as a stream of batches, without end until the broker is closed.

        The first batch comes at once, even if it is empty, for its cursor. A later empty batch is a heartbeat: the
        server then sends a keep-alive.
        """
        topic = self._topic(name)
        topic.followers += 1
        try:
            batch = topic.resume(after, STREAM_BYTES)
            while not self._closed:
                yield batch
                offset = batch.end
                if topic.end == offset:
                    self._park(topic)
                batch = topic.since(offset, STREAM_BYTES)
        finally:
            topic.followers -= 1

    def start_heartbeat(self) -> None:
        """Wake all followers every HEARTBEAT_S from now on: one timer in place of one per subscriber."""
        self._heartbeat = gevent.spawn(self._beat)

    def close(self) -> None:
        """End all waits and streams."""
        self._closed = True
        if self._heartbeat is not None:
            self._heartbeat.kill(block=False)
        self._wake_all()

    def _beat(self) -> None:
        while True:
            gevent.sleep(HEARTBEAT_S)
            self._wake_all()

    def _wake_all(self) -> None:
        for topic in self._topics.values():
            if topic.parked and not topic.waking:
                topic.waking = True
                self._hub.loop.run_callback(self._wake, topic)

    def _topic(self, name: str) -> Topic:
        topic = self._topics.get(name)
        if topic is None:
            topic = self._topics[name] = Topic(next(self._epochs))
            self._held_bytes += TOPIC_OVERHEAD
            if self._held_bytes > TOTAL_BYTES:
                self._evict()
        return topic

    def _evict(self) -> None:
        """Evict topics, the oldest first and never the latest. A topic with subscribers only loses its log."""
        for _ in range(len(self._topics) - 1):
            name, topic = self._topics.popitem(last=False)
            self._held_bytes -= topic.held_bytes
            topic.clear()
            if topic.followers or topic.parked:
                self._topics[name] = topic  # last, so that the next search does not begin with it again
            else:
                self._held_bytes -= TOPIC_OVERHEAD
            if self._held_bytes <= TOTAL_BYTES:
                return

    def _park(self, topic: Topic) -> None:
        """Switch to the hub until the topic wakes this greenlet."""
        sleeper = gevent.getcurrent()
        topic.parked[sleeper] = None
        try:
            self._hub.switch()
        except BaseException:  # killed while parked: it must not be woken any more
            topic.parked.pop(sleeper, None)
            raise

    def _wake(self, topic: Topic) -> None:
        """Runs in the hub: switches to every parked greenlet, which switches back when it blocks."""
        topic.waking = False
        parked, topic.parked = topic.parked, {}
        for sleeper in parked:
            sleeper.switch()

    def _wake_one(self, topic: Topic, sleeper: greenlet) -> None:
        if sleeper in topic.parked:
            del topic.parked[sleeper]
            sleeper.switch()
