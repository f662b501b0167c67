"""What every stored fact is: immutable, and refused on reading when it is not of its type."""

from __future__ import annotations

from typing import Annotated

import msgspec

SCHEMA = 3

Name = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,127}\Z")]
"""What can safely be the name of a file."""

Parameter = int | float | str | list[int]


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stored fact: immutable, and refused on reading when a key is missing, unknown or of the wrong type."""
