"""A Redis is tried by use, and what it lacks is named in one line with what to do about it."""

import socket
import time

import pytest
import redis

from servers import _redis_probe
from servers._redis_probe import fault, publish_s, without_password
from tests.servers._redis_servers import NOT_ALLOWED, UNKNOWN_COMMAND, FakeRedis

LACKING = {
    "no HELLO": ({"HELLO": UNKNOWN_COMMAND}, "older than Redis 6", "use a newer one"),
    "no SUBSCRIBE": ({"SUBSCRIBE": NOT_ALLOWED}, "lacks a right", "grant +subscribe +unsubscribe +publish"),
    "no PUBLISH": ({"PUBLISH": NOT_ALLOWED}, "lacks a right", "all channels (&*)"),
    "no login": ({"HELLO": "NOAUTH HELLO must be called first"}, "refuses the login", "correct the user and the"),
}


def test_a_redis_that_grants_everything_works():
    with FakeRedis() as fake:
        assert fault(fake.url, 64) is None
        assert fake.most_open >= 64


@pytest.mark.parametrize("lacking", LACKING)
def test_what_a_redis_lacks_is_named_with_what_to_do(lacking):
    refuses, what, remedy = LACKING[lacking]
    with FakeRedis(refuses=refuses) as fake:
        reason = fault(fake.url, 1)
    assert what in reason
    assert remedy in reason
    assert "\n" not in reason


@pytest.mark.parametrize("forbidden", ["INFO", "CONFIG", "CLIENT"])
def test_a_redis_that_forbids_what_is_not_needed_works(forbidden):
    with FakeRedis(refuses={forbidden: NOT_ALLOWED}) as fake:
        assert fault(fake.url, 2) is None


def test_too_few_connections_are_counted_by_use():
    with FakeRedis(max_clients=40) as fake:
        reason = fault(fake.url, 64)
    granted, _, rest = reason.removeprefix("it grants ").partition(" ")
    assert 35 <= int(granted) <= 40
    assert rest == "of the 64 connections that are needed: raise its maxclients"


def test_a_redis_that_is_too_far_away_is_named_with_the_time_of_a_publish(monkeypatch):
    monkeypatch.setattr(_redis_probe, "MOST_PUBLISH_S", 0.002)
    with FakeRedis(delay_s=0.001) as fake:
        assert fault(fake.url, 1) is None
        assert "use a nearer one" in fault(fake.url, 2)


def test_a_publish_is_timed_with_its_connection_as_the_library_opens_one_for_each():
    with FakeRedis(delay_s=0.004) as fake:
        assert publish_s(fake.url) >= 2 * 0.004  # HELLO and PUBLISH at least


def test_a_port_that_never_answers_is_given_up_soon(monkeypatch):
    monkeypatch.setattr(_redis_probe, "ANSWER_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        reason = fault(f"redis://127.0.0.1:{silent.getsockname()[1]}", 1)
    assert "does not answer" in reason
    assert time.monotonic() - began < 2


def test_a_subscriber_that_receives_nothing_is_named(monkeypatch):
    monkeypatch.setattr(_redis_probe, "WITHIN_S", 0.1)
    monkeypatch.setattr(FakeRedis, "_publish", lambda self, channel, text: b":0\r\n")
    with FakeRedis() as fake:
        assert fault(fake.url, 1) == "a subscriber receives nothing that is published within 0.1 s"


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "unix:///nowhere/redis.sock", "rediss://127.0.0.1:1/0"])
def test_an_address_where_nothing_listens_is_a_reason(url):
    reason = fault(url, 1)
    assert reason.startswith("it does not answer (")
    assert reason.endswith("): start it, or correct REDIS_URL")


def test_a_certificate_that_is_not_trusted_is_named_with_what_to_do():
    error = redis.ConnectionError("Error 1 connecting to a:6379. [SSL: CERTIFICATE_VERIFY_FAILED] self-signed (_ssl.c)")
    assert "ssl_ca_certs=FILE" in _redis_probe._in_words(error)


def test_tls_where_the_server_speaks_none_is_a_reason():
    with FakeRedis() as fake:
        assert fault(fake.url.replace("redis://", "rediss://"), 1)


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "redis://user:se/cret@127.0.0.1/0", "nonsense"])
def test_an_address_that_cannot_be_used_is_refused_without_a_word_of_the_password(url):
    reason = fault(url, 1)
    assert "redis://" in reason
    assert "se" not in reason.replace("understands: use", "").split("redis://")[0]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.2:6380/0", "redis://127.0.0.2:6380/0"),
        ("redis://user:secret@host:6379/1?ssl=1", "redis://host:6379/1"),
        ("redis://:se@cret@host/0", "redis://host/0"),
        ("rediss://user:secret@[::1]:6379", "rediss://[::1]:6379"),
        ("unix:///run/redis.sock?db=1&password=secret", "unix:///run/redis.sock"),
        ("unix://user:secret@/run/redis.sock", "unix:///run/redis.sock"),
        ("redis://host/0?password=se@cret", "redis://..."),
        ("redis://user:se?cret@host/0", "redis://..."),
        ("redis://user:12/cret@host/0", "redis://..."),
        ("redis://user:se#cret@host/0", "redis://..."),
    ],
)
def test_no_part_of_a_password_is_shown(url, shown):
    assert without_password(url) == shown
