"""The ports of outgoing connections, as the kernel's settings say."""

import socket
import sys

import pytest

from bench.measure import machine


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Writes the kernel's settings; those that are not written are not visible."""
    monkeypatch.setattr(machine, "_IPV4", tmp_path)

    def write(**files):
        for name, content in files.items():
            (tmp_path / name).write_text(content)

    return write


@pytest.mark.parametrize(
    ("reserved", "ports"),
    [
        ("\n", 300),
        ("40000\n", 299),
        ("40010-40019,40100\n", 289),
        ("80,39990-40009,40290-40400\n", 280),
        ("39000-41000\n", 0),
        ("not a list\n", 300),
    ],
)
def test_reserved_ports_are_not_given_to_connections(settings, reserved, ports):
    settings(ip_local_port_range="40000\t40299\n", ip_local_reserved_ports=reserved)
    assert machine.ephemeral_ports() == ports


def test_a_range_that_is_not_visible_is_that_of_iana(settings):
    assert machine.ephemeral_ports() == 16_384
    settings(ip_local_port_range="40000\t40299\n")
    assert machine.ephemeral_ports() == 300


@pytest.mark.parametrize(("tcp_tw_reuse", "seconds"), [("2\n", 2.0), ("1\n", 2.0), ("0\n", 60.0)])
def test_how_long_a_port_waits_after_its_connection_follows_from_the_kernel(settings, tcp_tw_reuse, seconds):
    settings(tcp_tw_reuse=tcp_tw_reuse)
    assert machine.port_reuse_s() == seconds


def test_without_that_setting_a_port_waits_for_a_minute(settings):
    assert machine.port_reuse_s() == 60.0


def test_an_address_of_this_machine_can_be_connected_from_and_another_cannot():
    assert machine.can_connect_from("127.0.0.1")
    assert not machine.can_connect_from("192.0.2.1")  # TEST-NET-1 (RFC 5737)
    if sys.platform == "linux":
        assert machine.can_connect_from("127.0.0.20")
    with socket.socket() as other:  # nothing was left bound
        other.bind(("127.0.0.1", 0))
