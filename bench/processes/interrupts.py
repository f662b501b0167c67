"""How a signal ends a command: through every clean-up, and once."""

from __future__ import annotations

import signal
import sys
from types import FrameType

AGAIN_S = 0.01
NUMBERS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class Ended(SystemExit):
    """SIGTERM or SIGHUP came. Like KeyboardInterrupt it must reach every clean-up on its way out."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)


def exit_code(signalled: KeyboardInterrupt | Ended) -> int:
    """The exit code of a command that a signal ended: 128 and its number, as a shell reports it."""
    return 128 + signal.SIGINT if isinstance(signalled, KeyboardInterrupt) else int(str(signalled.code))


def raise_on_signals() -> None:
    """From now on the first SIGINT raises KeyboardInterrupt, the first SIGTERM or SIGHUP `Ended`. A SIGHUP that is
    ignored stays ignored, as `nohup` wants it.

    Python drops an exception that is raised in a finalizer or around a fork. It is then raised again.
    """
    sys.unraisablehook = _raise_again
    for number in NUMBERS:
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    """Ignore further signals (tox sends several), so that none of them breaks into a clean-up."""
    for other in NUMBERS:
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt if number == signal.SIGINT else Ended(number)


def _raise_again(dropped: sys.UnraisableHookArgs) -> None:
    """Raise an exception again that a signal raised and Python has dropped, a moment later and in the main program;
    report any other dropped exception as usual."""
    signalled = dropped.exc_value
    if not isinstance(signalled, KeyboardInterrupt | Ended):
        sys.__unraisablehook__(dropped)
        return
    number = exit_code(signalled) - 128
    signal.signal(signal.SIGALRM, lambda _, frame: _stop(number, frame))
    signal.setitimer(signal.ITIMER_REAL, AGAIN_S)
