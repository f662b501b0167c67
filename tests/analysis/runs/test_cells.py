"""The cells of a run, and the rankings computed from them."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from scipy import stats

from bench.analysis.numbers.statistics import ASSUMED_FLOOR, Verdict
from bench.analysis.runs.cells import HARNESS, Cells
from bench.analysis.runs.technique_ranking import ranking
from bench.analysis.trials.metrics import METRICS
from bench.analysis.trials.rate_search import RESOLUTION
from bench.results import Failure
from tests._natures import NATURES
from tests._synthetic import synthetic
from tests._workloads import worked


@pytest.fixture(scope="module")
def cells() -> Cells:
    return Cells(*synthetic())


LATENCY = ("latency_p50", "broadcast")
CPU = ("cpu", "broadcast")


def test_failed_and_invalid_trials_are_part_of_no_value(cells: Cells) -> None:
    assert len(cells.valid("broadcast", "flask_sse")) == 2
    assert len(cells.valid("idle", "flask_socketio")) == 2
    assert len(cells.valid("broadcast", "sse")) == 3
    assert cells.valid("broadcast", "mercure") == []


def test_an_estimate_is_the_median_of_the_metric_over_valid_trials(cells: Cells) -> None:
    values = [METRICS["cpu"].of(trial) for trial in cells.valid("broadcast", "sse")]
    estimate = cells.estimate("cpu", "broadcast", "sse")
    assert estimate is not None
    assert estimate.median == np.median(values)
    assert cells.estimate("cpu", "idle", "sse") is None


def test_a_comparison_is_paired_by_block(cells: Cells) -> None:
    ours, theirs = (dict(cells.values("cpu", "broadcast", name)) for name in ("sse", "websocket"))
    comparison = cells.compare("cpu", "broadcast", "sse", "websocket")
    assert comparison.ratio is not None
    assert comparison.ratio.median == pytest.approx(np.median([ours[block] / theirs[block] for block in ours]))
    assert comparison.verdict is Verdict.HIGHER


def test_zeros_are_compared_by_difference(cells: Cells) -> None:
    comparison = cells.compare("requests", "broadcast", "polling", "websocket")
    assert comparison.ratio is None
    assert comparison.verdict is Verdict.HIGHER
    assert cells.compare("requests", "broadcast", "sse", "websocket").verdict is Verdict.NONE_SHOWN


def test_without_twins_the_noise_floor_is_assumed_and_reported_as_such(cells: Cells) -> None:
    floor = cells.floor("cpu", "broadcast")
    assert (floor.ratio, floor.measured) == (ASSUMED_FLOOR, False)


def test_twins_of_a_block_measure_the_noise_floor() -> None:
    cells = Cells(*synthetic(scenarios=["broadcast"], troubles=False, twins=True))
    name = NATURES[-1].name
    blocks: dict[int, list[float]] = {}
    for block, value in cells.values("cpu", "broadcast", name):
        blocks.setdefault(block, []).append(value)
    floor = cells.floor("cpu", "broadcast")
    assert floor.measured
    logs = np.log([one / other for one, other in blocks.values()])
    bound = stats.t.ppf(0.975, len(logs)) * np.sqrt(np.mean(logs**2) / len(logs))
    assert floor.ratio == pytest.approx(np.exp(bound))
    assert (floor.pairs, floor.blocks) == (3, 3)


def test_the_floor_of_a_scenario_without_twins_is_at_least_as_wide_as_those_of_others() -> None:
    run, trials = synthetic(troubles=False, twins=True)
    _, echoes = synthetic(scenarios=["echo"], troubles=False, twins=True, seed=2)
    twinned = [trial for trial in trials if trial.planned.scenario != "echo"] + echoes
    for all_trials, sources in ((trials, ["broadcast"]), (twinned, ["broadcast", "echo"])):
        cells = Cells(run, all_trials)
        floors = [cells.floor("cpu", name) for name in sources]
        assert len({own.ratio for own in floors}) == len(floors)
        assert all(own.measured for own in floors)
        assumed = cells.floor("cpu", "idle")
        assert not assumed.measured
        assert assumed.ratio == max(ASSUMED_FLOOR, *(own.ratio for own in floors)) > ASSUMED_FLOOR
        assert assumed.difference == max(own.difference for own in floors)


def test_quiet_twins_of_other_scenarios_do_not_narrow_an_assumed_floor() -> None:
    cells = Cells(*synthetic(troubles=False, twins=True))
    assert cells.floor("wire", "broadcast").ratio < ASSUMED_FLOOR
    assert cells.floor("wire", "echo").ratio == ASSUMED_FLOOR


def test_a_twin_counts_for_the_floor_and_not_for_its_cell() -> None:
    run, trials = synthetic(scenarios=["broadcast"], troubles=False, twins=True)
    name = NATURES[-1].name
    single = [trial for trial in trials if not trial.planned.id.endswith("-twin")]
    with_twins, without = (Cells(run, some).estimate("cpu", "broadcast", name) for some in (trials, single))
    assert with_twins is not None
    assert with_twins == without
    assert len(with_twins.values) == 3


def test_a_twin_replaces_an_invalid_first_trial() -> None:
    run, trials = synthetic(scenarios=["broadcast"], troubles=False, twins=True)
    name = NATURES[-1].name
    lost = f"1-broadcast-{name}"
    failure = Failure(phase="connect", error="")
    cells = Cells(
        run,
        [msgspec.structs.replace(trial, failure=failure) if trial.planned.id == lost else trial for trial in trials],
    )
    estimate = cells.estimate("cpu", "broadcast", name)
    assert estimate is not None
    assert len(estimate.values) == 3
    twin = next(trial for trial in trials if trial.planned.id == f"{lost}-twin")
    assert estimate.values[1] == METRICS["cpu"].of(twin)
    assert cells.floor("cpu", "broadcast").pairs == 2


def test_twins_are_compared_with_themselves() -> None:
    cells = Cells(*synthetic(scenarios=["broadcast"], troubles=False, twins=True))
    (comparison,) = cells.twins("cpu", "broadcast")
    assert comparison.variant is comparison.reference
    assert comparison.variant.name == NATURES[-1].name
    assert comparison.verdict is Verdict.NONE_SHOWN
    assert comparison.ratio is not None
    assert len(comparison.ratio.values) == 3
    assert cells.twins("connection_memory", "broadcast") == []


def test_the_harness_has_a_cell_and_is_in_no_comparison() -> None:
    cells = Cells(*synthetic(harness=True))
    assert len(cells.harness("broadcast")) == 3
    assert cells.harness("idle") == []
    assert cells.estimate("latency_p50", "broadcast", HARNESS) is not None
    assert HARNESS not in {variant.name for variant in (*cells.measured("broadcast"), *cells.shown)}
    assert HARNESS not in {trial.planned.variant for trial in cells.compared}
    assert HARNESS not in {entry.variant.name for entry in ranking(cells, *LATENCY).entries}
    assert Cells(*synthetic()).harness("broadcast") == []


def test_a_ranking_is_the_same_with_the_harness_and_without() -> None:
    run, trials = synthetic(harness=True)
    bare = msgspec.structs.replace(run, variants=[variant for variant in run.variants if not variant.hidden])
    without = Cells(bare, [trial for trial in trials if trial.planned.variant != HARNESS])
    for place in (LATENCY, CPU):
        assert ranking(Cells(run, trials), *place) == ranking(without, *place)


def test_the_best_leads_with_all_that_do_not_differ_from_it(cells: Cells) -> None:
    assert ranking(cells, *LATENCY).leaders == {"sse", "websocket"}


def test_the_only_best_stands_alone(cells: Cells) -> None:
    assert ranking(cells, *CPU).leaders == {"websocket"}


def test_websocket_can_lose() -> None:
    expensive = [replace(nature, cpu_us=90.0) if nature.name == "websocket" else nature for nature in NATURES]
    assert ranking(Cells(*synthetic(expensive, troubles=False)), *CPU).leaders == {"sse"}


def test_products_are_never_ranked_with_techniques(cells: Cells) -> None:
    assert not [entry for entry in ranking(cells, *CPU).entries if entry.variant.product]


@pytest.mark.parametrize("blocks", [1, 2])
def test_with_too_few_blocks_the_ranking_is_undecided(blocks: int) -> None:
    ranked = ranking(Cells(*synthetic(blocks=blocks, troubles=False)), *CPU)
    assert not ranked.decided
    assert ranked.leaders == set()


def test_one_technique_alone_is_not_ranked() -> None:
    ranked = ranking(Cells(*synthetic(NATURES[2:3], troubles=False)), *CPU)
    assert len(ranked.entries) == 1
    assert ranked.leaders == set()


def test_without_any_shown_difference_there_are_no_leaders() -> None:
    alike = [replace(nature, cpu_us=20.0) for nature in NATURES[2:4]]
    ranked = ranking(Cells(*synthetic(alike, troubles=False)), *CPU)
    assert ranked.decided
    assert (len(ranked.tied), ranked.leaders) == (2, set())


def test_a_ranking_without_values_has_no_entries() -> None:
    assert ranking(Cells(*synthetic(scenarios=["idle"], troubles=False)), *CPU).entries == ()


def with_points(rate_hz: float) -> Cells:
    """The synthetic run with a copy of every SSE trial of the broadcast at another rate, with half its deliveries."""
    run, trials = synthetic(scenarios=["broadcast"], troubles=False)
    points = []
    for trial in trials:
        if trial.planned.variant == "sse":
            planned = msgspec.structs.replace(
                trial.planned, id=f"{trial.planned.id}-rate_hz-{rate_hz:g}", changes={"rate_hz": rate_hz}
            )
            assert trial.usage
            usage = msgspec.structs.replace(trial.usage, deliveries=trial.usage.deliveries // 2)
            parameters = {**trial.parameters, "rate_hz": rate_hz}
            points.append(msgspec.structs.replace(trial, planned=planned, parameters=parameters, usage=usage))
    return Cells(msgspec.structs.replace(run, plan=[trial.planned for trial in [*trials, *points]]), [*trials, *points])


def test_points_of_a_sweep_do_not_count_for_their_cell() -> None:
    cells = with_points(40.0)
    without = Cells(*synthetic(scenarios=["broadcast"], troubles=False))
    assert cells.estimate("cpu", "broadcast", "sse") == without.estimate("cpu", "broadcast", "sse")
    assert [trial.planned.id for trial in cells.compared] == [trial.planned.id for trial in without.compared]
    assert len(cells.shown_trials) == len(without.shown_trials) + 3
    assert (without.swept, cells.swept) == ([], [("broadcast", "rate_hz")])


@pytest.mark.parametrize("rate_hz", [5.0, 40.0])
def test_a_metric_along_a_swept_parameter_includes_the_cell(rate_hz: float) -> None:
    cells = with_points(rate_hz)
    estimates = dict(cells.along("cpu", "broadcast", "sse", "rate_hz"))
    own = cells.estimate("cpu", "broadcast", "sse")
    assert own
    assert list(estimates) == sorted([20.0, rate_hz])
    assert estimates[20.0].median == own.median
    assert estimates[rate_hz].median == pytest.approx(2 * own.median)
    assert cells.along("cpu", "broadcast", "websocket", "rate_hz") != []
    assert cells.along("cpu", "broadcast", "sse", "no_such_parameter") == []


def test_the_noise_floor_of_a_search_is_never_finer_than_its_steps() -> None:
    cells = Cells(*worked(*synthetic(NATURES[2:4], ["broadcast"], troubles=False), NATURES[2:4], ["capacity"]))
    assert cells.floor("capacity", "capacity").ratio == RESOLUTION
    assert cells.floor("cpu", "broadcast").ratio == ASSUMED_FLOOR
