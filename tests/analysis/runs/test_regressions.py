"""What two runs show of each other, cell by cell, and whether they may be compared at all."""

import msgspec
import pytest

from bench.analysis.runs.cells import HARNESS
from bench.analysis.runs.comparability import hindrances, news
from bench.analysis.runs.regressions import Shown, compare_runs
from tests._natures import NATURES
from tests._runs import Made, flat
from tests._synthetic import synthetic

NAMES = ("polling", "sse", "websocket", "ndjson", HARNESS)


def made(factors=None, metric="cpu", blocks=5, names=NAMES, point=""):
    """Cells of 1, 2, 3, ... µs, each times its factor."""
    factors = factors or {}
    return Made({
        (metric, "broadcast", name, point): flat((n + 1) * 1e6 * factors.get(name, 1.0), blocks)
        for n, name in enumerate(names)
    })  # fmt: skip


def shown(old, new, **asked):
    return {one.spot.variant.name: one.shown for one in compare_runs(old, new, **asked).found}


def test_a_variant_that_costs_more_is_a_regression_and_one_that_costs_less_an_improvement():
    seen = shown(made(), made({"sse": 1.3, "polling": 0.7}))
    assert seen == {
        "polling": Shown.IMPROVEMENT, "sse": Shown.REGRESSION, "websocket": Shown.NONE, "ndjson": Shown.NONE,
    }  # fmt: skip


def test_what_moves_with_the_machine_is_no_regression_and_is_told():
    slower = dict.fromkeys(NAMES, 1.4)
    seen = compare_runs(made(), made(slower))
    assert {one.shown for one in seen.found} == {Shown.NONE}
    (drift,) = seen.drifts
    assert drift.middle == pytest.approx(1.4, rel=0.01)
    assert drift.harness.delta == pytest.approx(0.3365, abs=0.02)
    assert not drift.apart


def test_on_a_slower_machine_a_variant_is_judged_beside_the_others():
    slower = dict.fromkeys(NAMES, 1.4)
    assert shown(made(), made({**slower, "sse": 1.4 * 1.3}))["sse"] is Shown.REGRESSION
    assert shown(made(), made({**slower, "sse": 1.0}))["sse"] is Shown.IMPROVEMENT


def test_within_a_part_of_what_the_machine_did_to_all_nothing_is_held_against_a_variant():
    slower = dict.fromkeys(NAMES, 1.8)
    assert shown(made(), made({**slower, "sse": 1.8 * 1.2}))["sse"] is Shown.NONE
    assert shown(made(), made({**slower, "sse": 1.8 * 1.4}))["sse"] is Shown.REGRESSION


def test_variants_that_all_cost_more_while_the_harness_does_not_are_told_apart_from_the_machine():
    seen = compare_runs(made(), made({name: 1.3 for name in NAMES if name != HARNESS}))
    assert {one.shown for one in seen.found} == {Shown.NONE}
    assert seen.drifts[0].apart


def test_what_is_counted_is_judged_by_itself():
    more = dict.fromkeys(NAMES, 1.1)
    seen = shown(made(metric="wire"), made(more, metric="wire"))
    assert set(seen.values()) == {Shown.REGRESSION}
    assert compare_runs(made(metric="wire"), made(more, metric="wire")).drifts == ()


def test_within_the_noise_floor_of_either_run_nothing_is_a_change():
    calm, shaken = made(), made({"sse": 1.3})
    shaken.twins["cpu", "broadcast"] = {block: [(1.0, 1.4)] for block in range(5)}
    assert shown(calm, shaken)["sse"] is Shown.NONE
    assert shown(shaken, calm)["sse"] is Shown.NONE


def test_the_noise_of_another_variants_twin_does_not_hide_what_a_calm_one_shows():
    """`polling`, which was run twice, scatters eight times as widely as the others."""

    def run(factor):
        one = made({"sse": factor})
        wild = one.values["cpu", "broadcast", "polling", ""] = flat(1e6, wobble=0.08)
        one.twins["cpu", "broadcast"] = {block: [(value, value * 1.4)] for block, value in wild.items()}
        return one

    old, new = run(1.0), run(1.2)
    assert shown(old, new)["sse"] is Shown.NONE
    old.twin["broadcast"] = new.twin["broadcast"] = "polling"
    assert shown(old, new)["sse"] is Shown.REGRESSION


def test_what_may_be_zero_is_compared_by_difference():
    def requests(value):
        run = made(metric="requests")
        run.values["requests", "broadcast", "sse", ""] = dict(enumerate([value, value, value + 1e-6]))
        return run

    (one,) = (one for one in compare_runs(requests(0.0), requests(0.5)).found if one.spot.variant.name == "sse")
    assert (one.ratios, one.shown) == (False, Shown.REGRESSION)
    assert one.change.delta == pytest.approx(0.5)
    assert shown(requests(0.0), requests(0.005))["sse"] is Shown.NONE


def test_two_trials_are_too_few_and_one_other_variant_too_few_witnesses():
    assert set(shown(made(blocks=2), made({"sse": 2.0})).values()) == {Shown.TOO_FEW}
    pair = ("sse", "websocket")
    assert set(shown(made(names=pair), made({"sse": 2.0}, names=pair)).values()) == {Shown.NO_WITNESS}
    assert (
        shown(made(names=pair, metric="wire"), made({"sse": 2.0}, names=pair, metric="wire"))["sse"] is Shown.REGRESSION
    )


def test_points_of_sweeps_are_compared_where_both_runs_have_them():
    old, new = made(), made()
    for run, factors in ((old, {}), (new, {"sse": 1.5})):
        run.values |= made(factors, names=NAMES[:4], point="rate_hz=40").values
    old.values |= made(names=NAMES[:4], point="rate_hz=80").values
    regressed = compare_runs(old, new).of(Shown.REGRESSION)
    assert [(one.spot.point, one.spot.variant.name) for one in regressed] == [("rate_hz=40", "sse")]


def test_other_metrics_than_the_headline_ones_are_judged_when_asked_for():
    old, new = made(metric="server_cpu"), made({"sse": 1.5}, metric="server_cpu")
    assert set(shown(old, new).values()) == {Shown.NOT_JUDGED}
    assert shown(old, new, metrics=["server_cpu"])["sse"] is Shown.REGRESSION


def test_a_choice_of_variants_leaves_the_others_as_witnesses():
    assert shown(made(), made({"sse": 1.5}), variants=["sse"]) == {"sse": Shown.REGRESSION}
    assert shown(made(), made({"sse": 1.5}), metrics=["wire"]) == {}


def test_a_variant_of_one_run_only_is_compared_with_nothing():
    assert "ndjson" not in shown(made(), made(names=("polling", "sse", "websocket", HARNESS)))


def run(**changes):
    head = synthetic(NATURES[:2], ["broadcast"], troubles=False)[0]
    environment = {key: changes.pop(key) for key in list(changes) if hasattr(head.environment, key)}
    environment = msgspec.structs.replace(head.environment, **environment)
    return msgspec.structs.replace(head, environment=environment, **changes)


FACTS = run().environment.facts


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"facts": {**FACTS, "cpu": "Other CPU"}}, "cpu: Example CPU -> Other CPU"),
        ({"facts": {**FACTS, "kernel": "6.19"}}, "kernel: 6.18 -> 6.19"),
        ({"facts": {**FACTS, "python": "3.13.1"}}, "python: 3.12 -> 3.13"),
        ({"workers": 2}, "workers: 1 -> 2"),
        ({"load_cores": [1, 2]}, "load cores: 1 -> 1 2"),
        ({"server_cores": []}, "server cores: 0 -> not pinned"),
    ],
)
def test_other_conditions_are_hindrances(changes, said):
    assert hindrances(run(), run(**changes)) == [said]


def test_another_parameter_of_a_scenario_is_a_hindrance():
    other = run()
    parameters = {**other.scenarios[0].parameters, "payload_bytes": 1024}
    scenarios = [msgspec.structs.replace(other.scenarios[0], parameters=parameters)]
    assert hindrances(run(), run(scenarios=scenarios)) == ["broadcast.payload_bytes: 128 -> 1024"]


@pytest.mark.parametrize(
    "changes",
    [
        {"commit": "f" * 40, "dirty": False},
        {"versions": {"flask": "4.0"}},
        {"facts": {**FACTS, "python": "3.12.9", "load average before": "9.00"}},
        {"repetitions": 5},
    ],
)
def test_another_commit_version_or_length_is_no_hindrance(changes):
    assert hindrances(run(), run(**changes)) == []


def test_what_changed_begins_with_the_commit_and_names_versions_and_options():
    other = run(commit="f" * 40, dirty=False, versions={"flask": "4.0", "gevent": "26.9.0"})
    options = [msgspec.structs.replace(other.variants[0], options={"ping": "off"}), *other.variants[1:]]
    told = news(run(), msgspec.structs.replace(other, variants=options))
    assert told[0] == ("commit", "0123456789 with uncommitted changes", "ffffffffff")
    assert ("flask", "3.1.3", "4.0") in told
    assert ("locust", "2.47.0", "none") in told
    assert ("polling: ping", "none", "off") in told
    assert news(run(), run()) == []


def test_a_run_from_before_there_were_paths_went_over_the_direct_one():
    def over(path):
        held = run().scenarios
        return run(
            scenarios=[msgspec.structs.replace(one, parameters={**one.parameters, "path": path}) for one in held]
        )

    assert hindrances(run(), over("direct")) == []
    assert "broadcast.path: direct -> far" in hindrances(run(), over("far"))
