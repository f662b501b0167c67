"""A stored file that was changed after it was written."""

import json

import msgspec
import pytest

from bench.analysis.trials import stored
from bench.results import CHECKSUM, ResultsError, load, upgrade
from tests._damage import without_checksum
from tests._natures import NATURES
from tests._synthetic import synthetic, write


@pytest.fixture
def run():
    return synthetic(NATURES[:1], ["broadcast"], blocks=2, troubles=False)


@pytest.fixture
def folder(tmp_path, run):
    return write(tmp_path, *run)


def changed(path, change):
    facts = json.loads(path.read_bytes())
    change(facts)
    path.write_text(json.dumps(facts), encoding="utf-8")


def first(folder):
    return sorted((folder / "trials").glob("*.json"))[0]


def test_a_record_with_another_number_is_a_failed_trial_with_that_reason(folder, run):
    path = first(folder)
    changed(path, lambda facts: facts["usage"]["server"].update(cpu_ns=7))
    _, (altered, other) = stored.load(folder)
    assert not altered.valid
    assert altered.failure.phase == "reading"
    assert altered.failure.error.startswith(f"{path} was changed after it was written")
    assert other.valid


def test_a_head_with_another_fact_is_refused(folder):
    changed(folder / "run.json", lambda facts: facts["environment"].update(server_cores=[5]))
    with pytest.raises(ResultsError, match=r"run\.json was changed after it was written; restore it"):
        load(folder)


def test_a_checksum_that_is_another_one_or_none_at_all_is_a_change(folder):
    for value in ("0" * 64, 7, None, [], ""):
        changed(first(folder), lambda facts, value=value: facts.update({CHECKSUM: value}))
        assert load(folder)[1][0].failure is not None


def test_a_file_that_was_only_laid_out_anew_is_as_it_was_written(folder, run):
    for path in folder.rglob("*.json"):
        facts = json.loads(path.read_bytes())
        path.write_text(json.dumps(dict(reversed(facts.items())), indent=7), encoding="utf-8")
    assert load(folder) == run


def test_who_changes_a_file_on_purpose_removes_its_checksum(folder, run):
    path = folder / "run.json"
    path.write_text(json.dumps({**without_checksum(path), "started_at": "2020-01-01T00:00:00+00:00"}))
    head, trials = load(folder)
    assert head == msgspec.structs.replace(run[0], started_at="2020-01-01T00:00:00+00:00")
    assert trials == run[1]


def test_an_upgrade_gives_a_file_without_a_checksum_one(folder, run):
    for path in folder.rglob("*.json"):
        path.write_text(json.dumps(without_checksum(path)), encoding="utf-8")
    assert upgrade(folder) == 3
    assert all(CHECKSUM in json.loads(path.read_bytes()) for path in folder.rglob("*.json"))
    assert load(folder) == run


def test_an_upgrade_gives_no_changed_file_a_new_checksum(folder):
    changed(first(folder), lambda facts: facts.update(started_at="2020-01-01T00:00:00+00:00"))
    with pytest.raises(ResultsError, match="was changed after it was written"):
        upgrade(folder)
