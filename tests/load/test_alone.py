"""A scenario that Locust runs by hand, without the bench."""

import subprocess
import sys

import pytest

from bench.load.alone import target
from bench.processes.environment import ROOT
from bench.processes.server import Server

WITHIN_S = 60.0


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("http://127.0.0.1:8000", ("127.0.0.1", 8000)),
        ("http://localhost/", ("localhost", 80)),
        ("http://[::1]:81", ("::1", 81)),
    ],
)
def test_an_address_is_a_host_and_a_port(url, where):
    assert target(url) == where


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("https://127.0.0.1:8443", "TLS is not spoken"),
        ("wss://127.0.0.1", "begins with http://"),
        ("127.0.0.1:8000", "begins with http://"),
        ("http://", "has a host"),
        ("http://127.0.0.1:8000/live", "only host and port"),
        ("http://127.0.0.1:99999", "port"),
        ("http://127.0.0.1:x", "port"),
        ("http://127.0.0.1:0", "port"),
        ("", "begins with http://"),
    ],
)
def test_an_address_that_would_not_be_driven_as_it_says_is_refused(url, complaint):
    with pytest.raises(ValueError, match=complaint):
        target(url)


def by_hand(*options):
    """Locust with the options of a person."""
    return subprocess.run(
        [sys.executable, "-m", "locust", "-f", str(ROOT / "bench" / "load" / "locustfile.py"), "--headless", *options],
        cwd=ROOT, capture_output=True, text=True, timeout=WITHIN_S, check=False,
    )  # fmt: skip


def test_https_is_refused_before_any_load():
    ended = by_hand("--scenario", "broadcast", "--variant", "sse", "--host", "https://127.0.0.1:1")
    assert ended.returncode == 1
    assert "TLS is not spoken" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_only_a_confirmed_subscriber_publishes_and_none_while_the_test_ends():
    """Over Socket.IO messages travel on the connection of the subscriber that publishes them."""
    with Server("flask_socketio", (), "") as server:
        server.wait_until_ready()
        ended = by_hand(
            "--scenario", "broadcast", "--variant", "flask_socketio", "--host", f"http://127.0.0.1:{server.port}",
            "--users", "2", "--spawn-rate", "2", "--run-time", "2s", "--set", "rate_hz=1000", "--only-summary",
        )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "not connected" not in ended.stdout + ended.stderr
