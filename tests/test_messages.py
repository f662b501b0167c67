"""The text of a message: written once, read by slicing, and every altered byte is noticed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.messages import LARGEST_BYTES, PROBE_FROM, SMALLEST_BYTES, Composer

sequences = st.integers(0, PROBE_FROM + 10**8)
moments = st.integers(0, 2**62)
sizes = st.integers(SMALLEST_BYTES, 2000)


@given(sequences, moments, sizes, st.integers(0, 2**32))
def test_a_message_is_one_line_of_ascii_json_of_the_given_size(sequence, moment, size, seed):
    text = Composer(seed, size).compose(sequence, moment)
    assert len(text) == size
    assert text.isascii()
    assert b"\n" not in text
    fields = json.loads(text)
    assert (int(fields["n"]), int(fields["t"])) == (sequence, moment)


@given(sequences, moments, sizes, st.integers(0, 2**32))
def test_another_process_with_the_same_seed_reads_what_was_composed(sequence, moment, size, seed):
    assert Composer(seed, size).read(Composer(seed, size).compose(sequence, moment)) == (sequence, moment)


@given(st.data())
def test_one_altered_byte_is_noticed(data):
    composer = Composer(7, 120)
    text = bytearray(composer.compose(data.draw(sequences), data.draw(moments)))
    place = data.draw(st.integers(0, len(text) - 1).filter(lambda at: not 6 <= at < 16 and not 23 <= at < 42))
    text[place] ^= data.draw(st.integers(1, 255))
    assert composer.read(bytes(text)) is None


def test_an_altered_sequence_number_is_noticed_by_the_padding_that_belongs_to_it():
    composer = Composer(7, 200)
    text = composer.compose(41, 5)
    assert composer.read(text.replace(b"0000000041", b"0000000042")) is None


@given(st.binary(max_size=200))
def test_noise_is_never_read_as_a_message(noise):
    assert Composer(1, 100).read(noise) is None


def test_the_padding_does_not_compress_to_nothing():
    import zlib

    text = Composer(1, 4000).compose(1, 1)
    assert len(zlib.compress(text, 9)) > 0.7 * len(text)


@pytest.mark.parametrize("size", [0, SMALLEST_BYTES - 1, LARGEST_BYTES + 1])
def test_a_size_that_cannot_hold_a_message_is_refused(size):
    with pytest.raises(ValueError, match="bytes"):
        Composer(1, size)
