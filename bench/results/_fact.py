"""The base of everything stored: immutable, and checked when it is read."""

from __future__ import annotations

from typing import Annotated

import msgspec

# The version of run.json and of the records of trials; `_upgrades` holds a step from every older one that can be read.
SCHEMA = 3

# A text that is safe as the name of a file.
FileName = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,127}\Z")]

# What a kernel, a clock or a counter of this project can report. A value below zero is none of theirs.
LARGEST = 2**63 - 1
Count = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]
Ns = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=LARGEST)]
Total = Annotated[int, msgspec.Meta(ge=0)]  # a sum of such values, which may be larger
Rate = Annotated[float, msgspec.Meta(gt=0, le=1e9)]

Parameter = int | float | str | list[int]


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stored fact: immutable. Reading refuses a missing key, an unknown key and a value of the wrong type."""
