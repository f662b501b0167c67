"""Strings from outside, made harmless."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from bench.report.text import clean, code, markdown, short, slug
from tests._synthetic import HOSTILE

anything = st.text()


@given(anything)
def test_cleaned_text_is_one_line_of_visible_characters(text: str) -> None:
    cleaned = clean(text)
    assert "\n" not in cleaned
    assert not re.search("[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", cleaned)
    cleaned.encode("utf-8")


def test_direction_marks_and_lone_surrogates_go() -> None:
    assert clean("a\u202eb\ud800c\x07d") == "abcd"


def test_ordinary_text_stays() -> None:
    assert clean("Größe 5 µs, „ok“") == "Größe 5 µs, „ok“"


@given(anything, st.integers(1, 40))
def test_shortened_text_fits(text: str, length: int) -> None:
    assert len(short(text, length)) <= length


@given(anything)
def test_markdown_holds_no_bare_mark(text: str) -> None:
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]|~$<>]", markdown(text))


@given(anything)
def test_a_code_span_is_what_was_written_or_escaped(text: str) -> None:
    span = code(text)
    kept = clean(text).strip()
    assert span in (f"`{kept}`", markdown(kept))
    assert not re.search("[`<>&@]", span[1:-1]) or span == markdown(kept)


def test_a_command_is_read_as_it_was_written() -> None:
    assert code("--sweep broadcast.rate_hz=1,5") == "`--sweep broadcast.rate_hz=1,5`"
    assert code(HOSTILE) == markdown(HOSTILE)


def test_hostile_markdown_is_neither_table_nor_link_nor_markup() -> None:
    escaped = markdown(HOSTILE)
    assert "<" not in escaped
    assert "](" not in escaped.replace("\\](", "")
    assert "https://" not in markdown("see https://example.org")


@given(anything)
def test_a_slug_is_a_safe_file_name(text: str) -> None:
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", slug(text))
