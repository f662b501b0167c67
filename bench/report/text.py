"""Strings from outside, cleaned for display. Templates escape; this removes characters that no escape makes safe."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from bench.terminal import HIDDEN

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

_MARKDOWN = re.compile(r"[\\`*_\[\]|~$]")
_HTML = re.compile(r"[<>&@]|:(?=//)")  # tags, entities, mentions, addresses that readers turn into links


def clean(text: object) -> str:
    """The text on one line, without control, invisible or direction-changing characters."""
    whole = str(text)
    if whole.isascii() and whole.isprintable():  # nearly all of the texts of a run, which hold tens of thousands
        return whole
    kept = (" " if char in "\n\r\t" else "" if unicodedata.category(char) in HIDDEN else char for char in whole)
    return "".join(kept)


def short(text: object, length: int) -> str:
    """The cleaned text, cut with an ellipsis to at most `length` characters."""
    whole = clean(text).strip()
    return whole if len(whole) <= length else whole[: length - 1].rstrip() + ELLIPSIS


def markdown(text: object) -> str:
    """The cleaned text with every character escaped that has a meaning in Markdown or in HTML inside it.

    Meant for the middle of a line: what only means something at its start (`#`, `-`, `1.`) stays as it is.
    """
    entities = _HTML.sub(lambda match: f"&#{ord(match[0])};", clean(text))
    return _MARKDOWN.sub(lambda match: f"\\{match[0]}", entities)


class Verbatim(str):
    """Markdown of our own, not to be escaped."""


def code(text: object) -> Verbatim:
    """The cleaned text as a code span, in which characters stand for themselves (CommonMark 0.31, section 6.1); escaped
    as elsewhere if it contains a backtick or what a lax parser could take for HTML."""
    kept = clean(text).strip()
    return Verbatim(f"`{kept}`" if kept and "`" not in kept and not _HTML.search(kept) else markdown(kept))


def listed(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`; at least one."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def capitalized(text: str) -> str:
    """The text with its first letter in upper case, and the rest as it is."""
    return text[:1].upper() + text[1:]


def slug(text: object) -> str:
    """A name for files and anchors: lower-case letters, digits and hyphens, never empty."""
    return re.sub(r"[^a-z0-9]+", "-", clean(text).lower())[:60].strip("-") or "unnamed"
