"""Files of older schemas: read as the current one, refused where that is not possible, and rewritten on request."""

import copy
import json
import re
import shutil
from pathlib import Path

import msgspec
import pytest

from bench.analysis.trials.findings import CHECKS
from bench.results import (
    CHECKSUM,
    GENERATOR_SCHEMA,
    SCHEMA,
    ResultsError,
    Run,
    _rewrite,
    _stored_file,
    _upgrades,
    load,
    load_comparison,
    upgrade,
)
from bench.results._upgrades import _to_3

OLD = Path(__file__).parent / "schema-2"
REFERENCE = Path(__file__).parents[2] / "results" / "reference"
FILES = sorted(path.relative_to(OLD) for path in OLD.rglob("*.json"))
STEPS = {"run": _upgrades.RUN, "trial": _upgrades.TRIAL, "comparison": _upgrades.COMPARISON}


def kind_of(path):
    return {"run.json": "run", "generator.json": "comparison"}.get(path.name, "trial")


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def reference_text(path):
    """What the reference run holds in this file, as it is written now, with the keys that are optional; of the head of
    the run only the plan of the stored fixtures."""
    text = written_now(REFERENCE / path)
    if path != Path("run.json"):
        return text
    head = json.loads(text)
    names = {entry["id"] for entry in _upgrades.RUN[2](read_json(OLD / path))["plan"]}
    head["plan"] = [entry for entry in head["plan"] if entry["id"] in names]
    del head[CHECKSUM]
    return _stored_file.text_of(msgspec.convert(head, Run)).decode()


def written_now(path):
    """The text of a stored file as this version would write it."""
    return _stored_file.text_of(_stored_file.read(path, _rewrite._kind(path))).decode()


@pytest.fixture
def old(tmp_path):
    """A run in the schema before, to be changed."""
    return Path(shutil.copytree(OLD, tmp_path / "old"))


def leaves(facts):
    """Every value in a JSON object, in order."""
    if isinstance(facts, dict | list):
        for value in facts.values() if isinstance(facts, dict) else facts:
            yield from leaves(value)
    else:
        yield facts


def test_there_is_a_step_from_every_version_to_the_next():
    assert list(_upgrades.RUN) == list(_upgrades.TRIAL) == list(range(2, SCHEMA))
    assert list(_upgrades.COMPARISON) == list(range(1, GENERATOR_SCHEMA))


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_step_keeps_every_number_and_does_not_change_what_it_is_given(path):
    facts = read_json(OLD / path)
    given = copy.deepcopy(facts)
    upgraded = STEPS[kind_of(path)][facts["schema"]](facts)
    assert facts == given
    known = json.loads(re.sub(r'(wait_ns": )-[0-9]+', r"\1null", json.dumps(facts)))  # a wait below zero is unknown
    before, after = list(leaves({**known, "schema": 0})), list(leaves({**upgraded, "schema": 0}))
    assert [type(value) for value in before] == [type(value) for value in after]
    numbers = [[value for value in values if not isinstance(value, str)] for values in (before, after)]
    assert numbers[0] == numbers[1]


def test_an_upgraded_run_is_what_the_reference_run_holds(old):
    assert upgrade(old) == len(FILES)
    paths = sorted(path.relative_to(old) for path in old.rglob("*") if path.is_file())
    assert len(paths) == len(FILES)
    for path in paths:
        assert (old / path).read_text(encoding="utf-8") == reference_text(path)
    assert upgrade(old) == 0


def test_an_old_run_is_read_like_an_upgraded_one_and_stays_as_it_is(old):
    before = {path: path.read_bytes() for path in old.rglob("*.json")}
    run, trials = load(old)
    comparison = load_comparison(old / "instrument" / "generator.json")
    assert {path: path.read_bytes() for path in old.rglob("*.json")} == before
    upgrade(old)
    assert load(old) == (run, trials)
    assert load_comparison(old / "instrument" / "generator.json") == comparison
    assert {trial.planned.id: trial for trial in trials}.items() <= {
        trial.planned.id: trial for trial in load(REFERENCE)[1]
    }.items()


def test_a_wait_below_zero_becomes_unknown():
    path = next(path for path in FILES if path.parent.name == "trials")
    facts = read_json(OLD / path)
    facts["usage"]["server"]["run_queue_wait_ns"] = -5
    facts["usage"]["load"][0]["run_queue_wait_ns"] = -1
    upgraded = _upgrades.TRIAL[2](facts)["usage"]
    assert upgraded["server"]["run_queue_wait_ns"] is None
    assert upgraded["load"][0]["run_queue_wait_ns"] is None


def test_a_retry_is_named_so(old):
    _, trials = load(old)
    (retry,) = [trial for trial in trials if trial.planned.retry_of]
    assert retry.planned.id == "01-broadcast-long_polling-rate_hz-1-retry-1"
    assert retry.planned.place in {trial.planned.id for trial in trials}


def test_an_interrupted_upgrade_can_be_repeated(old):
    (path,) = (old / "trials").glob("*-again-1.json")
    new = REFERENCE / "trials" / path.name.replace("again", "retry")
    path.write_bytes(new.read_bytes())  # rewritten, but not yet renamed
    assert upgrade(old) == len(FILES)
    assert (old / "trials" / new.name).read_text(encoding="utf-8") == written_now(new)
    assert not path.exists()


def test_an_upgrade_replaces_no_other_record(old):
    (path,) = (old / "trials").glob("*-again-1.json")
    taken = path.with_name(path.name.replace("again", "retry"))
    shutil.copy(path, taken)
    with pytest.raises(ResultsError, match="hold the same trial") as refusal:
        upgrade(old)
    assert str(taken) in str(refusal.value)


@pytest.mark.parametrize("name", ["notes.json", "run.json"])
def test_only_the_folder_of_a_run_is_upgraded(old, name):
    if name == "run.json":
        (old / name).unlink()
    else:
        (old / name).write_text("{}", encoding="utf-8")
    with pytest.raises(ResultsError, match=r"not a file of a run|has no run\.json"):
        upgrade(old)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (SCHEMA + 1, rf"has schema {SCHEMA + 1}; this version of Pushbench reads 2 to {SCHEMA}: update Pushbench"),
        (1, rf"has schema 1; this version of Pushbench reads 2 to {SCHEMA}: measure it again"),
        (-(10**30), "malformed"),
        ("2", "malformed"),
        (True, "malformed"),
        (2.5, "malformed"),
        (None, "malformed"),
    ],
)
def test_a_version_that_cannot_be_read_is_refused_by_name(old, schema, words):
    path = old / "run.json"
    path.write_text(json.dumps({**read_json(path), "schema": schema}), encoding="utf-8")
    with pytest.raises(ResultsError, match=words) as refusal:
        load(old)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [("planned", None), ("planned", {}), ("parameters", []), ("findings", 7), ("findings", [{}]), ("absences", "no"),
     ("failure", {}), ("phases_ns", None), ("schema", 2), ("surprise", 1)],
)  # fmt: skip
def test_a_malformed_old_record_is_refused_by_name(old, key, value):
    path = sorted((old / "trials").glob("*.json"))[0]
    facts = read_json(path)
    if facts.get(key) == value:
        del facts["planned"]
    path.write_text(json.dumps({**facts, key: value}), encoding="utf-8")
    with pytest.raises(ResultsError, match="malformed") as refusal:
        load(old)
    assert str(path) in str(refusal.value)


def test_a_finding_and_a_failure_have_the_names_of_today():
    names = {check.name for check in CHECKS}
    assert set(_to_3._FINDINGS.values()) <= names
    assert not set(_to_3._FINDINGS) & names
    facts = read_json(sorted((OLD / "trials").glob("*.json"))[0])
    facts["failure"] = {"phase": "prime", "error": "the server was killed", "died": "server"}
    facts["findings"] = [{"name": "server died", "disqualifying": True, "observation": "1", "remedy": "2"}]
    upgraded = _upgrades.TRIAL[2](facts)
    assert upgraded["failure"] == {"phase": "probe", "error": "the server was killed", "exited": "server"}
    assert upgraded["findings"][0]["name"] == "server exited"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("kept awake", "disabled"),
        ("may sleep (as asked)", "enabled (as requested)"),
        ("may sleep (only Linux can be asked)", "enabled (only Linux can be asked)"),
    ],
)
def test_the_fact_on_idle_states_is_in_the_words_of_today(before, after):
    facts = read_json(OLD / "run.json")
    facts["environment"]["facts"]["cores without work"] = before
    upgraded = _upgrades.RUN[2](facts)["environment"]["facts"]
    assert upgraded["idle states"] == after
    assert "cores without work" not in upgraded
