"""The store: what is written is read back, nothing is overwritten, and a malformed file is named."""

import json

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
