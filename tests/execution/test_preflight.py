"""What is refused before any load: a run that cannot be measured or stored here. Nothing is left of it."""

import errno
import os
import re
import shutil

import pytest

import servers
from bench import scenarios
from bench.execution import run as runs
from bench.execution.preflight import of_plan, of_request, of_trial, preflight
from bench.measure import machine
from bench.planning.plan import Point, plan
from bench.planning.request import Refused, Request, settle
from bench.results import ResultsError
from tests.results.test_store import fail


@pytest.fixture
def refused(monkeypatch):
    """The refusal of a request whose gate must not begin."""
    monkeypatch.setattr(runs, "gate", lambda *_: pytest.fail("the gate began"))

    def refused(request):
        with pytest.raises((Refused, ResultsError)) as refusal:
            runs.begin(request, print)
        return str(refusal.value)

    return refused


def test_without_a_folder_for_temporary_files_nothing_is_measured(refused, tmp_path, monkeypatch):
    def none(*_, **__):
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr("tempfile.TemporaryFile", none)
    assert re.search(r"No usable temporary directory.*set TMPDIR", refused(small(tmp_path)))


def small(results, **more):
    return Request(variants=("sse",), scenarios=("broadcast",), name="small", results=results, **more)


def test_a_folder_that_cannot_be_written_is_refused_before_any_load(refused, tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot write to" in refused(small(tmp_path / "file" / "results"))


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS])
def test_a_head_that_cannot_be_stored_is_refused_before_any_load_and_leaves_no_folder(
    refused, tmp_path, monkeypatch, error
):
    monkeypatch.setattr(os, "link", fail(error))
    assert os.strerror(error) in refused(small(tmp_path / "results"))
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_no_record_can_hold_is_refused_before_any_load(refused, tmp_path):
    assert "no text in UTF-8" in refused(small(tmp_path / "results", command=("bench", "\udcff")))
    assert list(tmp_path.iterdir()) == []


def test_too_little_free_space_is_refused_also_where_the_folder_is_not_there_yet(refused, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1 << 20))
    assert f"1 MiB are free in {tmp_path}, 200 MiB are needed" in refused(small(tmp_path / "a" / "b"))


def test_more_subscribers_than_open_files_are_refused_with_both_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.measure.machine.raise_descriptor_limit", lambda needed: 1024)
    with pytest.raises(Refused, match=r"10256 open files.*limit is 1024"):
        preflight(of_request(settle(Request(scenarios=("broadcast",), changes=("subscribers=5000",)))), tmp_path)


def test_the_most_subscribers_of_a_sweep_decide_what_is_needed(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.measure.machine.raise_descriptor_limit", lambda needed: 1024)
    with pytest.raises(Refused, match="5000 subscribers need"):
        preflight(of_request(settle(Request(scenarios=("broadcast",), sweeps=("subscribers=5000",)))), tmp_path)


def test_a_proxy_needs_two_open_files_for_every_connection(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.measure.machine.raise_descriptor_limit", lambda needed: 1024)
    only = {"scenarios": ("broadcast",), "variants": ("sse",)}
    preflight(of_request(settle(Request(**only, changes=("subscribers=500",)))), tmp_path)
    with pytest.raises(Refused, match=r"500 subscribers need 1256 open files"):
        preflight(of_request(settle(Request(**only, changes=("subscribers=500", "path=far")))), tmp_path)


def ports(scenario, variant, **changes):
    """(who needs them, how many) of every route of a trial."""
    chosen = scenarios.load(scenario)
    needs = of_trial(chosen, servers.load(variant), chosen.settled("standard", changes))
    return [(route.opener, route.ports) for route in needs.routes]


@pytest.mark.parametrize(
    ("scenario", "variant", "changes", "needed"),
    [
        ("broadcast", "websocket", {"subscribers": 400}, [("subscribers at 127.0.0.1", 400)]),
        ("broadcast", "sse", {"subscribers": 400, "path": "far"}, [("subscribers at 127.0.0.1", 400)]),
        ("dropped", "polling", {"subscribers": 400}, [("subscribers at 127.0.0.1", 400)]),
        ("storm", "websocket", {"subscribers": 400}, [("subscribers at 127.0.0.1", 400)]),
        ("idle", "long_polling", {"steps": [10, 400]}, [("subscribers at 127.0.0.1", 400)]),
        ("echo", "websocket", {"subscribers": 400}, [("subscribers at 127.0.0.1", 400)]),
        ("echo", "sse", {"subscribers": 400}, [("subscribers at 127.0.0.1", 800)]),
        ("chat", "polling", {"subscribers": 400}, [("subscribers at 127.0.0.1", 800)]),
        ("broadcast", "flask_socketio_polling", {"subscribers": 400}, [("subscribers at 127.0.0.1", 800)]),
        ("echo", "flask_socketio_polling", {"subscribers": 400}, [("subscribers at 127.0.0.1", 800)]),
        ("echo", "sse", {"subscribers": 12_000},
         [("subscribers at 127.0.0.1", 20_000), ("subscribers at 127.0.0.2", 4_000)]),
        ("broadcast", "flask_sse", {"subscribers": 400},
         [("subscribers at 127.0.0.1", 400), ("its server, to a broker,", 500)]),
        ("echo", "flask_sse", {"subscribers": 400},
         [("subscribers at 127.0.0.1", 800), ("its server, to a broker,", 400 + 2 * 800)]),
        ("idle", "flask_sse", {"steps": [400]}, [("subscribers at 127.0.0.1", 400), ("its server, to a broker,", 400)]),
    ],
)  # fmt: skip
def test_every_connection_of_an_address_needs_a_port(scenario, variant, changes, needed, monkeypatch):
    monkeypatch.setattr(machine, "port_reuse_s", lambda: 2.0)
    assert ports(scenario, variant, **changes) == needed


def of(scenario, variant, *changes, sweeps=()):
    return of_request(settle(Request(scenarios=(scenario,), variants=(variant,), changes=changes, sweeps=sweeps)))


@pytest.mark.parametrize(
    ("needs", "words"),
    [
        (
            ("broadcast", "sse", "subscribers=285"),
            r"need 285 ports for 285 .* 284 of 300 .* at most 284 \(--set subscr",
        ),
        (("echo", "sse", "subscribers=143"), r"need 286 ports for 143 subscribers.* use at most 142"),
        (("idle", "sse", "steps=[10,285]"), r"use at most 284 \(--set steps="),
        (("broadcast", "flask_sse", "subscribers=200"), r"its server, to a broker, need 300 ports .* use at most 184"),
    ],
)
def test_more_connections_than_ports_are_refused_with_both_numbers_and_what_to_do(needs, words, tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "ephemeral_ports", lambda: 300)
    monkeypatch.setattr(machine, "port_reuse_s", lambda: 2.0)
    with pytest.raises(Refused, match=words):
        preflight(of(*needs), tmp_path)


def test_as_many_connections_as_ports_are_accepted(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "ephemeral_ports", lambda: 300)
    preflight([*of("broadcast", "sse", "subscribers=284"), *of("echo", "sse", "subscribers=142")], tmp_path)
    preflight([], tmp_path)


def test_the_ports_of_the_points_of_a_sweep_count(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "ephemeral_ports", lambda: 300)
    with pytest.raises(Refused, match="285 ports"):
        preflight(of("broadcast", "sse", sweeps=("subscribers=10,285",)), tmp_path)


def test_an_address_that_this_machine_lacks_is_refused_with_what_one_has(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "raise_descriptor_limit", lambda needed: needed)
    monkeypatch.setattr(machine, "can_connect_from", lambda address: address == "127.0.0.1")
    with pytest.raises(Refused, match=r"10001 subscribers need 2 addresses, but 127\.0\.0\.2 .* at most 10000"):
        preflight(of("broadcast", "sse", "subscribers=10001"), tmp_path)


@pytest.mark.parametrize(
    ("workers", "subscribers", "cores", "most"), [(3, 50, 2, 2), (100_000, 50, 2, 2), (5, 4, 8, 4)]
)
def test_more_workers_than_cores_or_subscribers_are_refused(workers, subscribers, cores, most, tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "divide_cores", lambda: machine.Cores((0,), tuple(range(1, cores))))
    needs = of("broadcast", "sse", f"subscribers={subscribers}")
    with pytest.raises(Refused, match=rf"--workers {workers}: at most {most} are of use here, with {cores} cores"):
        preflight(needs, tmp_path, workers)
    preflight(needs, tmp_path, most)


def test_what_is_left_of_an_interrupted_run_is_checked_as_a_new_run(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "ephemeral_ports", lambda: 300)
    parameters = {"broadcast": scenarios.load("broadcast").settled("standard", {"subscribers": 100})}
    planned = plan([("broadcast", "sse")], 1, 1, points=[Point("broadcast", "sse", "subscribers", 400)])
    with pytest.raises(Refused, match="400 ports"):
        preflight(of_plan(planned, parameters), tmp_path)
    preflight(of_plan([one for one in planned if not one.changes], parameters), tmp_path)


@pytest.mark.parametrize(
    ("scenario", "changes", "deliveries"),
    [
        ("broadcast", (), (10 + 60) * 100),
        ("echo", (), (1 + 6) * 100),
        ("chat", (), (1 + 3) * 10 * 100),
        ("burst", ("burst=20",), (40 + 120) * 100),
        ("idle", (), 0),
        ("broadcast", ("rate_hz=100000", "measure_s=600", "poll_interval_s=0.01"), 60_050_000 * 100),
    ],
)
def test_every_delivery_is_counted_and_takes_memory(scenario, changes, deliveries, tmp_path, monkeypatch):
    (needs,) = of(scenario, "sse", *changes)
    assert needs.deliveries == deliveries
    monkeypatch.setattr(machine, "free_memory_bytes", lambda: 48 * deliveries)
    preflight([needs], tmp_path)
    if deliveries:
        monkeypatch.setattr(machine, "free_memory_bytes", lambda: 48 * deliveries - 1)
        with pytest.raises(Refused, match=rf"counting {deliveries} deliveries needs about .*B of memory"):
            preflight([needs], tmp_path)
