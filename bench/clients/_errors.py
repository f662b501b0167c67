"""What can go wrong between a subscriber and its server, as short words that can be counted.

ProtocolError   the server broke the rules of its protocol: never a message, always an error sample
OutgoingFull    more was to be sent than may wait: what was to be sent is dropped as a whole
"""

from __future__ import annotations

import os
import traceback

CLOSED_BY_SERVER = "closed by the server"


class ProtocolError(Exception):
    """The bytes received break the rules of the protocol; the message says which, without quoting the bytes."""


class OutgoingFull(Exception):
    """The bounded outgoing buffer cannot take what was to be sent; nothing of it was taken."""


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
