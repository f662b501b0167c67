"""Standard output and error of the commands: harmless for a terminal, in any encoding, and for a reader that leaves.

Texts of a results file or of a server may contain characters that move the cursor or reverse the direction of writing.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
import unicodedata
from collections.abc import Iterator
from typing import Any, TextIO

# Control, invisible and direction-changing characters, lone surrogates.
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_KEPT = "\n\t"
# What a terminal shows that does not have the character.
_ASCII = str.maketrans({
    "\N{NO-BREAK SPACE}": " ", "\N{EN DASH}": "-", "\N{MINUS SIGN}": "-", "\N{MULTIPLICATION SIGN}": "x",
    "\N{MICRO SIGN}": "u", "\N{GREATER-THAN OR EQUAL TO}": ">=", "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{PLUS-MINUS SIGN}": "+-", "\N{RIGHTWARDS ARROW}": "->",
})  # fmt: skip


def visible(text: str) -> str:
    """The text without hidden characters; lines and tabs stay."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(char for char in text if char in _KEPT or unicodedata.category(char) not in HIDDEN)


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    """The replacement of characters that an encoding lacks: an ASCII character that looks alike, or a question mark."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    words = error.object[error.start : error.end].translate(_ASCII)
    return words.encode("ascii", "replace"), error.end


codecs.register_error("pushbench", _replaced)


class Unwritable(Exception):
    """The output of a command could not be written; the message says why."""


class Shown:
    """A text stream whose writes are visible text. Once its reader has left, what is written goes nowhere: the result
    of a command does not depend on how much of its output is read."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text. Raises Unwritable, but not for a closed pipe."""
        with self._mended():
            self._stream.write(visible(text))
        return len(text)

    def flush(self) -> None:
        """Write what is buffered. Raises Unwritable, but not for a closed pipe."""
        with self._mended():
            self._stream.flush()

    def isatty(self) -> bool:
        """False: colours would be hidden characters."""
        return False

    @contextlib.contextmanager
    def _mended(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            # what is still buffered is written again at the end of the process
            with contextlib.suppress(OSError, ValueError), open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), self._stream.fileno())
            if not isinstance(error, BrokenPipeError):
                raise Unwritable(f"cannot write the output: {error.strerror}") from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def shown() -> Iterator[None]:
    """Replace both standard streams, and give the process back its own afterwards. Raises Unwritable."""
    before = sys.stdout, sys.stderr
    for stream in before:
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="pushbench")
    sys.stdout, sys.stderr = (Shown(stream) for stream in before)
    try:
        yield
        sys.stdout.flush()
    finally:
        sys.stdout, sys.stderr = before
