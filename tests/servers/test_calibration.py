"""The calibration server injects what the table defines: delays, freezes, losses, repeats and swaps by the number."""

import time

import pytest

from bench.messages import PROBE_FROM, Composer
from servers import _injections
from servers._injections import MS
from tests.servers._process import WITHIN_S, launch, new_topic
from tests.servers.test_injections import as_the_server_sends
from tests.servers.test_lines import read, subscribe

COMPOSER = Composer(1, 60)


def text(number):
    return COMPOSER.compose(number, 0)


def numbers(lines):
    return [int(line[6:16]) for line in lines.split(b"\n")[:-1]]


def received(connection, count):
    """(number, monotonic ns) of the next deliveries."""
    deliveries = []
    for _ in range(count):
        (number,) = numbers(read(connection, 61))
        deliveries.append((number, time.monotonic_ns()))
    return deliveries


def test_an_unknown_injection_is_rejected_with_the_list_of_injections():
    process = launch("calibration", PUSHBENCH_INJECTION="storm")
    _, errors = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 2
    assert "no injection 'storm'" in errors


def test_health_reports_what_is_injected(fresh):
    assert (
        b'"injected": "mixture"' in fresh("calibration", PUSHBENCH_INJECTION="mixture").request("GET", "/health").body
    )
    assert b'"injected": "nothing"' in fresh("calibration", PUSHBENCH_INJECTION="").request("GET", "/health").body


def test_faults_are_injected_as_the_table_defines_and_probes_are_unaffected(fresh):
    server, topic = fresh("calibration", PUSHBENCH_INJECTION="faults"), new_topic()
    connections = [subscribe(server, topic) for _ in range(3)]
    server.publish(topic, text(PROBE_FROM), *[text(number) for number in range(500)], text(PROBE_FROM + 1))
    for subscriber, connection in enumerate(connections):
        expected = [PROBE_FROM, *as_the_server_sends(_injections.FAULTS, subscriber, 500), PROBE_FROM + 1]
        assert numbers(read(connection, 61 * len(expected))) == expected
        connection.close()


def test_subscribers_of_another_topic_receive_nothing_of_it(fresh):
    server, topic, elsewhere = fresh("calibration", PUSHBENCH_INJECTION="delay 1 ms"), new_topic(), new_topic()
    with subscribe(server, topic) as here, subscribe(server, elsewhere) as there:
        server.publish(topic, text(1))
        server.publish(elsewhere, text(2))
        assert numbers(read(here, 61)) == [1]
        assert numbers(read(there, 61)) == [2]


@pytest.mark.parametrize("name", ["delay 1 ms", "delay 20 ms"])
def test_nothing_is_sent_before_its_delay(name, fresh):
    server, topic = fresh("calibration", PUSHBENCH_INJECTION=name), new_topic()
    with subscribe(server, topic) as connection:
        for number in range(20):
            sent_ns = time.monotonic_ns()
            server.publish(topic, text(number))
            ((received_number, at_ns),) = received(connection, 1)
            assert received_number == number
            assert at_ns - sent_ns >= _injections.named(name).delay_ns


def test_a_late_delivery_is_late_for_its_subscriber_only(fresh):
    server, topic = fresh("calibration", PUSHBENCH_INJECTION="mixture"), new_topic()
    number = 29
    connections = [subscribe(server, topic) for _ in range(_injections.MIXTURE.subscribers)]
    late = next(index for index in range(97) if _injections.MIXTURE.total_delay_ns(index, number))
    sent_ns = time.monotonic_ns()
    server.publish(topic, text(number))
    for index, connection in enumerate(connections):
        if index != late:
            assert numbers(read(connection, 61)) == [number]
    ((_, at_ns),) = received(connections[late], 1)
    assert at_ns - sent_ns >= 200 * MS
    for connection in connections:
        connection.close()


def test_during_a_freeze_nothing_is_sent_and_afterwards_everything_in_order(fresh):
    server, topic = fresh("calibration", PUSHBENCH_INJECTION="freeze"), new_topic()
    start = _injections.FREEZE.freeze_from
    with subscribe(server, topic) as connection:
        server.publish(topic, text(start - 1))
        assert [number for number, _ in received(connection, 1)] == [start - 1]
        sent_ns = time.monotonic_ns()
        server.publish(topic, *[text(start + place) for place in range(5)])
        deliveries = received(connection, 5)
        assert [number for number, _ in deliveries] == [start + place for place in range(5)]
        assert deliveries[0][1] - sent_ns >= _injections.FREEZE.freeze_ns
        server.publish(topic, text(start + 5))
        assert [number for number, _ in received(connection, 1)] == [start + 5]
