"""The store: what is written is read back, nothing is overwritten, and a malformed file is named."""

import errno
import json
import os

import msgspec
import pytest

from bench.results import CHECKSUM, SCHEMA, Failure, Planned, ResultsError, Store, Trial, check_name, load
from tests._synthetic import synthetic


@pytest.fixture
def store(tmp_path):
    run, trials = synthetic()
    store = Store(tmp_path / run.name)
    store.begin(run)
    for trial in trials:
        store.add(trial)
    return store


def test_what_was_stored_is_read_back_equal_and_in_the_order_of_the_plan(tmp_path):
    run, trials = synthetic()
    store = Store(tmp_path / run.name)
    store.begin(run)
    for trial in reversed(trials):
        store.add(trial)
    assert load(store.folder) == (run, sorted(trials, key=lambda trial: trial.planned.position))


def test_a_record_is_never_overwritten(store):
    record = store.trials()[0]
    with pytest.raises(ResultsError, match="never overwritten"):
        store.add(msgspec.structs.replace(record, failure=Failure(phase="x", error="y")))
    assert store.trials()[0] == record


def test_writing_leaves_no_temporary_file_behind(store):
    assert not [path for path in store.folder.rglob(".*") if path.is_file()]


def test_an_unfinished_write_of_another_process_is_not_read(store):
    (store.trials_folder / ".01-echo-sse.json.77").write_text("{half")
    store.trials()


def damage(change):
    def apply(raw: bytes) -> bytes:
        facts = json.loads(raw)
        del facts[CHECKSUM]
        change(facts)
        return json.dumps(facts).encode()

    return apply


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda raw: raw[: len(raw) // 2], "malformed"),
        (lambda raw: b"", "malformed"),
        (lambda raw: b"[]", "malformed"),
        (lambda raw: b"\xff\xfe", "malformed"),
        (lambda raw: b"[" * 100_000, "malformed"),
        (damage(lambda facts: facts.update(surprise=1)), "surprise"),
        (damage(lambda facts: facts.pop("parameters")), "parameters"),
        (damage(lambda facts: facts["planned"].update(block="two")), "planned.block"),
        (damage(lambda facts: facts["planned"].update(id="../../etc/passwd")), "planned.id"),
        (damage(lambda facts: facts.update(schema=SCHEMA + 1)), "schema"),
    ],
)
def test_a_malformed_record_is_refused_by_name(store, spoil, words):
    path = sorted(store.trials_folder.glob("*.json"))[0]
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(ResultsError, match=words) as refusal:
        store.trials()
    assert str(path) in str(refusal.value)


def test_a_missing_head_is_named_with_its_path(tmp_path):
    with pytest.raises(ResultsError, match=r"run\.json"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "a\nb", "x" * 200, "latest"])
def test_a_name_that_could_leave_the_folder_is_refused(name):
    with pytest.raises(ResultsError):
        check_name(name)


def test_a_trial_with_a_failure_or_a_disqualifying_finding_is_not_valid():
    planned = Planned(id="01-echo-sse", scenario="echo", variant="sse", block=1, position=1, seed=1)
    trial = Trial(schema=SCHEMA, planned=planned, parameters={}, started_at="", phases_ns={})
    assert trial.valid
    assert not msgspec.structs.replace(trial, failure=Failure(phase="start", error="died")).valid


def fail(number):
    def failing(*_arguments):
        raise OSError(number, os.strerror(number))

    return failing


@pytest.mark.parametrize("error", [errno.EPERM, errno.ENOTSUP])
def test_a_run_is_stored_and_never_overwritten_where_there_are_no_hard_links(tmp_path, monkeypatch, error):
    monkeypatch.setattr(os, "link", fail(error))
    run, trials = synthetic()
    store = Store(tmp_path / run.name)
    store.begin(run)
    for trial in trials:
        store.add(trial)
    for again in (lambda: store.begin(run), lambda: store.add(trials[0])):
        with pytest.raises(ResultsError, match="never overwritten"):
            again()
    assert load(store.folder) == (run, sorted(trials, key=lambda trial: trial.planned.position))


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("act", [Store.begin, Store.rehearse])
def test_a_head_that_cannot_be_written_leaves_no_folder_that_was_not_there(tmp_path, monkeypatch, error, act):
    monkeypatch.setattr(os, "link", fail(error))
    (tmp_path / "there").mkdir()
    run, _ = synthetic()
    with pytest.raises(ResultsError, match=rf"cannot write .*run\.json: {os.strerror(error)}"):
        act(Store(tmp_path / "there" / "results" / run.name), run)
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


def test_a_head_that_cannot_be_read_back_leaves_no_folder(tmp_path):
    run, _ = synthetic()
    unreadable = msgspec.structs.replace(run, seed="one")
    with pytest.raises(ResultsError, match="seed"):
        Store(tmp_path / "results" / run.name).begin(unreadable)
    assert list(tmp_path.iterdir()) == []


def test_a_text_that_is_not_utf_8_is_an_error_that_names_the_file(tmp_path):
    run, _ = synthetic()
    with pytest.raises(ResultsError, match=r"run\.json.*no text in UTF-8"):
        Store(tmp_path / "results" / run.name).begin(msgspec.structs.replace(run, command=["bench", "\udcff"]))
    assert list(tmp_path.iterdir()) == []


def test_a_rehearsal_leaves_nothing_and_the_run_can_begin(tmp_path):
    run, _ = synthetic()
    store = Store(tmp_path / "results" / run.name)
    store.rehearse(run)
    assert list(tmp_path.iterdir()) == []
    store.begin(run)
    assert store.run() == run


def test_a_folder_that_was_there_before_a_failed_head_stays(store):
    run, trials = store.run(), store.trials()
    for act in (store.begin, store.rehearse):
        with pytest.raises(ResultsError, match="never overwritten"):
            act(run)
    assert load(store.folder) == (run, trials)


def test_whether_a_record_can_be_written_is_tried_before_it_is_measured(store, monkeypatch):
    before = sorted(store.folder.rglob("*"))
    store.rehearse_record()
    assert sorted(store.folder.rglob("*")) == before
    monkeypatch.setattr(os, "link", fail(errno.EROFS))
    with pytest.raises(ResultsError, match=r"cannot write to .*trials: Read-only"):
        store.rehearse_record()
