"""The arrows of the design, read from the imports themselves."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(path for package in ("bench", "servers") for path in (ROOT / package).rglob("*.py"))
HEAVY = {
    "locust": ("bench/load/", "bench/generators/"),
    "matplotlib": ("bench/report/",),
    "jinja2": ("bench/report/",),
    "hdrh": ("bench/analysis/numbers/distributions.py",),
    "psutil": ("bench/measure/", "bench/gate/conformance.py"),
    "gevent": ("bench/clients/", "bench/load/", "bench/generators/", "bench/gate/server_under_test.py", "servers/"),
}
PURE = (
    "bench/analysis/",
    "bench/planning/plan.py",
    "bench/results/",
    "bench/planning/retries.py",
    "bench/advice/",
    "bench/messages.py",
    "bench/schedule.py",
    "bench/paths.py",
    "bench/units.py",
    "bench/planning/settings.py",
    "servers/_plants.py",
)
PURE_MAY_IMPORT = (
    "bench.advice",
    "bench.analysis",
    "bench.schedule",
    "bench.scenarios",
    "bench.results",
    "bench.planning.plan",
    "bench.messages",
    "bench.units",
    "bench.paths",
)
PLANTS = "servers._plants"  # the one thing of the servers: what was planted, for whoever reads it back


def imported(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def where(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def test_there_is_something_to_check():
    assert len(FILES) > 20


@pytest.mark.parametrize("path", FILES, ids=where)
def test_servers_never_import_the_bench(path):
    if where(path).startswith("servers/"):
        assert not [name for name in imported(path) if within(name, "bench")]


@pytest.mark.parametrize("path", FILES, ids=where)
def test_a_heavy_library_is_imported_where_it_belongs_only(path):
    for library, homes in HEAVY.items():
        if any(within(name, library) for name in imported(path)):
            assert where(path).startswith(homes), f"{library} is imported by {where(path)}"


@pytest.mark.parametrize("path", FILES, ids=where)
def test_what_is_pure_imports_nothing_that_acts(path):
    if where(path).startswith(PURE):
        acting = [
            name for name in imported(path)
            if (within(name, "servers") and not within(name, PLANTS))
            or name in ("socket", "subprocess", "time", "threading")
            or (within(name, "bench") and name != "bench" and not any(within(name, pure) for pure in PURE_MAY_IMPORT))
        ]  # fmt: skip
        assert not acting


@pytest.mark.parametrize("path", FILES, ids=where)
def test_what_is_stored_is_imported_from_the_package_alone(path):
    if not where(path).startswith("bench/results/"):
        assert not [name for name in imported(path) if name.startswith("bench.results._")]
