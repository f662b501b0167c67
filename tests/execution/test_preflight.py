"""What is refused before any load: a run that cannot be measured or stored here. Nothing is left of it."""

import errno
import os
import shutil

import pytest

from bench.execution import run as runs
from bench.execution.preflight import preflight
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
        preflight(settle(Request(scenarios=("broadcast",), changes=("subscribers=5000",))), tmp_path)


def test_the_most_subscribers_of_a_sweep_decide_what_is_needed(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.measure.machine.raise_descriptor_limit", lambda needed: 1024)
    with pytest.raises(Refused, match="5000 subscribers need"):
        preflight(settle(Request(scenarios=("broadcast",), sweeps=("subscribers=5000",))), tmp_path)


def test_a_proxy_needs_two_open_files_for_every_connection(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.measure.machine.raise_descriptor_limit", lambda needed: 1024)
    only = {"scenarios": ("broadcast",), "variants": ("sse",)}
    preflight(settle(Request(**only, changes=("subscribers=500",))), tmp_path)
    with pytest.raises(Refused, match=r"500 subscribers need 1256 open files"):
        preflight(settle(Request(**only, changes=("subscribers=500", "path=far"))), tmp_path)
