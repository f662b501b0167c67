"""Cursors `epoch:offset`: the epoch changes with every server start, the offset counts the topic's messages in it."""

from __future__ import annotations

import re

_CURSOR = re.compile(r"([0-9A-Za-z-]{1,32}):([0-9]{1,18})", re.ASCII).fullmatch


def parse_cursor(cursor: str) -> tuple[str, int]:
    """Epoch and offset. Raises ValueError if it is not a cursor."""
    match = _CURSOR(cursor)
    if match is None:
        raise ValueError("cursor is not `epoch:offset`")
    return match[1], int(match[2])


def format_cursor(epoch: str, offset: int) -> str:
    """The inverse of `parse_cursor`."""
    return f"{epoch}:{offset}"
