"""How a signal ends a command: through every clean-up, and once."""

from __future__ import annotations

import signal
from types import FrameType


class Terminated(SystemExit):
    """SIGTERM came. Like KeyboardInterrupt it must reach every clean-up on its way out."""


def raise_on_signals() -> None:
    """From now on the first SIGINT raises KeyboardInterrupt, the first SIGTERM Terminated."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    """Ignore further signals (tox sends several), so that none of them breaks into a clean-up."""
    for other in (signal.SIGINT, signal.SIGTERM):
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated
