"""What can go wrong between a subscriber and its server, as short descriptions that can be counted.

ProtocolError   the server broke the rules of its protocol: always an error sample, never a message
OutgoingFull    the outgoing buffer has no room for the data: none of it is sent
"""

from __future__ import annotations

import errno
import os
import traceback

CLOSED_BY_SERVER = "closed by the server"
# descriptions of a connection that the other side has ended
ENDED_BY_PEER = frozenset({CLOSED_BY_SERVER, os.strerror(errno.ECONNRESET).lower(), os.strerror(errno.EPIPE).lower()})


def silent(limit_ns: int) -> str:
    """The description of a connection on which the server has sent nothing for longer than it may."""
    return f"silent for {limit_ns / 1e9:g} s"


class ProtocolError(Exception):
    """The bytes received break a rule of the protocol; the message names the rule, without quoting the bytes."""


class OutgoingFull(Exception):
    """The bounded outgoing buffer has no room for the data; none of it was buffered."""


def is_bench_fault(reason: str) -> bool:
    """Whether `describe` described a fault of the bench."""
    return reason.startswith("callback raised")


def is_protocol_error(reason: str) -> bool:
    """Whether the server broke its protocol. A status other than 200 is an answer by the protocol, so it is none."""
    return reason.startswith("protocol error") and " with status " not in reason


def describe(error: Exception) -> str:
    """One short line for `on_error`: the same fault gives the same words, so that errors can be counted.

    Any exception but ProtocolError, OutgoingFull and OSError is a fault in a callback; its line names where it was
    raised.
    """
    if isinstance(error, ProtocolError):
        return f"protocol error: {error}"
    if isinstance(error, OutgoingFull):
        return str(error)
    if isinstance(error, OSError):
        return os.strerror(error.errno).lower() if error.errno else f"{type(error).__name__}: {error}"
    frame = traceback.extract_tb(error.__traceback__)[-1] if error.__traceback__ else None
    place = f" at {os.path.basename(frame.filename)}:{frame.lineno}" if frame else ""
    return f"callback raised {type(error).__name__}: {str(error)[:80]}{place}"
