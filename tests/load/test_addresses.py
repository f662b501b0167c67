"""The addresses of subscribers: ten thousand share one."""

import pytest

from bench.load.addresses import by_source, source


@pytest.mark.parametrize(
    ("subscribers", "by_address"),
    [
        (0, {}),
        (1, {"127.0.0.1": 1}),
        (10_000, {"127.0.0.1": 10_000}),
        (10_001, {"127.0.0.1": 10_000, "127.0.0.2": 1}),
        (25_000, {"127.0.0.1": 10_000, "127.0.0.2": 10_000, "127.0.0.3": 5_000}),
    ],
)
def test_each_address_has_ten_thousand_subscribers(subscribers, by_address):
    assert by_source(subscribers) == by_address


def test_the_first_address_is_left_to_the_system_so_that_other_machines_can_be_reached():
    assert (source(0), source(9_999), source(10_000)) == ("", "", "127.0.0.2")
