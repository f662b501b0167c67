"""Every variant against every check of the gate; and the gate rejects servers with flaws."""

import dataclasses

import pytest

import servers
from bench.gate.conformance import CHECKS, examine, verify
from bench.gate.gate import gate
from bench.gate.server_under_test import Refuted, ServerUnderTest
from servers import Limit

MATRIX = [
    (name, check)
    for name in servers.names(hidden=True)
    for check in sorted(CHECKS, key=lambda check: check.ends)
    if check.applies_to(servers.load(name))
]


@pytest.fixture(scope="module")
def running_servers():
    """Running servers by name: the checks of one variant follow each other, so one runs at a time."""
    running = {}

    def get(name):
        if name not in running:
            for other in list(running):
                running.pop(other).__exit__(None, None, None)
            running[name] = ServerUnderTest(name, servers.load(name)).__enter__()
        return running[name]

    yield get
    for server in running.values():
        server.__exit__(None, None, None)


@pytest.mark.parametrize(("name", "check"), MATRIX, ids=[f"{name}-{check.name}" for name, check in MATRIX])
def test_the_variant_passes(name, check, running_servers):
    reason = servers.unavailable(servers.load(name))
    if reason:
        pytest.skip(reason)
    server = running_servers(name)
    try:
        check.run(server, server.new_topic())
    except Refuted as refuted:
        pytest.fail(f"{check.does}; expected {check.expects}. {refuted}", pytrace=False)
    finally:
        server.close_all()


def test_names_of_checks_are_unique_and_each_says_what_it_does_and_expects():
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert all(check.does and check.expects for check in CHECKS)


FLAWS = {
    "loses every third text": ("once", lambda number, text: [] if number % 3 == 2 else [text]),
    "delivers twice": ("once", lambda number, text: [text, text]),
    "alters a byte": ("bytes", lambda number, text: [text.replace(b"spaces", b"Spaces")]),
    "strips a leading space": ("spaces", lambda number, text: [text.removeprefix(b" ")]),
    "strips trailing spaces": ("spaces", lambda number, text: [text.rstrip(b" ")]),
    "loses the empty text": ("spaces", lambda number, text: [text] if text else []),
    "strips what looks like a field": ("bytes", lambda number, text: [text.replace(b"data: ", b"")]),
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_server_with_an_injected_flaw_fails_the_check_for_it(flaw, monkeypatch):
    expected, spoil = FLAWS[flaw]
    publish = ServerUnderTest.publish

    def spoiled(self, topic, *texts):
        kept = [out for number, text in enumerate(texts) for out in spoil(number, text)] if len(texts) > 1 else texts
        publish(self, topic, *kept)

    monkeypatch.setattr(ServerUnderTest, "publish", spoiled)
    (check,) = (check for check in CHECKS if check.name == expected)
    with ServerUnderTest("sse", servers.load("sse"), within_s=1.0) as server:
        assert examine(check, server)


def named(name):
    """The check of this name."""
    (check,) = (check for check in CHECKS if check.name == name)
    return check


def test_a_product_passes_with_its_declared_limits_and_fails_without_them():
    product = servers.load("flask_sse")
    if reason := servers.unavailable(product):
        pytest.skip(reason)
    with ServerUnderTest("flask_sse", product, within_s=1.0) as server:
        assert examine(named("spaces"), server) == ""
        for missing in product.limits:
            server.variant = dataclasses.replace(product, limits=product.limits - {missing})
            assert examine(named("spaces"), server)


@pytest.mark.parametrize("limit", Limit)
def test_a_variant_that_declares_a_limit_which_it_does_not_have_fails(limit):
    boastless = dataclasses.replace(servers.load("sse"), limits=frozenset({limit}))
    with ServerUnderTest("sse", boastless, within_s=1.0) as server:
        assert examine(named("spaces"), server)


def test_declared_limits_are_recorded_beside_the_description():
    variants = {name: servers.load(name) for name in ("flask_sse", "sse")}
    product, technique = gate(variants, print, dict.fromkeys(variants, "it is not measured here"))
    assert product.description == (
        f"{servers.description('flask_sse')} Declared limits: does not deliver an empty text; removes a leading space."
    )
    assert technique.description == servers.description("sse")


def test_a_publish_that_a_server_ignores_without_a_word_fails(monkeypatch):
    with ServerUnderTest("sse", servers.load("sse"), within_s=1.0) as server:
        monkeypatch.setattr("bench.clients._upstream.Upstream.publish", lambda *_: None)
        assert examine(named("refusal"), server)


def test_a_server_that_cannot_start_fails_the_first_check(monkeypatch):
    monkeypatch.setattr("bench.processes.member.Member.folder", "/")
    (verdict,) = verify("sse", servers.load("sse"))
    assert "server" in verdict.refutation
