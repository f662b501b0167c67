"""A record is what its name and the plan say, and counts once; other files are ignored and named."""

import json
import os
import shutil
import threading

import pytest

from bench.commands._stored import newest
from bench.planning import retries
from bench.results import ResultsError, Store, begun_at, load
from tests._damage import without_checksum
from tests._natures import NATURES
from tests._synthetic import synthetic, write


@pytest.fixture
def run():
    return synthetic(NATURES[:2], ["broadcast"], blocks=2, troubles=False)


@pytest.fixture
def folder(tmp_path, run):
    return write(tmp_path, *run)


def rewritten(path, change, to=None):
    """Write the JSON of a file again with a change."""
    facts = without_checksum(path)
    change(facts)
    (to or path).write_text(json.dumps(facts), encoding="utf-8")


@pytest.mark.parametrize(
    "name",
    [
        "0-broadcast-polling (conflicted copy).json",
        "0-broadcast-polling (1).json",
        "0-broadcast-polling.sync-conflict-20260102-030405-ABCDEFG.json",
        "0-broadcast-polling-copy.json",
        "0-broadcast-polling.json.bak",
        "0-broadcast-polling-retry-0.json",
        "0-broadcast-sse.json",
        "notes.txt",
        "desktop.ini\x1b[31m\n",
    ],
)
def test_a_file_that_no_planned_trial_has_is_ignored_and_named(folder, run, name, caplog):
    shutil.copy(folder / "trials" / "0-broadcast-polling.json", folder / "trials" / name)
    assert load(folder) == run
    (warning,) = caplog.messages
    assert warning.startswith(f"ignored in {folder / 'trials'}: {name!a}")
    assert warning.isprintable()


def test_a_folder_and_a_hundred_strays_are_one_warning(folder, run, caplog):
    (folder / "trials" / "a folder.json").mkdir()
    for number in range(100):
        (folder / "trials" / f"copy {number}").write_text("{}")
    assert load(folder) == run
    (warning,) = caplog.messages
    assert "and 98 more" in warning


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("id", "0-broadcast-long_polling", "planned.id is '0-broadcast-long_polling', in the plan '0-broadcast-poll"),
        ("scenario", "echo", "planned.scenario is 'echo', in the plan 'broadcast'"),
        ("variant", "sse", "planned.variant is 'sse', in the plan 'polling'"),
        ("block", 1, "planned.block is 1, in the plan 0"),
        ("position", 7, "planned.position is 7, in the plan 0"),
        ("seed", 9, "planned.seed is 9, in the plan 1"),
        ("changes", {"rate_hz": 40.0}, "planned.changes is {'rate_hz': 40.0}, in the plan {}"),
        ("retry_of", "0-broadcast-polling", "planned.retry_of is '0-broadcast-polling', in the plan ''"),
    ],
)
def test_a_record_that_contradicts_its_name_or_the_plan_is_refused_with_file_and_key(folder, key, value, words):
    path = folder / "trials" / "0-broadcast-polling.json"
    rewritten(path, lambda facts: facts["planned"].update({key: value}))
    with pytest.raises(ResultsError) as refusal:
        load(folder)
    assert str(path) in str(refusal.value)
    assert words in str(refusal.value)


def test_a_record_under_the_name_of_another_planned_trial_is_refused(folder):
    trials = folder / "trials"
    (trials / "0-broadcast-polling.json").rename(trials / "1-broadcast-polling.json")
    with pytest.raises(ResultsError, match=r"1-broadcast-polling\.json is not the record .* planned\.id"):
        load(folder)


def test_a_change_of_the_plan_is_a_parameter_of_the_record(tmp_path):
    run, trials = synthetic(NATURES[:1], ["broadcast"], blocks=1, troubles=False)
    folder = write(tmp_path, run, trials)
    path = folder / "trials" / "0-broadcast-polling.json"
    for file, plan in ((folder / "run.json", lambda facts: facts["plan"][0]), (path, lambda facts: facts["planned"])):
        rewritten(file, lambda facts, plan=plan: plan(facts).update(changes={"rate_hz": 40.0}))
    with pytest.raises(ResultsError, match=r"parameters\.rate_hz is 20\.0, in the plan 40\.0"):
        load(folder)


def test_every_retry_of_a_planned_trial_is_a_record(folder, run):
    first = run[1][0]
    again = [retries.retry(first.planned, number) for number in (1, retries.MOST_PER_TRIAL)]
    for planned in again:
        rewritten(
            folder / "trials" / f"{first.planned.id}.json",
            lambda facts, planned=planned: facts["planned"].update(id=planned.id, retry_of=planned.retry_of),
            folder / "trials" / f"{planned.id}.json",
        )
    assert [trial.planned for trial in load(folder)[1] if trial.planned.retry_of] == again


def test_a_retry_of_another_trial_is_refused(folder):
    trials = folder / "trials"
    rewritten(
        trials / "0-broadcast-polling.json",
        lambda facts: facts["planned"].update(id="1-broadcast-polling-retry-1", retry_of="1-broadcast-polling"),
        trials / "1-broadcast-polling-retry-1.json",
    )
    with pytest.raises(ResultsError, match=r"planned\.block is 0, in the plan 1"):
        load(folder)


def test_an_interrupted_run_has_the_records_that_it_has(folder, run):
    (folder / "trials" / "1-broadcast-polling.json").unlink()
    assert len(load(folder)[1]) == len(run[1]) - 1
    shutil.rmtree(folder / "trials")
    assert load(folder)[1] == []


def test_a_file_in_place_of_the_trials_folder_is_refused(folder):
    shutil.rmtree(folder / "trials")
    (folder / "trials").write_text("")
    with pytest.raises(ResultsError, match=r"cannot read .*trials"):
        load(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda plan: plan.append(plan[0]), r"plan\[4\]\.id: 0-broadcast-polling is planned twice"),
        (lambda plan: plan[1].update(retry_of=plan[0]["id"]), r"plan\[1\]\.retry_of"),
        (lambda plan: plan[1].update(scenario="eccho"), r"plan\[1\]\.scenario: 'eccho' is not among"),
        (lambda plan: plan[1].update(variant="ssse"), r"plan\[1\]\.variant: 'ssse' is not among"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(folder, change, words):
    rewritten(folder / "run.json", lambda facts: change(facts["plan"]))
    with pytest.raises(ResultsError, match=words):
        load(folder)


def huge(path):
    """A file of 65 MiB that takes no space."""
    path.touch()
    os.truncate(path, 65 << 20)


@pytest.mark.parametrize("name", ["run.json", "trials/0-broadcast-polling.json"])
@pytest.mark.parametrize(
    "put",
    [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero"), huge],
    ids=["fifo", "directory", "device", "huge"],
)
def test_only_regular_files_of_a_sane_size_are_read(folder, name, put):
    path = folder / name
    path.unlink()
    put(path)
    refusals = []

    def read():
        try:
            load(folder)
        except ResultsError as error:
            refusals.append(str(error))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(30)
    (refusal,) = refusals
    assert str(path) in refusal
    assert "not a record" in refusal


def test_a_copy_of_a_run_does_not_become_the_newest(tmp_path, run, capsys):
    for name, start in (("first", "2026-01-02T03:04:05Z"), ("last", "2026-01-02T03:04:05-01:00"), ("no time", "soon")):
        folder = write(tmp_path, *run, name=name)
        rewritten(folder / "run.json", lambda facts, start=start: facts.update(started_at=start))
    os.utime(tmp_path / "last" / "run.json", (0, 0))
    assert newest(tmp_path) == tmp_path / "last"
    assert begun_at(tmp_path / "last") > begun_at(tmp_path / "first")
    assert (
        capsys.readouterr().err == f"passed over: {tmp_path / 'no time' / 'run.json'}: started_at is no time: 'soon'\n"
    )
    for name in ("first", "last"):
        shutil.rmtree(tmp_path / name)
    with pytest.raises(ResultsError, match="started_at is no time"):
        newest(tmp_path)


def test_the_store_reads_the_head_by_itself(folder, run):
    assert Store(folder).trials() == run[1]
