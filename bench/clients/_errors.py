"""What can go wrong between a subscriber and its server, as short words that can be counted.

ProtocolError   the server broke the rules of its protocol: never a message, always an error sample
OutgoingFull    more was to be sent than may wait: what was to be sent is dropped as a whole
"""

from __future__ import annotations

import errno
import os
import traceback

CLOSED_BY_SERVER = "closed by the server"
GONE = frozenset({CLOSED_BY_SERVER, os.strerror(errno.ECONNRESET).lower(), os.strerror(errno.EPIPE).lower()})
"""Words for a connection that has ended at the other side."""


class ProtocolError(Exception):
    """The bytes received break the rules of the protocol; the message says which, without quoting the bytes."""


class OutgoingFull(Exception):
    """The bounded outgoing buffer cannot take what was to be sent; nothing of it was taken."""


def is_ours(reason: str) -> bool:
    """Whether what `describe` said was a fault of the bench."""
    return reason.startswith("callback raised")


def broke_protocol(reason: str) -> bool:
    """Whether it was that the server broke its protocol; another status than 200 is how it says that it cannot."""
    return reason.startswith("protocol error") and " with status " not in reason


def describe(error: Exception) -> str:
    """One short line for `on_error`: the same fault gives the same words, so that errors can be counted.

    An exception that is nobody's protocol (a fault in a callback) carries the place where it was raised.
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
