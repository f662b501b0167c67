"""Advice at a glance: one variant to take, why, and what must be known before."""

from dataclasses import replace

import pytest

from bench.advice import answer
from bench.advice.at_a_glance import beyond, cost, glance, polling
from bench.advice.costs import Costs, fit
from bench.advice.ranking import advise
from bench.advice.words import number
from bench.units import factor, quantity
from tests._priced import PRICES, cells
from tests.advice.test_ranking import NEED, option

SPACE = "\N{NO-BREAK SPACE}"


@pytest.fixture(scope="module")
def costs() -> Costs:
    return fit(cells())


def test_the_first_of_those_that_share_a_rank_is_taken_for_its_memory() -> None:
    twin = replace(PRICES[2], name="ndjson", technique="HTTP stream", base_bytes=2e7)
    dear = replace(PRICES[2], name="dear", technique="Comet", delivery_s=5 * PRICES[2].delivery_s)
    found = advise(fit(cells((PRICES[2], twin, dear), noise=0.1)), NEED)
    seen = glance(found)
    assert seen.take == "NDJSON"
    first = found.options[0]
    assert seen.cost == (
        f"{cost(first)}; p99 delay {quantity(first.p99_ns, 'ns')};"
        " after a reconnect it resumes, or says what is missing"
    )
    memory = quantity(found.options[1].memory_bytes, "memory bytes")
    assert seen.why.startswith(
        f"no clear difference in cores from SSE ({memory}); it holds the least memory of them; next best: DEAR, "
    )
    assert seen.product == "none of those measured meets this need"


def test_who_is_alone_in_front_is_told_with_the_distance_to_the_next(costs: Costs) -> None:
    found = advise(costs, replace(NEED, upstream_rate=1.0))
    assert len(found.first) == 1
    assert glance(found).why == answer.next_best(found, found.options[0])
    second = min((one for one in found.options if one.rank > 1), key=lambda one: one.cores)
    assert glance(found).why.startswith(f"next best: {second.variant.label}, ")
    assert glance(found).why.endswith(f" the cores, {quantity(second.memory_bytes, 'memory bytes')}")


def test_a_product_is_told_with_what_becomes_of_messages(costs: Costs) -> None:
    said = glance(advise(costs, NEED)).product
    assert said.startswith(f"FLASK_SOCKETIO, {cost(option(costs, NEED, 'flask_socketio'))}")
    assert said.endswith("; after a reconnect it may lose messages")


def test_what_polling_comes_to_is_told_beside_what_is_taken(costs: Costs) -> None:
    found = advise(costs, NEED)
    polled = option(costs, NEED, "polling")
    times = factor(polled.cores / found.options[0].cores)
    requests = number(polled.requests)
    assert polling(found).replace(SPACE, " ") == f"POLLING every 1.99 s: {requests} requests/s and {times} the cores"


@pytest.mark.parametrize("limit_s", [0.0015, 0.04])
def test_why_polling_does_not_do_is_told_in_its_place(costs: Costs, limit_s: float) -> None:
    found = advise(costs, replace(NEED, max_staleness_s=limit_s))
    (refused,) = (one for one in found.refused if one.variant.name == "polling")
    assert polling(found) == answer.refusal(refused, found.need)


def test_where_no_polling_was_measured_nothing_is_said_of_it() -> None:
    assert polling(advise(fit(cells(PRICES[2:4])), NEED)) == ""


def test_what_lies_furthest_outside_is_told_with_the_files_that_are_needed(costs: Costs) -> None:
    far = option(costs, replace(NEED, subscribers=2_000, fan_out=2_000, rate=0.01), "sse")
    worst = max(far.beyond, key=lambda one: one.factor)
    assert beyond(far) == answer.outside(worst)
    limited = replace(far, open_files=1_000)
    assert beyond(limited) == f"{answer.outside(worst)}; {answer.phrase('files', limited)}"
    assert beyond(option(costs, NEED, "sse")) == ""


def test_where_nothing_meets_the_need_that_is_all() -> None:
    seen = glance(advise(fit(cells()), replace(NEED, max_staleness_s=0.0015)))
    assert seen.take == "Nothing that was measured meets this need."
    assert seen.cost == seen.why == seen.product == seen.beyond == ""
