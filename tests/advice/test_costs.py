"""Costs fitted to made-up runs whose truth is known, and the check that leaves measured loads out."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from bench import scenarios
from bench.advice import loads, reliability
from bench.advice.costs import CPU_FEATURES, SWEEPS, Costs, batched, command, fit
from bench.advice.held_out import Miss
from bench.advice.loads import load_of, share
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.delivery_mechanism import Mechanism
from bench.planning.plan import PROFILES
from bench.planning.request import Request, settle
from bench.results import Failure
from tests._natures import NATURES
from tests._priced import BASE, COOLING_S, PRICES, cells, priced, truth
from tests._synthetic import synthetic
from tests._trials import over_broker


@pytest.fixture(scope="module")
def fitted() -> Costs:
    return fit(cells())


@pytest.mark.parametrize("place", range(len(PRICES)), ids=[one.name for one in PRICES])
def test_a_truth_that_is_a_sum_of_costs_is_predicted_where_it_was_not_measured(fitted: Costs, place: int) -> None:
    prices, model = PRICES[place], fitted.models[place]
    for scenario, subscribers, rate, size in (
        ("broadcast", 200, 10.0, 500), ("broadcast", 1000, 2.0, 4000), ("echo", 100, 4.0, 100),
    ):  # fmt: skip
        parameters = {**BASE[scenario], "subscribers": subscribers, "rate_hz": rate, "payload_bytes": size}
        echo = scenario == "echo"
        cores, overhead, deliveries, requests = truth(prices, scenario, parameters)
        load = load_of(
            model.mechanism, subscribers, rate, size, 1 if echo else subscribers, rate if echo else 0.0,
            float(parameters["poll_interval_s"]),
        )  # fmt: skip
        payload = (deliveries + load.upstream) * size
        assert model.cores(load) == pytest.approx(cores, rel=0.01)
        assert model.wire_bytes(load) == pytest.approx(overhead + payload, rel=0.001)
        assert load.requests + load.upstream * (model.posts or 0.0) == pytest.approx(requests, rel=0.001)


def test_the_costs_of_the_truth_are_read_back(fitted: Costs) -> None:
    assert fitted.cooling_s == COOLING_S
    for prices, model in zip(PRICES, fitted.models, strict=True):
        found = dict(zip((feature.name for feature in CPU_FEATURES), model.cpu, strict=True))
        asked = (
            prices.request_s if model.mechanism is Mechanism.LONG_POLL else 0.0
        )  # one answer per delivery: only their sum shows
        assert model.delivery_s(0.0) == pytest.approx(prices.delivery_s + asked, rel=0.02)
        assert found["delivered_bytes"] == pytest.approx(prices.byte_s, rel=0.02)
        assert found["connections"] == pytest.approx(
            0.0 if model.mechanism is Mechanism.POLL else prices.connection_s, rel=0.05
        )
        assert model.memory is not None
        assert model.memory.subscriber_bytes == pytest.approx(prices.each_bytes, rel=0.001)
        assert model.memory.base_bytes == pytest.approx(prices.base_bytes, rel=0.001)


def test_what_is_left_out_of_a_fit_to_the_truth_is_predicted_exactly(fitted: Costs) -> None:
    assert fitted.held_out.median("cpu") == pytest.approx(0.0, abs=0.002)
    assert fitted.held_out.median("wire") == pytest.approx(0.0, abs=0.002)
    measured = 8 + 2 + 2  # per variant: the sweeps of the broadcast, those of the echo, and the two cells
    assert len(fitted.held_out.of("cpu")) == measured * len(PRICES) + 4
    assert len(fitted.held_out.of("cpu", "polling")) == measured + 4


def test_a_broker_that_is_not_measured_costs_not_zero_but_gives_no_point() -> None:
    run, trials = priced()
    unmeasured = Cells(run, [over_broker(one) if one.planned.variant == "sse" else one for one in trials])
    (sse,) = (facts for facts in run.variants if facts.name == "sse")
    assert loads.points(Cells(run, trials), sse)
    assert loads.points(unmeasured, sse) == []
    assert loads.memory(unmeasured, sse) is None
    costs = fit(unmeasured)
    assert [facts.name for facts in costs.unmeasured] == ["sse"]
    assert costs.lacking == ()
    assert "SSE: the process of the broker is not known" in reliability.lacking(costs)
    assert reliability.lacking(fit(Cells(run, trials))) == ""


def test_noise_is_found_as_prediction_error() -> None:
    error = fit(cells(noise=0.1)).held_out.median("cpu")
    assert error is not None
    assert 0.03 < error < 0.2


def test_the_machine_says_how_many_files_a_process_may_open() -> None:
    run, trials = priced(PRICES[2:4])
    for said, expected in (("20000", 20_000), ("unlimited", None), ("", None)):
        environment = msgspec.structs.replace(run.environment, facts={"open files limit": said})
        found = fit(Cells(msgspec.structs.replace(run, environment=environment), trials))
        assert found.open_files == expected
    bare = msgspec.structs.replace(run.environment, facts={})
    assert fit(Cells(msgspec.structs.replace(run, environment=bare), trials)).open_files is None


def test_trials_of_a_saturated_server_are_counted_among_those_fitted_to() -> None:
    run, trials = priced(PRICES[2:4])
    assert fit(Cells(run, trials)).saturated == 0
    busy = [
        msgspec.structs.replace(trial, usage=msgspec.structs.replace(
            trial.usage, server=msgspec.structs.replace(trial.usage.server, cpu_ns=trial.usage.window_ns)))
        if trial.usage and trial.planned.variant == "sse" and trial.planned.scenario == "echo" else trial
        for trial in trials
    ]  # fmt: skip
    assert fit(Cells(run, busy)).saturated == 3


def test_a_load_is_predicted_without_itself() -> None:
    """One cell is measured at three times its cost: what is predicted for it knows nothing of that."""
    run, trials = priced(PRICES[2:4])
    honest = fit(Cells(run, trials)).held_out
    spoilt = [
        msgspec.structs.replace(
            trial,
            usage=msgspec.structs.replace(
                trial.usage, server=msgspec.structs.replace(trial.usage.server, cpu_ns=3 * trial.usage.server.cpu_ns)
            ),
        )
        if trial.usage and trial.planned.variant == "sse" and trial.planned.changes == {"subscribers": 300}
        else trial
        for trial in trials
    ]
    found = fit(Cells(run, spoilt)).held_out.of("cpu", "sse")
    miss = next(one for one in found if one.where == "broadcast, subscribers 300")
    same = next(one for one in honest.of("cpu", "sse") if one.where == miss.where)
    assert miss.measured == pytest.approx(3 * same.measured)
    assert miss.predicted == pytest.approx(same.predicted, rel=0.1)
    assert found[0] is miss or found[0].error >= miss.error


def test_all_trials_of_a_load_are_left_out_together() -> None:
    held = fit(cells(PRICES[2:4], blocks=3)).held_out.of("cpu", "sse")
    assert len(held) == len({miss.where for miss in held}) == 12


def test_invalid_trials_enter_no_fit() -> None:
    run, trials = priced(PRICES[2:4], blocks=2)
    failed = [
        msgspec.structs.replace(trial, failure=Failure(phase="measure", error=""), usage=msgspec.structs.replace(
            trial.usage, server=msgspec.structs.replace(trial.usage.server, cpu_ns=1)))
        if trial.usage and trial.planned.block == 2 else trial for trial in trials
    ]  # fmt: skip
    found, expected = fit(Cells(run, failed)), fit(Cells(run, [one for one in failed if one.valid]))
    assert [model.cpu for model in found.models] == [model.cpu for model in expected.models]


def test_a_run_without_sweeps_names_the_command_that_measures_them() -> None:
    found = fit(Cells(*synthetic(troubles=False)))
    assert found.models == ()
    assert {variant.name for variant, _ in found.lacking} == {nature.name for nature in NATURES}
    assert found.held_out.median("cpu") is None
    for words in (
        "python -m bench run",
        "--sweep broadcast.subscribers=10,30,300",
        "--sweep broadcast.poll_interval_s=",
    ):
        assert words in found.command


def test_only_polling_lacks_a_sweep_of_the_poll_interval() -> None:
    swept = [("broadcast", "subscribers", 30), ("broadcast", "rate_hz", 5.0), ("broadcast", "payload_bytes", 1000)]
    found = fit(cells(swept=swept))
    assert [(variant.name, lack) for variant, lack in found.lacking] == [
        ("polling", (("broadcast", "poll_interval_s"),))
    ]
    assert "polling" not in {model.variant.name for model in found.models}


def test_the_command_can_be_typed_and_is_what_the_scenarios_declare() -> None:
    words = command(list(SWEEPS)).split()
    sweeps = tuple(words[place + 1] for place, word in enumerate(words) if word == "--sweep")
    settled = settle(Request(sweeps=sweeps))
    full = settle(Request(profile=next(name for name, profile in PROFILES.items() if profile.sweeps)))
    assert {name: sorted(held) for name, held in settled.swept.items()} == {
        name: sorted(full.swept[name]) for name in settled.swept
    }
    assert set(SWEEPS) == {(name, key) for name in BASE for key, one in scenarios.load(name).known.items() if one.sweep}


def test_upstream_is_known_only_where_there_was_an_echo() -> None:
    found = fit(cells(without=["echo"]))
    assert [model.posts for model in found.models] == [None] * len(PRICES)
    assert [model.posts for model in fit(cells()).models] == [one.posts for one in PRICES]
    assert all(model.memory is None for model in fit(cells(without=["idle"])).models)


def test_long_polling_beyond_its_core_answers_less_often_with_more() -> None:
    prices = {"deliveries": 1e-5, "requests": 2e-4}
    cpu = [prices.get(feature.name, 0.0) for feature in CPU_FEATURES]
    load = load_of(Mechanism.LONG_POLL, 1000, 20.0, 100, 1000)
    met = batched(load, cpu, COOLING_S)
    assert met.requests == pytest.approx((1.0 - 20_000 * 1e-5) / 2e-4)
    assert replace(met, requests=load.requests) == load
    small = load_of(Mechanism.LONG_POLL, 10, 1.0, 100, 10)
    assert batched(small, cpu, COOLING_S) == small


def test_waits_end_with_a_message_or_with_their_time() -> None:
    often, seldom, never = (load_of(Mechanism.LONG_POLL, 100, rate, 100, 1, hold_s=25.0) for rate in (2.0, 0.001, 0.0))
    assert often.requests == pytest.approx(200.0)
    assert seldom.requests == pytest.approx(100 / 25, rel=0.02)
    assert never.requests == pytest.approx(100 / 25)


def test_a_message_concerns_as_many_processes_as_it_has_receivers() -> None:
    alone = load_of(Mechanism.PUSH, 1000, 2.0, 100, 1)
    everybody = load_of(Mechanism.PUSH, 1000, 2.0, 100, 1000)
    room = load_of(Mechanism.PUSH, 1000, 2.0, 100, 2)
    assert share(alone, 4).publishes == pytest.approx(alone.publishes / 4)
    assert share(everybody, 4).publishes == everybody.publishes
    assert share(room, 4).publishes == pytest.approx(room.publishes / 2)
    assert [share(one, 4).fan_out for one in (alone, everybody, room)] == [1.0, 250.0, 1.0]
    assert share(room, 1) == room


def test_the_load_of_a_cell_follows_from_its_parameters() -> None:
    found = {point.where: point for point in loads.points(cells(), fit(cells()).models[0].variant)}
    polled = found["broadcast, poll_interval_s 0.5"]
    assert polled.expected.requests == 200.0
    assert polled.load.requests == pytest.approx(200.0)
    assert polled.service_ns == pytest.approx(2e6, rel=0.05)
    echoed = found["echo"].expected
    assert (echoed.publishes, echoed.upstream, echoed.deliveries, echoed.fan_out) == (200.0, 200.0, 200.0, 1.0)
    assert found["idle, 400 subscribers"].expected.requests == 1600.0


def test_an_error_is_a_share_of_what_was_measured() -> None:
    miss = Miss("sse", "broadcast", "cpu", 1.2, 1.0)
    assert miss.error == pytest.approx(0.2)
    assert replace(miss, predicted=0.8).error == pytest.approx(0.2)
