"""Whether two runs may be compared at all, and what they differ in that a comparison is made for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bench.paths import DIRECT
from bench.results import IDLE_STATES, Run, ScenarioFacts

SAME_MACHINE = ("cpu", "logical cores", "kernel", "implementation", IDLE_STATES)
"""Facts of the environment that must be equal; of Python the minor version must."""
UNSAID = {"path": DIRECT}
"""What a parameter was in the runs that were made before there was one of its name."""
NEVER_EQUAL = ("load average before",)
"""Facts that say nothing by being different."""


def hindrances(old: Run, new: Run) -> list[str]:
    """In what two runs differ so that their numbers may not be held against each other: `kernel: 6.1 -> 6.2`."""
    return [f"{name}: {before} -> {after}" for name, before, after in _conditions(old, new) if before != after]


def _conditions(old: Run, new: Run) -> Iterator[tuple[str, object, object]]:
    then, now = old.environment, new.environment
    for key in SAME_MACHINE:
        yield key, then.facts.get(key, "unknown"), now.facts.get(key, "unknown")
    yield "python", _minor(then.facts), _minor(now.facts)
    yield "server cores", _cores(then.server_cores), _cores(now.server_cores)
    yield "load cores", _cores(then.load_cores), _cores(now.load_cores)
    yield "workers", old.workers, new.workers
    others = _compared(new)
    for name, scenario in _compared(old).items():
        if name in others:
            ours, theirs = scenario.parameters, others[name].parameters
            for key in _keys(ours, theirs):
                before, after = (held.get(key, UNSAID.get(key, "none")) for held in (ours, theirs))
                yield f"{name}.{key}", before, after


def _compared(run: Run) -> dict[str, ScenarioFacts]:
    return {scenario.name: scenario for scenario in run.scenarios if not scenario.hidden}


def _minor(facts: Mapping[str, str]) -> str:
    return ".".join(facts.get("python", "unknown").split(".")[:2])


def _cores(cores: Iterable[int]) -> str:
    return " ".join(map(str, cores)) or "not pinned"


def news(old: Run, new: Run) -> list[tuple[str, str, str]]:
    """What else differs, which may be what is asked about: (what, before, after), the commit first; "none" where a run
    lacks it."""
    then, now = old.environment, new.environment
    found = _between({"commit": _commit(old)}, {"commit": _commit(new)})
    found += _between(then.versions, now.versions)
    found += _between(then.facts, now.facts, but=(*SAME_MACHINE, *NEVER_EQUAL))
    found += _between({"blocks": str(old.repetitions)}, {"blocks": str(new.repetitions)})
    others = {variant.name: variant for variant in new.variants}
    for variant in old.variants:
        if variant.name in others:
            found += [
                (f"{variant.name}: {key}", before, after)
                for key, before, after in _between(variant.options, others[variant.name].options)
            ]
    return found


def _between(old: Mapping[str, str], new: Mapping[str, str], but: Iterable[str] = ()) -> list[tuple[str, str, str]]:
    pairs = [(key, old.get(key, "none"), new.get(key, "none")) for key in _keys(old, new) if key not in but]
    return [(key, before, after) for key, before, after in pairs if before != after]


def _keys(old: Iterable[str], new: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*old, *new]))


def _commit(run: Run) -> str:
    return run.environment.commit[:10] + (" with uncommitted changes" if run.environment.dirty else "")
