"""Wire protocols are discovered by their files, in the package and in the folders that PUSHBENCH_CLIENTS names."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import clients

ROOT = Path(__file__).parents[2]
PROTOCOL = '''"""Bare lines by another name."""

from bench.clients.lines import Client as Lines

PARAMETERS = ("hold_s",)


class Client(Lines):
    """One connection."""
'''
SCRIPT = """
import json, sys
from bench import clients
names = clients.names()
uses = [clients.uses(name, "hold_s") for name in ("elsewhere", "long_polling", "sse")]
imported = [name for name in ("gevent", "locust") if name in sys.modules]
file = sys.modules[clients.load("elsewhere").__module__].__file__
print(json.dumps({"names": names, "uses": uses, "imported": imported, "file": file}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("protocols")
    (folder / "elsewhere.py").write_text(PROTOCOL, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def reported(folder):
    """What a process with one folder in PUSHBENCH_CLIENTS reports of its protocols."""
    environment = os.environ | {"PUSHBENCH_CLIENTS": str(folder)}
    command = [sys.executable, "-c", SCRIPT]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_a_protocol_outside_the_repository_is_listed_and_loaded_like_the_others(reported, folder):
    assert reported["names"] == sorted(["elsewhere", *clients.names()])
    assert reported["file"] == str(folder / "elsewhere.py")


def test_a_parameter_is_used_by_the_protocols_that_declare_it_only(reported):
    assert reported["uses"] == [True, True, False]
    assert clients.uses("sse", "rate_hz")  # which no protocol declares, so it concerns all of them


def test_listing_protocols_and_reading_their_parameters_imports_neither_gevent_nor_locust(reported):
    assert reported["imported"] == []


def test_shared_modules_are_no_protocols_and_an_unknown_name_is_an_error_that_lists_the_known_ones():
    assert {"websocket", "sse", "polling", "long_polling", "socketio"} <= set(clients.names())
    assert not any(name.startswith("_") for name in clients.names())
    with pytest.raises(LookupError, match=r"there are: .*websocket"):
        clients.load("carrier_pigeon")
