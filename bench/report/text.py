"""Strings from outside, made fit to be shown. Escaping is the template's work; this removes what no escape can save."""

from __future__ import annotations

import re
import unicodedata

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}  # control, invisible and direction-changing characters, lone surrogates
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~$&:@-])")


def clean(text: object) -> str:
    """The text on one line, without control, invisible or direction-changing characters."""
    kept = (" " if char in "\n\r\t" else "" if unicodedata.category(char) in _HIDDEN else char for char in str(text))
    return "".join(kept).strip()


def short(text: object, length: int) -> str:
    """The cleaned text, cut with an ellipsis to at most `length` characters."""
    whole = clean(text)
    return whole if len(whole) <= length else whole[: length - 1].rstrip() + ELLIPSIS


def markdown(text: object) -> str:
    """The cleaned text with every character escaped that Markdown or HTML inside it could take for its own."""
    return _MARKDOWN.sub(lambda found: "\\" + found[0] if found[0] not in "<>&" else f"&#{ord(found[0])};", clean(text))


def slug(text: object) -> str:
    """A name for files and anchors: lower-case letters, digits and hyphens, never empty."""
    return re.sub(r"[^a-z0-9]+", "-", clean(text).lower())[:60].strip("-") or "unnamed"
