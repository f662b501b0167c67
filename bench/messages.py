"""The text of a bench message: one line of ASCII JSON whose fixed-width head is read by slicing, without a JSON parser.

    {"n":"0000000042","t":"0001234567890123456","p":"<padding>"}

`n` is the sequence number, `t` the intended publish time (CLOCK_MONOTONIC, ns). The padding is random, so that
compression helps no variant. Both ends can compute it, so that a single altered byte is noticed.
"""

from __future__ import annotations

import random
import string

HEAD = '{"n":"%010d","t":"%019d","p":"'
TAIL = b'"}'
SMALLEST_BYTES = len(HEAD % (0, 0)) + len(TAIL)
LARGEST_BYTES = 1 << 20
# Sequence numbers from here on are probes: every subscriber must receive one before the warm-up. They are not measured.
PROBE_FROM = 9_000_000_000
# On a topic with several senders, a message has the number sender x SENDER_STRIDE + its place in the sender's schedule.
SENDER_STRIDE = 100_000
# The senders of a topic on which one publishes: every number, however large, is then a place in its schedule.
ONE_SENDER = range(1)

_ALPHABET = string.ascii_letters + string.digits + "+/"
_SHIFT = 61  # between the paddings of successive messages in the pool, so that no two are equal


class Composer:
    """Writes and checks messages of one size: the same seed and size give the same texts in every process."""

    def __init__(self, seed: int, text_bytes: int) -> None:
        """Raises ValueError unless SMALLEST_BYTES <= text_bytes <= LARGEST_BYTES."""
        if not SMALLEST_BYTES <= text_bytes <= LARGEST_BYTES:
            raise ValueError(f"a message has {SMALLEST_BYTES} to {LARGEST_BYTES} bytes, not {text_bytes}")
        self._size = text_bytes - SMALLEST_BYTES
        self._span = 4093
        letters = random.Random(seed).choices(_ALPHABET, k=self._size + self._span)
        self._pool = "".join(letters).encode()

    def compose(self, sequence: int, intended_ns: int) -> bytes:
        """The text of message `sequence`, due at `intended_ns`."""
        start = sequence * _SHIFT % self._span
        return (HEAD % (sequence, intended_ns)).encode() + self._pool[start : start + self._size] + TAIL

    def read(self, text: bytes) -> tuple[int, int] | None:
        """(sequence, intended_ns) of an intact text; None for a text that differs from the composed one in any byte."""
        try:
            sequence, intended_ns = int(text[6:16]), int(text[23:42])
        except ValueError:
            return None
        return (sequence, intended_ns) if text == self.compose(sequence, intended_ns) else None
