"""The rooms of the design and the arrows between them, read from the imports themselves, deferred ones included."""

import ast
import graphlib
from functools import cache
from pathlib import Path

import pytest

from bench import scenarios
from bench.paths import PATHS

ROOT = Path(__file__).parents[1]
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("bench", "servers")
    for path in sorted((ROOT / package).rglob("*.py"))
}

NUMBERS, TRIALS, RUNS = "bench.analysis.numbers", "bench.analysis.trials", "bench.analysis.runs"
# Facts and arithmetic: no process, no socket, no clock. Whatever needs nothing else may use all of them.
PURE = {
    "bench.discovery", "bench.files", "bench.messages", "bench.paths", "bench.schedule", "bench.units", "bench.results",
    NUMBERS, TRIALS, RUNS, "bench.advice", "bench.scenarios", "bench.planning",
}  # fmt: skip
EDGES = {
    "bench.clients",
    "bench.reactor",
    "bench.processes",
    "bench.measure",
    "bench.proxy",
    "bench.load",
    "bench.gate",
}
ARROWS = {
    "servers": set(),
    "bench.discovery": set(),
    "bench.files": set(),
    "bench.messages": set(),
    "bench.paths": set(),
    "bench.schedule": set(),
    "bench.terminal": set(),
    "bench.results": {"bench.files"},
    NUMBERS: {"bench.results"},
    "bench.units": {NUMBERS},
    "bench.scenarios": {"bench.discovery", "bench.messages", "bench.paths", "bench.results", "bench.schedule",
                        "bench.units", "servers"},
    TRIALS: {NUMBERS, "bench.discovery", "bench.results", "bench.scenarios", "bench.schedule", "bench.units",
             "servers"},
    RUNS: {NUMBERS, TRIALS, "bench.discovery", "bench.paths", "bench.results", "bench.scenarios", "bench.units"},
    "bench.advice": PURE - {"bench.planning", "bench.advice"},
    "bench.planning": {TRIALS, "bench.clients", "bench.paths", "bench.results", "bench.scenarios", "bench.schedule",
                       "bench.units", "servers"},
    "bench.reactor": set(),
    "bench.clients": {"bench.discovery", "bench.reactor"},
    "bench.measure": PURE - {"bench.planning", "bench.advice"},
    "bench.processes": {"bench.measure", "bench.results", "bench.schedule", "servers"},
    "bench.proxy": {"bench.paths", "bench.processes", "bench.schedule"},
    "bench.load": PURE | {"bench.clients", "bench.reactor", "bench.measure", "bench.processes", "servers"},
    "bench.gate": PURE | {"bench.clients", "bench.reactor", "bench.processes", "servers"},
    "bench.report": PURE - {"bench.planning"} | {"bench.terminal"},
    "bench.execution": PURE | EDGES | {"servers"},
    "bench.generators": PURE | EDGES | {"bench.execution", "servers"},
    "bench.commands": PURE | EDGES | {"bench.execution", "bench.generators", "bench.report", "servers"},
    "bench.cli": {"bench.commands", "bench.discovery", "bench.planning", "bench.processes", "bench.results",
                  "bench.terminal", "servers"},
    "bench.__main__": {"bench.cli", "bench.processes"},
}  # fmt: skip
# Where a library may be imported, by the beginning of the module's name.
HEAVY = {
    "locust": ("bench.load.", "bench.generators."),
    "matplotlib": ("bench.report.",),
    "jinja2": ("bench.report.",),
    "hdrh": ("bench.analysis.numbers.histograms",),
    "psutil": ("bench.measure.", "bench.gate."),
    "gevent": ("bench.clients.", "bench.reactor.", "bench.load.", "bench.generators.", "bench.gate.", "servers"),
}
ACTING = ("socket", "subprocess", "time", "threading", "psutil", "gevent", "locust")
REPORT_NEVER_REACHES = (
    "bench.processes", "bench.measure", "bench.load", "bench.execution", "bench.generators", "bench.gate",
    "bench.proxy", "bench.commands",
)  # fmt: skip


@cache
def imported(module: str, types: bool = True) -> frozenset[str]:
    """Every name that a module imports, anywhere in it; of `from package import name` both forms. Without `types`, what
    only a type checker imports is left out."""
    names = set()
    tree = ast.parse(FILES[module].read_text(encoding="utf-8"))
    for node in ast.walk(tree if types else AtRunTime().visit(tree)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module} imports relatively"
            names |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


class AtRunTime(ast.NodeTransformer):
    """Drops what only a type checker reads."""

    def visit_If(self, node: ast.If) -> ast.If | None:
        return None if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING" else node


@cache
def arrows(module: str, types: bool = True) -> frozenset[str]:
    """The modules of the project that a module imports: the deepest that each import names."""
    ours = {name for name in imported(module, types) if name in FILES and name != module}
    parents = {name for name in ours if any(other.startswith(name + ".") for other in ours)}
    from_package = {name for name in parents if imports_a_name_of(module, name)}
    return frozenset((ours - parents) | from_package)


def imports_a_name_of(module: str, package: str) -> bool:
    """Whether a module takes something from a package that is not a module of it."""
    return any(name.rpartition(".")[0] == package and name not in FILES for name in imported(module))


def room(module: str) -> str:
    """The room of a module: the longest name in the table that it begins with."""
    return max((name for name in ARROWS if within(module, name)), key=len, default=module)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


@cache
def reached(module: str) -> frozenset[str]:
    """Every module of the project that is imported at run time when a module is, by any chain, packages included."""
    seen, todo = set(), [module]
    while todo:
        name = todo.pop()
        if name in FILES and name not in seen:
            seen.add(name)
            todo += [*arrows(name, types=False), name.rpartition(".")[0]]
    return frozenset(seen)


def test_there_is_something_to_check():
    assert len(FILES) > 100


def test_every_module_is_in_a_room():
    homeless = [name for name in FILES if room(name) not in ARROWS and name not in ("bench", "bench.analysis")]
    assert not homeless


@pytest.mark.parametrize("name", ARROWS)
def test_a_room_imports_only_from_the_rooms_it_may(name):
    wrong = {
        f"{module} -> {target}"
        for module in FILES
        if room(module) == name
        for target in arrows(module)
        if room(target) not in ARROWS[name] | {name}
    }
    assert not wrong


def test_no_modules_import_each_other_in_a_circle():
    graphlib.TopologicalSorter({module: arrows(module) for module in FILES}).prepare()


def test_no_rooms_import_each_other_in_a_circle():
    rooms = {name: {room(target) for module in FILES if room(module) == name for target in arrows(module)} - {name}
             for name in ARROWS}  # fmt: skip
    graphlib.TopologicalSorter(rooms).prepare()


def test_the_report_reaches_nothing_that_measures_by_any_chain():
    reports = [module for module in FILES if within(module, "bench.report")]
    reach = {name for module in reports for name in reached(module)}
    assert not [name for name in reach for room_name in REPORT_NEVER_REACHES if within(name, room_name)]
    acting = ("locust", "psutil", "gevent", "flask")
    assert not [name for name in reach if imported_anywhere(name, acting, types=False)]


def imported_anywhere(module: str, libraries: tuple[str, ...], types: bool = True) -> bool:
    return any(within(name, library) for name in imported(module, types) for library in libraries)


@pytest.mark.parametrize("module", FILES)
def test_a_heavy_library_is_imported_where_it_belongs_only(module):
    for library, homes in HEAVY.items():
        if imported_anywhere(module, (library,)):
            assert module.startswith(homes), f"{library} is imported by {module}"


@pytest.mark.parametrize("module", [name for name in FILES if room(name) in PURE])
def test_what_is_pure_imports_nothing_that_acts(module):
    assert not imported_anywhere(module, ACTING)


@pytest.mark.parametrize("module", FILES)
def test_the_servers_and_the_stored_facts_are_used_through_their_public_door(module):
    for package in ("bench.results", "servers"):
        if not within(module, package):
            assert not [name for name in imported(module) if name.startswith(f"{package}._")]


# Words that are also the name of a scenario or of a path, by module: of a metric, a figure, a parameter or a section.
NAMESAKES = {
    "bench.advice.answer": {"far"}, "bench.report.sections._advice_data": {"far"},
    "bench.analysis.trials.metrics.deliveries": {"capacity"}, "bench.report.figures.burst": {"burst"},
    "bench.report.figures.calibration": {"calibration"}, "bench.report.figures.capacity": {"capacity"},
    "bench.report.figures.chat": {"chat", "echo"}, "bench.report.figures.storm": {"storm"},
    "bench.report.instrument": {"calibration"}, "bench.report.opening.cautions": {"calibration"},
    "bench.report.sections._workload_details": {"capacity"}, "bench.report.sections.workloads": {"capacity"},
}  # fmt: skip


@pytest.mark.parametrize(
    "module", [name for name in FILES if within(name, "bench") and room(name) != "bench.scenarios"]
)
def test_no_other_module_names_a_scenario_or_a_path(module):
    if module == "bench.paths" or within(module, "bench.results._upgrades"):
        return
    texts = {node.value for node in ast.walk(ast.parse(FILES[module].read_text(encoding="utf-8")))
             if isinstance(node, ast.Constant)}  # fmt: skip
    assert texts & {*scenarios.names(hidden=True), *PATHS} == NAMESAKES.get(module, set())


@pytest.mark.parametrize("module", FILES)
def test_a_private_module_is_imported_within_its_package_only(module):
    package = module if FILES[module].name == "__init__.py" else module.rpartition(".")[0]
    owners = {name.partition("._")[0] for name in arrows(module) if "._" in name}
    assert all(within(package, owner) for owner in owners)
