"""What the commands print: harmless for a terminal, in any encoding, and with the same result whoever reads it."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench import cli, terminal
from tests._natures import NATURES
from tests._synthetic import hostile, synthetic, write

WITHIN_S = 100.0
ROOT = Path(__file__).parents[2]
BENCH = [sys.executable, "-m", "bench"]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A folder with two runs, one of which has hostile texts."""
    folder = tmp_path_factory.mktemp("printed") / "results"
    write(folder, *hostile(NATURES[2:4], blocks=3), "hostile")
    write(folder, *synthetic(NATURES[2:4], ["broadcast"], blocks=3, troubles=False), "plain")
    return folder


def commands(results):
    """Every command that prints what a results file holds."""
    reports = ["--reports", str(results.parent / "reports")]
    return {
        "compare": ["compare", "hostile", "plain", "--force", "--results", str(results), *reports],
        "advise": ["advise", "hostile", "--subscribers", "500", "--rate", "2", "--results", str(results)],
        "list": ["list"],
    }


@pytest.mark.parametrize("name", ["compare", "advise", "list"])
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_of_any_encoding_gets_visible_text_and_no_traceback(name, encoding, results):
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    ended = subprocess.run(
        [*BENCH, *commands(results)[name]], env=environment, capture_output=True, timeout=WITHIN_S, check=False
    )
    text = ended.stdout.decode(encoding) + ended.stderr.decode(encoding)
    assert ended.returncode in (0, 1, 2), text
    assert "Traceback" not in text
    assert text == terminal.visible(text)
    if name == "advise":
        assert "<script>" in text  # of the hostile text all but what no terminal shows


@pytest.mark.parametrize("char", ["\x1b", "\x07", "\r", "\u202e", "\u200b", "\x9b"])
def test_hidden_characters_are_left_out(char):
    assert terminal.visible(f"a{char}b\tc\n") == "ab\tc\n"


def test_text_that_an_encoding_lacks_is_shown_in_ascii():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="pushbench")
    stream.write("1.5\N{NO-BREAK SPACE}\N{MICRO SIGN}s, 2\N{EN DASH}3\N{MULTIPLICATION SIGN}, \N{SNOWMAN}")
    stream.seek(0)
    assert stream.read() == "1.5 us, 2-3x, ?"


def test_the_exit_code_does_not_depend_on_how_much_is_read(results):
    whole = subprocess.run(
        [*BENCH, *commands(results)["compare"]], capture_output=True, timeout=WITHIN_S, check=False
    ).returncode
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [*BENCH, *commands(results)["compare"]], stdout=writing, stderr=subprocess.PIPE, timeout=WITHIN_S, check=False
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (whole, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is full")
@pytest.mark.parametrize("name", ["list", "compare"])
def test_a_full_standard_output_is_an_error_of_one_line(name, results):
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [*BENCH, *commands(results)[name]], stdout=full, stderr=subprocess.PIPE, text=True, timeout=WITHIN_S,
            check=False,
        )  # fmt: skip
    assert ended.returncode == cli.UNWRITABLE
    assert ended.stderr == f"bench {name}: cannot write the output: No space left on device\n"


def test_a_fault_of_the_bench_has_an_exit_code_of_its_own(monkeypatch, capsys):
    monkeypatch.setattr("bench.commands.list.run", lambda options: 1 / 0)
    monkeypatch.setattr(cli, "raise_on_signals", lambda: None)
    assert cli.main(["list"]) == cli.FAULT
    assert "ZeroDivisionError" in capsys.readouterr().err


STOPS_WHILE_IMPORTING = """
import os, signal, sys

class Stopping:
    def find_spec(self, name, *_):
        if name == "bench.cli":
            os.kill(os.getpid(), signal.{name})

sys.meta_path.insert(0, Stopping())
import runpy
runpy.run_module("bench", run_name="__main__")
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_during_the_imports_ends_the_bench_in_order(name):
    code = STOPS_WHILE_IMPORTING.replace("{name}", name)
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    assert (ended.returncode, ended.stderr) == (128 + getattr(signal, name), "")


DROPPED = """
import os, signal, sys, time
from bench.processes.interrupts import Ended, exit_code, raise_on_signals

class Finalized:
    def __del__(self):
        os.kill(os.getpid(), signal.{name})

raise_on_signals()
try:
    del_me = Finalized()
    del del_me
    time.sleep({within})
except (KeyboardInterrupt, Ended) as signalled:
    sys.exit(exit_code(signalled))
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_during_a_finalizer_is_not_lost(name):
    """Python drops what a finalizer raises, and then nothing would end the bench."""
    code = DROPPED.format(name=name, within=WITHIN_S)
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=WITHIN_S, check=False)
    assert ended.returncode == 128 + getattr(signal, name)
