"""Newline-delimited JSON, in every segmentation."""

import json

from hypothesis import given
from hypothesis import strategies as st

from bench.clients.ndjson import NdjsonProtocol
from tests.clients._segmentation import fed, pieces, splits

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
objects = st.one_of(
    st.builds(lambda text, offset: {"id": f"e:{offset}", "text": text}, st.text(max_size=40), st.integers(0, 99)),
    st.builds(lambda offset: {"cursor": f"e:{offset}"}, st.integers(0, 99)),
    st.builds(lambda offset: {"cursor": f"e:{offset}", "gap": "why"}, st.integers(0, 99)),
)


@given(st.lists(objects, max_size=8), st.booleans(), splits, splits)
def test_texts_cursor_and_gaps_do_not_depend_on_segmentation(script, is_broken, chunks, reads):
    stream = b"".join(json.dumps(one).encode() + b"\n" for one in script) + (b"{}\n" if is_broken else b"\n")
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in pieces(stream, chunks))
    protocol = NdjsonProtocol()
    texts = fed(protocol.feed, pieces(HEAD + body, reads))
    assert texts == [one["text"].encode() for one in script if "text" in one]
    assert protocol.gaps == sum("gap" in one for one in script)
    assert protocol.cursor == (script[-1].get("id") or script[-1]["cursor"] if script else None)
    assert bool(protocol.end_reason) == is_broken
