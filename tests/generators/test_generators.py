"""The comparison of load generators without processes: the search, the verdicts, the table, the stored file."""

import json
import subprocess
import sys

import msgspec
import pytest

from bench import generators
from bench.analysis.runs import generator_search, generator_table
from bench.analysis.runs.generator_search import Tried, Verdict
from bench.generators import programs
from bench.generators.peers import K6_OPTIONS, PEERS
from bench.generators.reporter import Report, Reporter
from bench.processes.errors import ProcessError
from bench.results import (
    GENERATOR_SCHEMA,
    Environment,
    GeneratorComparison,
    GeneratorPass,
    GeneratorRow,
    ResultsError,
    load_comparison,
    rehearse_comparison,
    save_comparison,
)

KEPT, CPU, BEHIND, SERVER, DISTURBED = Verdict
SECOND = 1_000_000_000


def passed(**changes):
    """A pass of one second at 10,000 messages/s that cost 20 µs each, changed."""
    plain = GeneratorPass(
        server="source", subscribers=1000, rate_hz=10.0, window_ns=SECOND, received=10_000,
        generator_cpu_ns=SECOND // 5, generator_wait_ns=0, server_cpu_ns=SECOND // 10, server_wait_ns=0,
        expected=12_000, delivered=12_000, delay_ns=1_000_000, allowed_delay_ns=250_000_000,
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        pytest.param({}, KEPT, id="everything soon received on a fifth of a core"),
        pytest.param({"delay_ns": 250_000_000}, KEPT, id="as late as is allowed"),
        pytest.param({"delay_ns": 250_000_001}, BEHIND, id="later than that"),
        pytest.param({"delay_ns": 1_200_000_000, "allowed_delay_ns": 1_250_000_000}, KEPT, id="a poll interval"),
        pytest.param({"delay_ns": None, "delivered": 11_999}, BEHIND, id="a subscriber never got the last one"),
        pytest.param({"generator_cpu_ns": 850_000_000}, KEPT, id="at 85 % of its core"),
        pytest.param({"generator_cpu_ns": 850_000_001}, CPU, id="above it, whatever arrived"),
        pytest.param({"delay_ns": None, "server_cpu_ns": 950_000_000}, SERVER, id="late because of the server"),
        pytest.param({"server_cpu_ns": 990_000_000}, KEPT, id="a full server that is not late"),
        pytest.param({"delay_ns": None, "server_cpu_ns": 950_000_000, "generator_cpu_ns": 900_000_000}, CPU,
                     id="both full: the generator is"),
        pytest.param({"delay_ns": None, "generator_wait_ns": 700_000_000}, DISTURBED, id="its core was others'"),
        pytest.param({"delay_ns": None, "server_wait_ns": 850_000_000}, DISTURBED, id="the server's core was others'"),
        pytest.param({"delay_ns": None, "generator_wait_ns": None, "server_wait_ns": None}, BEHIND,
                     id="late where the kernel does not report waiting"),
    ],
)  # fmt: skip
def test_a_pass_is_judged_by_when_messages_arrived_and_which_core_was_saturated(changes, verdict):
    assert generator_search.judge(passed(**changes)) is verdict


@pytest.mark.parametrize(
    ("tried", "following"),
    [
        pytest.param([], 100, id="begins at the start"),
        pytest.param([(100, KEPT)], 200, id="doubles while it keeps up"),
        pytest.param([(100, CPU)], 50, id="halves until it does"),
        pytest.param([(100, CPU), (50, CPU)], 25, id="and again"),
        pytest.param([(100, KEPT), (200, CPU)], 141.42, id="a full core is believed at once"),
        pytest.param([(100, KEPT), (200, BEHIND)], 200, id="a backlog has to happen twice"),
        pytest.param([(100, KEPT), (200, BEHIND), (200, BEHIND)], 141.42, id="then it is believed"),
        pytest.param([(100, KEPT), (200, BEHIND), (200, KEPT)], 400, id="or refuted"),
        pytest.param([(100, KEPT), (200, DISTURBED), (200, DISTURBED)], 200, id="others' work has to happen thrice"),
        pytest.param([(100, KEPT), (200, BEHIND), (200, DISTURBED)], 200, id="also after a backlog"),
        pytest.param([(100, KEPT), (200, DISTURBED)] + 2 * [(200, DISTURBED)], 141.42, id="then it goes on below"),
        pytest.param([(100, KEPT), (200, SERVER), (200, SERVER)], 141.42, id="a full server ends the doubling too"),
        pytest.param([(100, KEPT), (110, CPU)], None, id="is over within ten per cent"),
        pytest.param([(100, KEPT)] * generator_search.MOST_PASSES, None, id="is over after the maximum of passes"),
        pytest.param([(100, CPU), (50, KEPT)], 70.71, id="goes between a halved rate and the one above"),
    ],
)
def test_the_next_rate_follows_from_what_was_tried(tried, following):
    rate = generator_search.next_rate([Tried(*one) for one in tried], 100)
    assert rate == (following if following is None else pytest.approx(following, abs=0.01))


@pytest.mark.parametrize("limit", [17.0, 99.0, 100.0, 101.0, 3217.0])
def test_a_search_comes_within_ten_per_cent_of_the_limit_from_below(limit):
    tried = []
    while (rate := generator_search.next_rate(tried, 100)) is not None:
        tried.append(Tried(rate, KEPT if rate <= limit else CPU))
    result = generator_search.bracket(tried)
    assert limit / generator_search.RESOLUTION <= result.sustained_per_s <= limit < result.exceeded_per_s
    assert not result.lower_bound
    assert len(tried) < generator_search.MOST_PASSES


@pytest.mark.parametrize(
    ("tried", "kept", "at_least"),
    [
        pytest.param([(100, KEPT), (110, CPU)], 100, False, id="its own limit"),
        pytest.param([(100, KEPT), (110, BEHIND), (110, BEHIND)], 100, False, id="its own limit, measured twice"),
        pytest.param([(100, KEPT), (110, SERVER), (110, SERVER)], 100, True, id="the server's limit"),
        pytest.param([(100, KEPT), (110, BEHIND), (110, SERVER)], 100, True, id="perhaps the server's"),
        pytest.param([(100, KEPT), (110, DISTURBED), (110, DISTURBED), (110, DISTURBED)], 100, True, id="others' work"),
        pytest.param([(100, KEPT)], 100, True, id="no limit was reached"),
        pytest.param([(100, CPU)], 0, False, id="it kept up with nothing"),
        pytest.param([(100, CPU), (110, KEPT)], 110, True, id="what was kept above outweighs what was lost below"),
    ],
)
def test_what_is_sustained_is_exact_or_a_bound(tried, kept, at_least):
    result = generator_search.bracket([Tried(*one) for one in tried])
    assert (result.sustained_per_s, result.lower_bound) == (kept, at_least)


def comparison(*rows):
    environment = Environment(
        facts={"cpu": "a fast one"}, versions={}, server_cores=[0], load_cores=[1], commit="c", dirty=False
    )
    return GeneratorComparison(schema=GENERATOR_SCHEMA, command=["bench"], started_at="2026-01-31T12:00:00.000+00:00",
                      environment=environment, versions={}, payload_bytes=100, rows=list(rows))  # fmt: skip


def row(generator="pushbench", costs=(), searches=(), reason="", variant="websocket"):
    return GeneratorRow(generator=generator, variant=variant, costs=list(costs), searches=list(searches), reason=reason)


OURS = row(
    costs=[passed(generator_cpu_ns=SECOND // 10), passed(generator_cpu_ns=SECOND // 8), passed()],
    searches=[[passed(), passed(rate_hz=10.5, generator_cpu_ns=SECOND)]],
)
K6 = row("k6", costs=[passed(generator_cpu_ns=SECOND // 2)], searches=[[passed()]])
ABSENT = row("Locust", reason="skipped: the package websocket-client is not installed")
OVERRUN = row("slow", costs=[passed(generator_cpu_ns=SECOND, delivered=9_000)], reason="failed: it died")


def test_the_table_has_medians_ratios_to_ours_and_the_cheapest_first():
    ours, k6 = generator_table.markdown(comparison(K6, OURS)).splitlines()[2:]
    assert ours == "| pushbench | websocket | 12.5 µs | 1.0 | 100.0% | 10,000/s | source |"
    assert k6 == "| k6 | websocket | 50.0 µs | 4.0 | 100.0% | ≥ 10,000/s | source |"


def test_a_generator_that_is_absent_is_a_row_with_the_reason():
    last = generator_table.markdown(comparison(ABSENT, OURS)).splitlines()[-1]
    assert last == "| Locust | websocket | skipped: the package websocket-client is not installed |  |  |  |  |"


def test_a_generator_that_failed_halfway_keeps_its_passes_and_has_a_note():
    *_, slow, _, note = generator_table.markdown(comparison(OURS, OVERRUN)).splitlines()
    assert slow == "| slow | websocket | 100.0 µs | 8.0 | 75.0% |  |  |"
    assert note == "slow on websocket: failed: it died"


def test_there_is_no_ratio_without_ours_on_the_same_variant():
    assert generator_table.lines(comparison(OURS, row("other", [passed()], variant="sse")))[-1].times_ours is None


def test_a_pass_in_which_nothing_arrived_has_no_cost():
    assert generator_table.cpu_us([passed(received=0)]) is None


def test_a_stored_comparison_reads_back_as_it_was(tmp_path):
    stored = comparison(OURS, K6, ABSENT)
    save_comparison(tmp_path / "one.json", stored)
    assert load_comparison(tmp_path / "one.json") == stored
    assert generator_table.markdown(load_comparison(tmp_path / "one.json")) == generator_table.markdown(stored)


def test_a_stored_comparison_is_never_written_over(tmp_path):
    save_comparison(tmp_path / "one.json", comparison(OURS))
    with pytest.raises(ResultsError, match="exists already"):
        save_comparison(tmp_path / "one.json", comparison(K6))


def test_whether_a_comparison_can_be_stored_is_tried_before_it_is_measured(tmp_path):
    rehearse_comparison(tmp_path / "one.json")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ResultsError, match=r"cannot write .*one\.json: No such file"):
        rehearse_comparison(tmp_path / "missing" / "one.json")
    save_comparison(tmp_path / "one.json", comparison(OURS))
    with pytest.raises(ResultsError, match="exists already"):
        rehearse_comparison(tmp_path / "one.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read"),
        (b"", "malformed"),
        (b"[]", "malformed"),
        (b"\xff", "malformed"),
        (b'{"schema":99}', "has schema 99; this version of Pushbench reads 1 to 2"),
        (b'{"schema":1}', "malformed"),
        (b"[" * 100_000, "malformed"),
    ],
)
def test_a_file_that_is_no_comparison_is_refused_by_name(content, message, tmp_path):
    path = tmp_path / "one.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ResultsError, match=message) as refused:
        load_comparison(path)
    assert str(path) in str(refused.value)


def test_a_folder_that_is_not_there_cannot_be_written_to(tmp_path):
    with pytest.raises(ResultsError, match="cannot write"):
        save_comparison(tmp_path / "none" / "one.json", comparison())


def test_rows_are_chosen_by_a_part_of_their_name():
    assert [one.name for one in generators.candidates(["K6", "pushbench on sse"])] == [
        "pushbench on sse", "k6, one virtual user on websocket",
    ]  # fmt: skip
    assert len(generators.candidates()) == len(generators.VARIANTS) + len(PEERS)
    with pytest.raises(LookupError, match="no load generator is called gatling; there are: pushbench on websocket"):
        generators.candidates(["gatling"])


def test_a_server_is_polled_at_most_as_often_as_it_can_answer():
    load = generators.Load(subscribers=1000, rate_hz=20.0)
    assert {name: load.rate_of(name) for name in ("websocket", "polling")} == {"websocket": 20.0, "polling": 2.0}


def test_a_report_without_a_moment_has_the_moment_at_which_it_was_read():
    assert Report(connected=1, received=2).at(42).t == 42
    assert Report(connected=1, received=2, t=7).at(42).t == 7


@pytest.mark.parametrize(
    "line", [{}, {"connected": 1}, {"connected": "1", "received": 0}, {"connected": 1, "received": -1}]
)
def test_a_line_that_is_no_report_is_an_error(line):
    command = [sys.executable, "-c", f"print('{json.dumps(line)}')"]
    with (
        Reporter("peer", command, (), {}) as peer,
        pytest.raises(ProcessError, match="the answer of the peer is not Report"),
    ):
        peer.now(20.0)


def test_k6_sends_no_usage_report():
    (k6,) = (peer for peer in PEERS if peer.label.startswith("k6"))
    start = k6.invoke(1, "t", 10)
    assert start.environment["K6_NO_USAGE_REPORT"] == "true"
    assert "--no-usage-report" in start.command
    assert start.command[start.command.index("--address") + 1] == ""
    assert set(K6_OPTIONS) <= set(start.command)


def test_a_compiler_that_is_not_there_is_a_reason(monkeypatch):
    monkeypatch.setattr(programs.shutil, "which", lambda name: None)
    assert programs.unavailable("source") in (
        "there is no C compiler (cc) on PATH", "the program needs epoll, which only Linux has",
    )  # fmt: skip


def bench(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "bench", "generator", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_table_of_a_stored_comparison_is_printed_again(tmp_path):
    stored = comparison(OURS, K6, ABSENT)
    save_comparison(tmp_path / "one.json", stored)
    assert bench("--show", str(tmp_path / "one.json")).stdout == generator_table.markdown(stored) + "\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "gatling"], "no load generator is called gatling"),
        (["--json", __file__], "exists already; results are never overwritten"),
        (["--show", __file__], "is malformed"),
    ],
)
def test_a_mistake_is_one_line_on_standard_error_and_exit_code_2(arguments, message):
    ended = bench(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert message in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "inf"])
def test_an_impossible_rate_is_refused(rate):
    assert "must be 0.001 to 100000" in bench("--rate", rate).stderr


def test_the_help_shows_examples():
    assert "python -m bench generator --only k6" in bench("--help").stdout
