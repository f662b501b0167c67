"""The commands of the bench: help, errors of one line, exit codes, and a clean end."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest

import servers
from bench import scenarios
from bench.planning.request import compared_by_default
from bench.results import load
from bench.scenarios import Publishes
from tests._noise import sound

WITHIN_S = 30.0
QUICK = [
    "--no-wait",
    "-v",
    "sse",
    "-s",
    "broadcast",
    "--set",
    "subscribers=5",
    "--set",
    "measure_s=0.3",
    "--set",
    "warm_up_s=0.1",
]


def bench(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments], capture_output=True, text=True, timeout=WITHIN_S, check=False
    )


def test_the_list_holds_every_variant_and_scenario_with_its_description():
    listing = bench("list").stdout
    for name in servers.names():
        assert f"{name} " in listing
        assert servers.description(name) in listing
        assert servers.load(name).limits_in_words in listing
    for name in scenarios.names():
        assert scenarios.load(name).description in listing
    for hidden in ("null", "calibration"):
        assert not re.search(rf"^  {hidden} ", listing, re.MULTILINE)


def test_the_list_counts_the_trials_of_which_the_instrument_is_made():
    listing = bench("list").stdout
    quick = [scenarios.load(name) for name in scenarios.names() if scenarios.load(name).since == "quick"]
    compared = len(compared_by_default()) * len(quick)
    floors = sum(scenario.publishes is not Publishes.NOTHING for scenario in quick)
    assert f"{2 + compared + floors} trials in about" in listing


def test_the_list_imports_no_library_that_measures_analyses_or_draws():
    heavy = ["numpy", "matplotlib", "locust", "psutil"]
    code = (
        "import sys; from bench.cli import main\n"
        "main(['list'])\n"
        "print([name for name in sys.argv[1:] if name in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *heavy], capture_output=True, text=True, timeout=WITHIN_S, check=True
    )
    assert ended.stdout.splitlines()[-1] == "[]"


def test_the_help_of_the_calibration_shows_an_example():
    assert "python -m bench calibrate --repetitions 3" in bench("calibrate", "--help").stdout


def test_the_help_shows_examples():
    assert "python -m bench run --profile quick" in bench("--help").stdout


AT_ONCE = ["--no-wait"]  # also while other tests measure


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", *AT_ONCE, "--variant", "websockets"], "did you mean 'websocket'"),
        (["verify", "long-polling"], "did you mean 'long_polling'"),
        (["run", *AT_ONCE, "--resume", "never-run", "--results", "{tmp}"], "no run 'never-run'"),
        (["run", *AT_ONCE, "--name", "../outside", "--results", "{tmp}"], "cannot be the name of a run"),
        (["report", "--results", "{tmp}"], "there is no run"),
        (["run", *AT_ONCE, "-s", "calibration", "--results", "{tmp}"], "python -m bench calibrate"),
        (["calibrate", *AT_ONCE, "--name", "latest", "--results", "{tmp}"], "cannot be the name of a run"),
        (["run", *AT_ONCE, "--set", "rate_hz=fast", "--results", "{tmp}"], "takes float"),
        (["run", *AT_ONCE, "-s", "outage", "-v", "sse", "--results", "{tmp}"], "sse has no broker"),
        (["run", *AT_ONCE, "--report", "--reports", "{tmp}/file/x", "--results", "{tmp}"], "cannot write reports"),
        (["calibrate", *AT_ONCE, "--reports", "{tmp}/file/x", "--results", "{tmp}"], "cannot write reports"),
        (
            ["run", *AT_ONCE, "--report", "--reports", "{tmp}", "--results", "{tmp}/x/.."],
            "cannot hold both results and reports",
        ),
        (["run", *AT_ONCE, "--results", "{tmp}/\udcff"], "is not UTF-8"),
        (["run", *AT_ONCE, "--workers", "100000", "--results", "{tmp}"], "--workers 100000: at most"),
        (["run", *AT_ONCE, "--name", "\udcff", "--results", "{tmp}"], "is not UTF-8"),
    ],
)
def test_a_mistake_is_one_line_on_standard_error_and_exit_code_2(arguments, message, tmp_path):
    (tmp_path / "file").touch()
    ended = bench(*(argument.replace("{tmp}", str(tmp_path)) for argument in arguments))
    assert ended.returncode == 2
    assert message in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def start_run(results, reached, *options):
    """A run of many trials that has `reached` a moment; the process and all its descendants then.

    reached: whether it has, given the descendants.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "bench", "run", *QUICK, "--repetitions", "40",
         "--name", "cut", "--results", str(results), *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    descendants = {}
    deadline = time.monotonic() + WITHIN_S
    while not reached(descendants.values()):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)  # between two checks, within the deadline
        descendants = {child.pid: child for child in psutil.Process(process.pid).children(recursive=True)}
    return process, list(descendants.values())


def running(module, processes):
    """The number of processes that run a module."""
    count = 0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            words = process.cmdline()
            count += "-m" in words and words[words.index("-m") + 1] == module
    return count


def gone(processes):
    """Whether all end within the deadline."""
    _, alive = psutil.wait_procs(processes, timeout=WITHIN_S)
    return not alive


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_valid_results_a_hint_and_no_process(number, code, tmp_path):
    def first_is_stored(descendants):
        return descendants and list((tmp_path / "cut" / "trials").glob("*.json"))

    process, children = start_run(tmp_path, first_is_stored)
    process.send_signal(number)
    process.send_signal(number)  # an impatient person, or tox, must not break into the clean-up
    _, errors = process.communicate(timeout=WITHIN_S)
    assert process.returncode == code
    assert "--resume cut" in errors
    assert gone(children)
    run, trials = load(tmp_path / "cut")
    assert 1 <= len(trials) < len(run.plan)
    assert all(sound(trial) for trial in trials)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals the death of a parent to its child")
@pytest.mark.parametrize(("workers", "locust"), [("1", 1), ("2", 3)])
def test_no_process_outlives_a_bench_that_was_killed(workers, locust, tmp_path):
    """With two workers Locust has a third process, their master."""

    def trial_has_begun(descendants):
        return [running(module, descendants) for module in ("locust", "servers", "bench.load.publisher")] == [
            locust,
            1,
            1,
        ]

    if int(workers) > len(os.sched_getaffinity(0)):
        pytest.skip("a run has at most one worker per core")
    process, children = start_run(tmp_path, trial_has_begun, "--workers", workers)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=WITHIN_S)
    assert gone(children)
