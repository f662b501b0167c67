"""The bounds of topics, texts, cursors and hold times."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers import _limits
from servers._host import Settings
from servers._limits import Cursor, Refused, TooLarge


@pytest.mark.parametrize("name", ["a", "room-1", "A.b_c-9", "x" * 128])
def test_a_topic_is_accepted_unchanged(name):
    assert _limits.topic(name) == name


@pytest.mark.parametrize("name", [None, "", "x" * 129, "a b", "a/b", "a\tb", "a\n", "\u00e9", "\u0661"])
def test_anything_else_is_no_topic(name):
    with pytest.raises(Refused):
        _limits.topic(name)


@given(st.from_regex(r"[0-9A-Za-z-]{1,32}", fullmatch=True), st.integers(0, 10**18 - 1))
def test_a_cursor_reads_back_as_it_was_written(epoch, offset):
    assert _limits.cursor(str(Cursor(epoch, offset))) == (epoch, offset)


@pytest.mark.parametrize(
    "raw", ["e", "e:", ":1", "e:-1", "e:1x", "e:1:2", "e:" + "9" * 19, "e" * 33 + ":1", "e_f:1", "e:\u0661", "e:1\n"]
)
def test_anything_else_is_no_cursor(raw):
    with pytest.raises(Refused):
        _limits.cursor(raw)


@pytest.mark.parametrize("raw", [None, ""])
def test_no_cursor_is_a_new_subscriber(raw):
    assert _limits.cursor(raw) is None


@given(st.binary(max_size=300))
def test_a_text_is_accepted_exactly_when_it_is_one_line_of_printable_ascii(raw):
    is_text = all(0x20 <= byte < 0x7F or byte == 0x09 for byte in raw)
    try:
        assert _limits.text(raw) == raw
        assert is_text
    except Refused:
        assert not is_text


def test_a_text_may_have_a_mebibyte_and_not_a_byte_more():
    assert len(_limits.text(b"x" * 1048576)) == 1048576
    with pytest.raises(TooLarge):
        _limits.text(b"x" * 1048577)


def test_a_line_is_split_at_its_first_tab():
    assert _limits.line(b"a\tb\tc") == ("a", b"b\tc")


@pytest.mark.parametrize("raw", [b"", b"a", b"\ttext", b"a b\ttext", b"\xe9\ttext", b"a\tb\x00"])
def test_anything_else_is_no_line(raw):
    with pytest.raises(Refused):
        _limits.line(raw)


@pytest.mark.parametrize(
    ("raw", "seconds"), [(None, 60.0), ("0", 0.0), ("2.5", 2.5), ("1e9", 60.0), ("1e-05", 0.00001), ("9" * 18, 60.0)]
)
def test_a_hold_time_is_capped(raw, seconds):
    assert _limits.hold_s(raw) == seconds


@pytest.mark.parametrize(
    "raw", ["", "soon", "-1", "nan", "inf", "1,5", "+1", "1_0", " 1", "1\n", "\u0661", "1.", ".5", "0x1"]
)
def test_anything_else_is_no_hold_time(raw):
    with pytest.raises(Refused):
        _limits.hold_s(raw)


@pytest.mark.parametrize(("raw", "number"), [("0", 0), ("007", 7), ("9" * 18, 10**18 - 1)])
def test_a_whole_number_is_its_digits(raw, number):
    assert _limits.whole(raw) == number


@pytest.mark.parametrize("raw", ["", "+5", "-5", "1_000", " 1", "1 ", "1\n", "\u0661", "\u00b2", "1.0", "9" * 19])
def test_anything_else_is_no_whole_number(raw):
    with pytest.raises(Refused):
        _limits.whole(raw)


@pytest.mark.parametrize("variable", ["PUSHBENCH_PORT", "PUSHBENCH_INGEST_PORT", "PUSHBENCH_PARENT"])
@pytest.mark.parametrize("raw", ["+5", "1_000", " 80", "\u0661"])
def test_a_setting_that_is_no_whole_number_is_refused(monkeypatch, variable, raw):
    monkeypatch.setenv(variable, raw)
    with pytest.raises(ValueError, match=variable):
        Settings.from_environment()
