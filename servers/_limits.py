"""The bounds of every variant: which topics, cursors and texts are valid, and how much memory they may take.

A text is one line of printable ASCII. No technique alters such a line: it needs no escape in a data line of Server-Sent
Events, `str.splitlines` does not split it, and no frame boundary can split a UTF-8 character.
"""

from __future__ import annotations

import re
from typing import NamedTuple

KIB = 1024
MIB = 1024 * KIB

TEXT_BYTES = MIB
TOPIC_CHARS = 128
LINE_BYTES = TOPIC_CHARS + 1 + TEXT_BYTES  # `topic<TAB>text`, of the ingest and of a WebSocket frame

TEXT_COPIES = 3  # of a text in a log: the text, its frame, its part of joined frames
MESSAGE_OVERHEAD = 256  # bytes of the objects around a text
TOPIC_OVERHEAD = 2048

LOG_MESSAGES = 4096  # per topic
LOG_BYTES = 32 * MIB  # per topic, with the objects around its messages
TOTAL_BYTES = 256 * MIB  # all topics together
REPLY_BYTES = MIB  # one reply to a poll: at most this and one text more
STREAM_BYTES = 64 * KIB  # one write to a stream: at most this and one text more

REQUEST_HEAD_BYTES = 32 * KIB
HOLD_S = 60.0

_TOPIC = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_CURSOR = re.compile(r"([0-9A-Za-z-]{1,32}):([0-9]{1,18})")
_WHOLE = re.compile(r"[0-9]{1,18}")
_DECIMAL = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?(e[+-]?[0-9]{1,3})?")
_PRINTABLE = bytes(range(0x20, 0x7F)) + b"\t"


def log_messages(text_bytes: int) -> int:
    """How many messages with texts of this size the log of a topic holds."""
    return min(LOG_MESSAGES, LOG_BYTES // (TEXT_COPIES * text_bytes + MESSAGE_OVERHEAD))


def topics(text_bytes: int, messages: int = 1) -> int:
    """How many topics a server holds in which this number of messages with texts of this size are kept."""
    return TOTAL_BYTES // (messages * (TEXT_COPIES * text_bytes + MESSAGE_OVERHEAD) + TOPIC_OVERHEAD)


class Refused(ValueError):
    """What a subscriber or publisher sent breaks the contract; the message names the rule."""


class TooLarge(Refused):
    """What was sent is larger than the contract allows."""


class Cursor(NamedTuple):
    """A subscriber's position: it has received the first `offset` messages of the topic's `epoch`."""

    epoch: str
    offset: int

    def __str__(self) -> str:
        return f"{self.epoch}:{self.offset}"


def topic(raw: str | None) -> str:
    """`raw`, checked to be the name of a topic. Raises Refused."""
    if raw is None or not _TOPIC.fullmatch(raw):
        raise Refused("a topic is 1 to 128 characters out of A-Z a-z 0-9 _ . -")
    return raw


def text(raw: bytes) -> bytes:
    """`raw`, checked to be a text. Raises Refused or TooLarge."""
    if len(raw) > TEXT_BYTES:
        raise TooLarge(f"a text has at most {TEXT_BYTES} bytes")
    if raw.translate(None, _PRINTABLE):
        raise Refused("a text is one line of printable ASCII")
    return raw


def line(raw: bytes) -> tuple[str, bytes]:
    """Topic and text of `topic<TAB>text`. Raises Refused or TooLarge."""
    head, tab, body = raw.partition(b"\t")
    if not tab:
        raise Refused("a line is `topic<TAB>text`")
    return topic(head.decode("latin-1")), text(body)


def cursor(raw: str | None) -> Cursor | None:
    """The cursor `epoch:offset`; None where there is none. Raises Refused."""
    if not raw:
        return None
    match = _CURSOR.fullmatch(raw)
    if match is None:
        raise Refused("a cursor is `epoch:offset`")
    return Cursor(match[1], int(match[2]))


def whole(raw: str) -> int:
    """A number that is not negative, in decimal digits alone: int() also takes signs, blanks, `_` and other scripts.

    Raises Refused.
    """
    if not _WHOLE.fullmatch(raw):
        raise Refused("a whole number is 1 to 18 of the digits 0-9")
    return int(raw)


def hold_s(raw: str | None) -> float:
    """The hold time of a long poll in seconds, at most HOLD_S, which is also the default. Raises Refused."""
    if raw is None:
        return HOLD_S
    if not _DECIMAL.fullmatch(raw):
        raise Refused("a hold time is a number of seconds, not negative")
    return min(float(raw), HOLD_S)
