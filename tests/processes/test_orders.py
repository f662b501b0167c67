"""Orders and answers: both ends read what the other wrote, and a line that does not fit is refused by name."""

import os
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.measure.received import Receipts
from bench.processes import orders
from bench.processes.errors import Misfit
from bench.processes.lines import Lines, Orders, decode, encode
from bench.processes.member import Member, answer
from bench.processes.orders import Answer, LoadOrder, Order, Probed, ProxyOrder, PublisherOrder, Stop
from bench.results import Distribution, Ledger, Recount
from bench.schedule import Schedule

WITHIN_S = 20.0
COUNTS = st.integers(0, 2**53)
SECONDS = st.floats(0, 1e6)
ERRORS = st.dictionaries(st.text(), COUNTS)
SCHEDULES = st.builds(Schedule, start_ns=COUNTS, rate_hz=st.floats(0.001, 1e5), burst=st.integers(1, 1000))
ASSIGNMENTS = st.builds(
    orders.Assignment, host=st.text(), port=st.integers(1, 65_535), client=st.text(), topic=st.text(), seed=COUNTS,
    wire=st.dictionaries(st.text(), st.text()), share=st.tuples(COUNTS, COUNTS),
    parameters=st.dictionaries(st.text(), st.one_of(COUNTS, SECONDS, st.text(), st.lists(COUNTS))),
)  # fmt: skip
NOTHING = Distribution(count=0, min_ns=0, max_ns=0, sum_ns=0, negative=0, histogram="")
RECEIPTS = Receipts(
    ledger=Ledger(expected=1, delivered=1, lost=0, duplicated=0, reordered=0, corrupted=0, gaps_signalled=0, errors={}),
    recount=Recount(lost=0, signalled=0, duplicated=0, reordered=0), reconnects=None, latency=NOTHING, fan_outs={},
    slots=[NOTHING], slip=None, connect=None, loop_delay=NOTHING, read_delay=None, wire=None, deliveries=1,
)  # fmt: skip
# What may stand in a field of this name; in every other field, a count.
FIELDS = {
    "schedule": SCHEDULES, "assignment": st.none() | ASSIGNMENTS, "receipts": st.just(RECEIPTS),
    "connect": st.none() | st.just(NOTHING), "errors": ERRORS, "slips_ns": st.lists(COUNTS),
    "topic": st.text(), "path": st.text(), "token": st.text(),
    "ingest_port": st.integers(1, 65_535), "port": st.integers(1, 65_535),
    "upstream": st.booleans(), "in_time": st.booleans(),
    "every_s": SECONDS, "timeout_s": SECONDS, "drain_s": SECONDS,
}  # fmt: skip
KINDS = [*Order.__subclasses__(), *Answer.__subclasses__()]


def messages(kind):
    """Every message of a kind."""
    return st.builds(kind, **{name: FIELDS.get(name, COUNTS) for name in kind.__struct_fields__})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_what_one_end_writes_the_other_end_reads(kind, data):
    message = data.draw(messages(kind))
    line = encode(message)
    assert line.count(b"\n") == 1
    assert decode(line, msgspec.json.Decoder(kind), "a line") == message


@pytest.mark.parametrize("union", [PublisherOrder, ProxyOrder, LoadOrder], ids=["publisher", "proxy", "load"])
@given(data=st.data())
def test_an_order_says_itself_which_one_it_is(union, data):
    message = data.draw(st.one_of(messages(kind) for kind in union.__args__))
    assert decode(encode(message), msgspec.json.Decoder(union), "an order") == message


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "truncated"),
        (b"publish", "malformed"),
        (b"\xff", "malformed"),
        (b"[]", "Expected `object`"),
        (b"{}", "missing required field `do`"),
        (b'{"do":"dance"}', "Invalid value 'dance'"),
        (b'{"do":"probe","topic":"t"}', "missing required field `every_s`"),
        (b'{"do":"probe","topic":7,"every_s":1}', "Expected `str`, got `int` - at `$.topic`"),
        (b'{"do":"probe","topic":"t","every_s":-1}', "`float` >= 0"),
        (b'{"do":"stop","now":true}', "unknown field `now`"),
        (b'{"do":"publish","topic":"t","count":1,"schedule":{"start_ns":0,"rate_hz":0}}', "`float` > 0.0"),
        (b'{"do":"publish","topic":"t","count":1,"schedule":{"start_ns":0,"rate_hz":1,"burst":0}}', "`int` >= 1"),
    ],
)
def test_a_line_that_is_no_order_is_refused_with_the_process_the_line_and_the_reason(line, reason):
    with given_orders(line + b"\n") as reader, pytest.raises(Misfit) as refused:
        reader.next()
    message = str(refused.value)
    assert message.startswith("an order to the publisher does not fit: ")
    assert reason in message
    assert repr(line[:80]) in message


class given_orders:  # reads as a sentence
    """Orders from a pipe that holds these bytes and is then closed."""

    def __init__(self, data):
        self.descriptor, far = os.pipe()
        os.write(far, data)
        os.close(far)

    def __enter__(self):
        return Orders("publisher", msgspec.json.Decoder(PublisherOrder), self.descriptor)

    def __exit__(self, *_):
        os.close(self.descriptor)


def test_orders_end_when_the_bench_closes_its_end():
    with given_orders(encode(Stop()) + b'{"do":') as reader:
        assert reader.waiting(0)
        assert reader.next() == Stop()
        assert reader.next() is None


def test_an_order_that_has_been_read_with_the_one_before_is_waiting():
    with given_orders(2 * encode(Stop())) as reader:
        assert reader.next() == Stop()
        assert reader.waiting(0)
        assert reader.next() == Stop()


@given(st.lists(st.binary().map(lambda line: line.replace(b"\n", b""))), st.data())
def test_lines_come_out_whole_however_they_arrive(lines, data):
    sent, reader, received = b"".join(line + b"\n" for line in lines), Lines(), []
    while sent:
        size = data.draw(st.integers(1, len(sent)))
        reader.feed(sent[:size])
        sent = sent[size:]
        while (line := reader.take()) is not None:
            received.append(line)
    assert received == lines


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"done":"primed","primed":1,"subscribers":1,"errors":{}}', "Invalid value 'primed'"),
        ('{"done":"probed"}', "missing required field `published`"),
        ('{"done":"probed","published":1,"unsent":0}', "unknown field `unsent`"),
        ("Traceback", "malformed"),
    ],
)
def test_an_answer_that_does_not_fit_names_the_process_and_the_answer(line, reason):
    command = [sys.executable, "-c", f"print({line!r})"]
    with Member("publisher", command, ()) as publisher, pytest.raises(Misfit) as refused:
        answer(publisher, Probed, WITHIN_S, [])
    message = str(refused.value)
    assert message.startswith("the answer of the publisher is not Probed: ")
    assert reason in message
    assert line[:20] in message


@pytest.mark.parametrize("module", ["bench.load.publisher", "bench.proxy"])
def test_a_process_that_is_given_a_line_that_does_not_fit_ends_and_its_last_line_say_why(module):
    with Member("child", [sys.executable, "-m", module], ()) as child:
        child.send(Stop())
        child.process.wait(WITHIN_S)
        assert "the first line to the" in child.last_line()
        assert "Invalid value 'stop'" in child.last_line()
