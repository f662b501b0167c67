"""What the gate records of a variant, and how it tells a missing precondition from a fault of the variant."""

import pytest

import servers
from bench.gate import conformance
from bench.gate.conformance import MANY
from bench.gate.gate import gate
from bench.gate.server_under_test import MOST_TIMES, WITHIN_S, ServerUnderTest, times_longer
from bench.results import BrokerFacts
from servers import _redis, _redis_probe
from tests.servers._redis_servers import NOT_ALLOWED, VERSION, FakeRedis

FLASK_SSE = {"flask_sse": servers.load("flask_sse")}


def broker(publish_ns=None):
    return BrokerFacts(
        product="Redis", version="7.0.0", origin="REDIS_URL", reached="redis://far", here=False, process_known=False,
        publish_ns=publish_ns,
    )  # fmt: skip


@pytest.fixture
def quick_checks(monkeypatch):
    """Only two checks: the first and the last."""
    monkeypatch.setattr(conformance, "CHECKS", (conformance.CHECKS[0], conformance.CHECKS[-1]))


@pytest.mark.usefixtures("quick_checks")
def test_the_gate_records_the_broker_that_served_and_what_is_set(monkeypatch):
    lines = []
    with FakeRedis() as redis:
        monkeypatch.setenv("REDIS_URL", redis.url)
        (facts,) = gate(FLASK_SSE, lines.append)
    assert (facts.status, facts.reason) == ("measured", "")
    assert (facts.broker.version, facts.broker.origin, facts.broker.reached) == (VERSION, "REDIS_URL", redis.url)
    assert facts.broker.publish_ns > 0
    assert not facts.broker.process_known
    assert facts.options["SSE_REDIS_URL"] == redis.url
    assert f"its broker: Redis {VERSION}, REDIS_URL, reached at {redis.url}, its process not known" in lines[-1]


@pytest.mark.usefixtures("quick_checks")
def test_the_gate_says_by_how_much_it_made_its_deadlines_longer(monkeypatch):
    lines = []
    with FakeRedis(delay_s=0.005) as redis:
        monkeypatch.setenv("REDIS_URL", redis.url)
        (facts,) = gate(FLASK_SSE, lines.append)
    assert facts.status == "measured"
    assert f"deadlines are {times_longer(facts.broker):.1f} times as long" in lines[-1]


@pytest.mark.usefixtures("quick_checks")
def test_a_variant_without_a_broker_has_none_in_its_facts():
    (facts,) = gate({"sse": servers.load("sse")}, print)
    assert facts.status == "measured"
    assert facts.broker is None


@pytest.mark.parametrize(
    ("lacking", "reason"),
    [
        ({"max_clients": 40}, "of the 64 connections that are needed: raise its maxclients"),
        ({"refuses": {"PUBLISH": NOT_ALLOWED}}, "its user lacks a right"),
    ],
)
def test_a_redis_that_lacks_something_skips_the_variant_and_fails_no_check(lacking, reason, monkeypatch):
    lines = []
    with FakeRedis(**lacking) as redis:
        monkeypatch.setenv("REDIS_URL", redis.url)
        (facts,) = gate(FLASK_SSE, lines.append)
    assert facts.status == "skipped"
    assert reason in facts.reason
    assert len(lines) == 1


def test_a_run_asks_for_as_many_connections_as_it_has_subscribers(monkeypatch):
    with FakeRedis(max_clients=80) as redis:
        monkeypatch.setenv("REDIS_URL", redis.url)
        (facts,) = gate(FLASK_SSE, print, subscribers=200)
    assert facts.status == "skipped"
    assert "of the 214 connections" in facts.reason


def test_the_checks_need_no_more_subscribers_than_the_redis_is_asked_for():
    assert _redis.LEAST_SUBSCRIBERS >= 2 * MANY


@pytest.mark.parametrize(
    ("publish_ns", "times"),
    [(None, 1.0), (0, 1.0), (5_000_000, 1.0), (40_000_000, 8.0), (10_000_000_000, MOST_TIMES)],
)
def test_deadlines_follow_the_time_of_one_publish(publish_ns, times):
    assert times_longer(broker(publish_ns)) == times


def test_without_a_broker_deadlines_are_as_they_are():
    assert times_longer(None) == 1.0


def test_deadlines_reach_as_far_as_the_farthest_redis_that_is_accepted():
    assert times_longer(broker(round(_redis_probe.MOST_PUBLISH_S * 1e9))) == MOST_TIMES


def test_a_server_under_test_over_a_redis_that_is_far_away_has_more_time(monkeypatch):
    with FakeRedis(delay_s=0.004) as redis:
        monkeypatch.setenv("REDIS_URL", redis.url)
        with ServerUnderTest("flask_sse", servers.load("flask_sse")) as server:
            assert server.within_s > WITHIN_S
