"""What can be computed from a record is computed when it is read, and not believed."""

import base64
import json
import typing

import msgspec
import pytest

from bench.analysis.numbers.distributions import cdf
from bench.analysis.trials import stored
from bench.results import Distribution, Finding, Measurements, ResultsError, load
from tests._damage import without_checksum
from tests._natures import NATURES
from tests._synthetic import synthetic, write

TRIAL = "0-broadcast-sse"


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path, *synthetic(NATURES[2:3], ["broadcast", "echo", "idle"], blocks=1, troubles=False))


def changed(folder, change, name=f"trials/{TRIAL}.json"):
    """Change the JSON of a file of the run."""
    path = folder / name
    facts = without_checksum(path)
    change(facts)
    path.write_text(json.dumps(facts), encoding="utf-8")
    return path


def judged(folder):
    return next(trial for trial in stored.load(folder)[1] if trial.planned.id == TRIAL)


def disqualifying(trial):
    return {one.name: one.observation for one in trial.findings if one.disqualifying}


def test_an_unchanged_run_is_valid_and_has_the_same_facts(folder):
    run, trials = stored.load(folder)
    assert all(trial.valid for trial in trials)
    assert (run, [msgspec.structs.replace(trial, findings=[]) for trial in trials]) == load(folder)


@pytest.mark.parametrize(
    ("fact", "key", "finding", "words"),
    [
        ("ledger", "delivered", "record contradicts itself", "5,001 delivered and 0 lost are not 5,000 expected"),
        ("ledger", "expected", "record contradicts itself", "5,000 delivered and 0 lost are not 5,001 expected"),
        ("ledger", "lost", "record contradicts itself", "5,000 delivered and 1 lost are not 5,000 expected"),
        ("ledger", "signalled", "record contradicts itself", "1 signalled of 0 lost"),
        ("ledger", "duplicated", "ledger and recount disagree", "duplicated: ledger 1, recount 0"),
        ("ledger", "reordered", "ledger and recount disagree", "reordered: ledger 1, recount 0"),
        ("ledger", "corrupted", "corrupted messages", "1 corrupted"),
        ("recount", "lost", "ledger and recount disagree", "lost: ledger 0, recount 1"),
        ("recount", "signalled", "ledger and recount disagree", "signalled: ledger 0, recount 1"),
        ("latency", "negative", "record contradicts itself", "5,001 latencies of 5,000 delivered"),
    ],
)
def test_one_count_that_was_changed_makes_the_trial_invalid_with_the_reason(folder, fact, key, finding, words):
    changed(folder, lambda facts: facts[fact].update({key: facts[fact][key] + 1}))
    trial = judged(folder)
    assert not trial.valid
    assert words in disqualifying(trial)[finding]


@pytest.mark.parametrize("fact", ["ledger", "recount", "latency"])
def test_a_trial_without_its_ledger_or_latency_is_not_valid(folder, fact):
    changed(folder, lambda facts: facts.pop(fact))
    assert disqualifying(judged(folder))["incomplete record"] == f"without {fact}"


def test_a_trial_of_idle_steps_without_steps_is_not_valid(folder):
    changed(folder, lambda facts: facts.pop("idle"), "trials/0-idle-sse.json")
    assert [trial.planned.scenario for trial in stored.load(folder)[1] if not trial.valid] == ["idle"]


def test_findings_that_were_removed_are_made_again(folder):
    changed(folder, lambda facts: facts["ledger"].update(errors={"refused": 2}))
    changed(folder, lambda facts: facts.pop("findings"))
    assert disqualifying(judged(folder)) == {"errors": "2 errors: 2 x refused"}


def test_a_finding_of_a_version_with_other_checks_is_kept(folder):
    old = Finding(name="a check of an older version", disqualifying=True, observation="7 of 9", remedy="")
    changed(folder, lambda facts: facts.update(findings=[msgspec.to_builtins(old)]))
    assert judged(folder).findings[-1:] == [old]
    assert not judged(folder).valid


@pytest.mark.parametrize("as_stored", [True, False])
def test_a_finding_of_today_is_in_the_words_of_today_and_as_severe_as_either(folder, as_stored):
    stored_one = Finding(name="errors", disqualifying=as_stored, observation="none", remedy="")
    changed(folder, lambda facts: facts["ledger"].update(errors={"refused": 2}))
    changed(folder, lambda facts: facts.update(findings=[msgspec.to_builtins(stored_one)]))
    assert disqualifying(judged(folder)) == {"errors": "2 errors: 2 x refused"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda latency: latency.update(count=latency["count"] + 1), "values, count is"),
        (lambda latency: latency.update(max_ns=latency["max_ns"] * 2), "is not in the last slot"),
        (lambda latency: latency.update(min_ns=latency["min_ns"] // 2), "is not in the first slot"),
        (lambda latency: latency.update(sum_ns=latency["sum_ns"] * 101 // 100), "sum_ns"),
        (lambda latency: latency.update(histogram=""), "not a histogram"),
        (lambda latency: latency.update(histogram="h\xe4"), "not a histogram"),
        (lambda latency: latency.update(histogram=latency["histogram"][:-8]), "not a"),
    ],
)
def test_a_damaged_distribution_is_an_error_that_names_file_and_key(folder, change, words):
    path = changed(folder, lambda facts: change(facts["latency"]))
    with pytest.raises(ResultsError) as refusal:
        stored.load(folder)
    assert f"{path}: latency: " in str(refusal.value)
    assert words in str(refusal.value)


def test_one_bit_of_a_histogram_is_enough(folder):
    path = folder / "trials" / f"{TRIAL}.json"
    before = path.read_bytes()
    whole, errors = [part.tolist() for part in cdf(judged(folder).slip)], []
    bits = 8 * len(base64.b64decode(json.loads(before)["slip"]["histogram"]))
    for bit in range(0, bits, 7):

        def flipped(facts, bit=bit):
            raw = bytearray(base64.b64decode(facts["slip"]["histogram"]))
            raw[bit // 8] ^= 1 << bit % 8
            facts["slip"]["histogram"] = base64.b64encode(raw).decode()

        changed(folder, flipped)
        try:
            slip = judged(folder).slip
        except ResultsError as error:
            errors.append(str(error))
        else:  # a bit that has no meaning: of the width of the words, or after the end of the compressed text
            assert [part.tolist() for part in cdf(slip)] == whole
        path.write_bytes(before)
    assert len(errors) > bits / 7 * 0.9
    assert all(error.startswith(f"{path}: slip: ") for error in errors)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "parameters.subscribers is not what run.json and the plan say"),
        ({"subscribers": 10**9}, "parameters.subscribers"),
        ({"rate_hz": ""}, "parameters.rate_hz"),
        ({"surprise": 1}, "parameters.surprise"),
    ],
)
def test_parameters_that_the_plan_does_not_give_are_an_error_that_names_file_and_key(folder, parameters, words):
    path = changed(
        folder, lambda facts: facts.update(parameters={**facts["parameters"], **parameters} if parameters else {})
    )
    with pytest.raises(ResultsError) as refusal:
        stored.load(folder)
    assert str(path) in str(refusal.value)
    assert words in str(refusal.value)


@pytest.mark.parametrize(("name", "value"), [("rate_hz", -5.0), ("rate_hz", "fast"), ("subscribers", 0)])
def test_an_absurd_parameter_of_a_scenario_is_an_error_that_names_file_and_key(folder, name, value):
    path = changed(folder, lambda facts: facts["scenarios"][0]["parameters"].update({name: value}), "run.json")
    with pytest.raises(ResultsError, match=rf"scenario broadcast: parameters\.{name}: {name} takes ") as refusal:
        stored.load(folder)
    assert str(path) in str(refusal.value)


def test_every_distribution_of_a_record_is_checked():
    def keys(kind, before=""):
        for name, hint in typing.get_type_hints(kind).items():
            for part in (hint, *typing.get_args(hint)):
                if part is Distribution:
                    yield f"{before}{name}"
                elif isinstance(part, type) and issubclass(part, msgspec.Struct):
                    yield from keys(part, f"{before}{name}.")

    assert set(keys(Measurements)) == set(stored.DISTRIBUTIONS)
