"""A browser that opens reports: whatever Chromium there is. Where there is none, what needs it is skipped."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.planning.plan import WHOLE
from bench.report import build
from bench.results import Failure, Run, Trial
from tests._faults import faulty
from tests._natures import NATURES
from tests._synthetic import hostile, instrumented, synthetic, write
from tests._workloads import worked
from tests.browser._sight import Sight, seen

ROOT = Path(__file__).parents[2]
ASKED = "PUSHBENCH_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """One headless browser for all tests here, and no longer: while it is there, nothing else can run an event loop."""
    playwright = pytest.importorskip("playwright.sync_api", exc_type=ImportError)
    names = [os.environ[ASKED]] if ASKED in os.environ else NAMES
    found = next((path for name in names if (path := shutil.which(name))), None)
    # the browser's own sandbox does not work as root
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as driver:
        try:
            if found is None:
                raise playwright.Error(f"no {' or '.join(names)} on PATH; {ASKED} can name one")
            started = driver.chromium.launch(executable_path=found, args=options)
        except playwright.Error as error:
            _unavailable(f"no browser: {error.message.splitlines()[0]}")
        yield started
        started.close()


def _unavailable(reason: str) -> None:
    """A browser that was asked for by name must be there; any other need not."""
    (pytest.fail if ASKED in os.environ else pytest.skip)(reason)


def _without_a_valid_trial() -> tuple[Run, list[Trial]]:
    run, trials = synthetic(NATURES[2:4], blocks=1, troubles=False)
    refused = Failure(phase="start", error="port taken")
    return run, [msgspec.structs.replace(trial, failure=refused) for trial in trials]


RUNS: dict[str, Callable[[], tuple[Run, list[Trial]]]] = {
    "whole": lambda: faulty(*worked(*instrumented(*synthetic(twins=True), WHOLE)), unreliable="sse"),
    "hostile": lambda: hostile(NATURES[2:5], blocks=2),
    "failed": _without_a_valid_trial,
}
REPORTS = (*RUNS, "reference")


@pytest.fixture(scope="package")
def report(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The page of a run by its name in REPORTS, built when it is first asked for."""
    folder = tmp_path_factory.mktemp("browser")

    @functools.cache
    def built(name: str) -> Path:
        stored = write(folder / "results", *RUNS[name](), name) if name in RUNS else ROOT / "results" / name
        return build(stored, folder / "reports")

    return built


WIDTHS = {"desk": 1440, "tablet": 834, "phone": 390}
VIEWS = [(name, width, scheme) for name in ("whole", "reference") for width in WIDTHS for scheme in ("light", "dark")]
VIEWS += [(name, *view) for name in ("hostile", "failed") for view in (("desk", "light"), ("phone", "dark"))]


@pytest.fixture(scope="package", params=VIEWS, ids="-".join)
def sight(request: pytest.FixtureRequest, browser: Any, report: Callable[[str], Path]) -> Iterator[Sight]:
    """Every report at every width in light and dark. Tests may ask it anything and change nothing."""
    name, width, scheme = request.param
    with seen(browser, report(name), WIDTHS[width], scheme) as sight:
        yield sight


@pytest.fixture(scope="package")
def axe() -> str:
    """The source of axe-core: from its Python package, from npm, or what AXE names."""
    package = importlib.util.find_spec("axe_playwright_python")
    folders = list(package.submodule_search_locations or []) if package else []
    places = [
        *([Path(os.environ["AXE"])] if "AXE" in os.environ else []),
        *(Path(folder, "axe.min.js") for folder in folders),
        ROOT / "node_modules" / "axe-core" / "axe.min.js",
    ]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        pytest.skip("no axe-core: neither axe-playwright-python nor node_modules/axe-core nor the file that AXE names")
    return found.read_text(encoding="utf-8")
