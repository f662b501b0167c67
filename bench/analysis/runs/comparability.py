"""Whether two runs are comparable, and the differences between them that a comparison may be about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bench.paths import DIRECT
from bench.results import CPU_QUOTA, IDLE_STATES, Run, ScenarioFacts, VariantFacts

# Facts of the environment that must be equal. The minor version of Python must be equal too.
SAME_MACHINE = ("cpu", "logical cores", "kernel", "implementation", IDLE_STATES)
DEFAULTS = {"path": DIRECT}  # values of parameters in runs from before the parameter existed
ALWAYS_DIFFERENT = ("load average before",)
LATER = (CPU_QUOTA,)  # conditions that older runs did not record: compared where both did


def obstacles(old: Run, new: Run) -> list[str]:
    """The differences that make two runs incomparable: `kernel: 6.1 -> 6.2`."""
    return [f"{name}: {before} -> {after}" for name, before, after in _conditions(old, new) if before != after]


def _conditions(old: Run, new: Run) -> Iterator[tuple[str, object, object]]:
    then, now = old.environment, new.environment
    for key in SAME_MACHINE:
        yield key, then.facts.get(key, "unknown"), now.facts.get(key, "unknown")
    for key in LATER:
        if key in then.facts and key in now.facts:
            yield key, then.facts[key], now.facts[key]
    yield "python", _minor(then.facts), _minor(now.facts)
    yield "server cores", _cores(then.server_cores), _cores(now.server_cores)
    yield "load cores", _cores(then.load_cores), _cores(now.load_cores)
    yield "workers", old.workers, new.workers
    others = _compared(new)
    for name, scenario in _compared(old).items():
        if name in others:
            ours, theirs = scenario.parameters, others[name].parameters
            for key in _keys(ours, theirs):
                before, after = (one.get(key, DEFAULTS.get(key, "none")) for one in (ours, theirs))
                yield f"{name}.{key}", before, after


def _compared(run: Run) -> dict[str, ScenarioFacts]:
    return {scenario.name: scenario for scenario in run.scenarios if not scenario.hidden}


def _minor(facts: Mapping[str, str]) -> str:
    return ".".join(facts.get("python", "unknown").split(".")[:2])


def _cores(cores: Iterable[int]) -> str:
    return " ".join(map(str, cores)) or "not pinned"


def other_differences(old: Run, new: Run) -> list[tuple[str, str, str]]:
    """All other differences, which a comparison may be about: (what, before, after), the commit first; "none" where a
    run lacks it."""
    then, now = old.environment, new.environment
    differences = _between({"commit": _commit(old)}, {"commit": _commit(new)})
    differences += _between(then.versions, now.versions)
    differences += _between(then.facts, now.facts, but=(*SAME_MACHINE, *LATER, *ALWAYS_DIFFERENT))
    differences += _between({"blocks": str(old.repetitions)}, {"blocks": str(new.repetitions)})
    others = {variant.name: variant for variant in new.variants}
    for variant in old.variants:
        if variant.name in others:
            differences += [
                (f"{variant.name}: {key}", before, after)
                for key, before, after in _between(variant.options, others[variant.name].options)
            ]
            differences += _other_broker(variant, others[variant.name])
    return differences


def _other_broker(old: VariantFacts, new: VariantFacts) -> list[tuple[str, str, str]]:
    """The brokers that served a variant, if they differ and both runs recorded them."""
    if old.broker is None or new.broker is None or old.broker.identity == new.broker.identity:
        return []
    return [(f"{old.name}: broker", old.broker.identity, new.broker.identity)]


def _between(old: Mapping[str, str], new: Mapping[str, str], but: Iterable[str] = ()) -> list[tuple[str, str, str]]:
    pairs = [(key, old.get(key, "none"), new.get(key, "none")) for key in _keys(old, new) if key not in but]
    return [(key, before, after) for key, before, after in pairs if before != after]


def _keys(old: Iterable[str], new: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*old, *new]))


def _commit(run: Run) -> str:
    return run.environment.commit[:10] + (" with uncommitted changes" if run.environment.dirty else "")
