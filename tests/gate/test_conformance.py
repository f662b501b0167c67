"""Every variant against every check of the gate; and the gate rejects servers with flaws."""

import pytest

import servers
from bench.gate.conformance import CHECKS, examine, verify
from bench.gate.server_under_test import Refuted, ServerUnderTest

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


def test_a_server_that_cannot_start_fails_the_first_check(monkeypatch):
    monkeypatch.setattr("bench.processes.member.Member.folder", "/")
    (verdict,) = verify("sse", servers.load("sse"))
    assert "server" in verdict.refutation
