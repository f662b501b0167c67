"""The base of everything stored: immutable, and checked when it is read."""

from __future__ import annotations

from typing import Annotated

import msgspec

# The version of run.json and of the records of trials; `_upgrades` holds a step from every older one that can be read.
SCHEMA = 3

# A text that is safe as the name of a file.
FileName = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,127}\Z")]

Parameter = int | float | str | list[int]


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stored fact: immutable. Reading refuses a missing key, an unknown key and a value of the wrong type."""
