"""The plan of a run: scenario x variant x repetition as an ordered list of trials. Pure: no clock, no process."""

from __future__ import annotations

import random
import zlib
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from bench import scenarios
from bench.results import Parameter, Planned
from bench.scenarios import Publishes
from servers import injections


@dataclass(frozen=True, slots=True)
class Profile:
    """How much a run measures.

    purpose: what the profile is for. repetitions: the number of trials per cell. twins: one cell of every scenario runs
    twice in each block (A/A), so that the noise floor is measured and not assumed. sweeps: the declared sweeps of the
    scenarios are part of the run.
    """

    name: str
    purpose: str
    repetitions: int
    twins: bool
    sweeps: bool = False


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("quick", "a look at everything in about a minute; one trial per cell, so no intervals", 1, False),
        Profile("standard", "the comparison: enough trials for intervals, done within minutes", 3, True),
        Profile("full", "every scenario and every sweep, with longer trials", 3, True, True),
    )
}


FLOOR = "null"  # the variant that measures the harness itself
MIXTURE_FLOOR = injections.Injection(
    name="delay 0 ms", subscribers=injections.MIXTURE.subscribers, rate_hz=injections.MIXTURE.rate_hz
)
"""The floor under the mixture: what it would measure with no injection."""

BRIEF = (injections.INJECTIONS["delay 5 ms"], injections.FAULTS)
"""What a block of a run begins with. The faults are also the floor under the delay: nearly all of their deliveries are
on time."""

WHOLE = (*injections.DELAYS, MIXTURE_FLOOR, injections.MIXTURE, injections.INJECTIONS["freeze"], injections.FAULTS)


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a sweep: a cell with one parameter at another value."""

    scenario: str
    variant: str
    parameter: str
    value: Parameter

    @property
    def suffix(self) -> str:
        """The suffix of the ids of its trials: `-rate_hz-40`."""
        value = _shortest(self.value) if isinstance(self.value, float) else str(self.value).replace(" ", "-")
        return f"-{self.parameter}-{value}"


def _shortest(value: float) -> str:
    """The number in six digits, or in all that it has where six are not the same number."""
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)


def trial_seed(seed: int, trial_id: str) -> int:
    """The seed of one trial: the same for the same run seed and trial, whatever else is in the plan."""
    return zlib.crc32(f"{seed}/{trial_id}".encode())


def plan(
    cells: Sequence[tuple[str, str]],
    repetitions: int,
    seed: int,
    twins: Sequence[tuple[str, str]] = (),
    opening: Sequence[injections.Injection] = (),
    points: Sequence[Point] = (),
) -> list[Planned]:
    """Trials for all `(scenario, variant)` cells: block after block, each in its own order.

    A block holds every cell once, so that a drift of the machine affects all cells alike. It holds the cells in `twins`
    twice, and every point of the sweeps. It begins with a calibration of the injections in `opening`.
    """
    planned: list[Planned] = []
    changed = {(one.scenario, one.variant, one.suffix): {one.parameter: one.value} for one in points}
    for block in range(1, repetitions + 1):
        planned = calibration(opening, seed, block, planned)
        order = sorted([*((*cell, "") for cell in cells), *((*cell, "-twin") for cell in twins), *changed])
        random.Random(trial_seed(seed, f"block {block}")).shuffle(order)
        for cell in order:
            scenario, variant, suffix = cell
            trial_id = f"{block:02d}-{scenario}-{variant}{suffix}"
            changes = changed.get(cell, {})
            planned.append(_placed(trial_id, scenario, variant, block, len(planned) + 1, seed, changes))
    return planned


def _placed(
    trial_id: str, scenario: str, variant: str, block: int, position: int, seed: int,
    changes: Mapping[str, Parameter] = MappingProxyType({}),
) -> Planned:  # fmt: skip
    return Planned(
        id=trial_id,
        scenario=scenario,
        variant=variant,
        block=block,
        position=position,
        seed=trial_seed(seed, trial_id),
        changes=dict(changes),
    )


def calibration_trial(
    trial_id: str, injection: injections.Injection, block: int, position: int, seed: int, **changes: Parameter
) -> Planned:
    """A trial of the calibration server under the conditions of an injection."""
    instrument = scenarios.instrument()
    assert instrument.injects
    conditions = {"subscribers": injection.subscribers, "rate_hz": injection.rate_hz, **changes}
    driven = {instrument.injects.name: injection.name, **conditions}
    return _placed(trial_id, instrument.name, instrument.variant, block, position, seed, driven)


def of_run(
    cells: Sequence[tuple[str, str]],
    floors: Sequence[tuple[str, str]],
    repetitions: int,
    seed: int,
    twinned: Container[str],
    points: Sequence[Point] = (),
) -> list[Planned]:
    """The plan of a run. Every block begins with the brief calibration and holds the `floors` among the cells. In the
    scenarios `twinned` it also holds twins, where several variants are compared."""
    doubled = twins([cell for cell in compared(cells) if cell[0] in twinned], seed)
    instrument = [cell for cell in floors if cell not in cells]
    return plan([*cells, *instrument], repetitions, seed, doubled, BRIEF, points)


def floors(publishes: Mapping[str, Publishes]) -> list[tuple[str, str]]:
    """The cells that measure the harness: one in every scenario with messages."""
    return [(scenario, FLOOR) for scenario, publisher in publishes.items() if publisher is not Publishes.NOTHING]


def calibration(
    injected: Sequence[injections.Injection], seed: int, block: int = 1, before: Sequence[Planned] = ()
) -> list[Planned]:
    """A block with one trial of every injection, in a seeded order, after the trials in `before`."""
    planned, order, name = list(before), list(injected), scenarios.instrument().name
    random.Random(trial_seed(seed, f"calibration {block}")).shuffle(order)
    for injection in order:
        suffix = f"-at-{injection.rate_hz:g}-hz" if injection is MIXTURE_FLOOR else ""
        trial_id = f"{block:02d}-{name}-{injection.name.replace(' ', '-')}{suffix}"
        planned.append(calibration_trial(trial_id, injection, block, len(planned) + 1, seed))
    return planned


def compared(cells: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The cells of scenarios with more than one variant."""
    cell_counts = Counter(scenario for scenario, _ in cells)
    return [cell for cell in cells if cell_counts[cell[0]] > 1]


def twins(cells: Sequence[tuple[str, str]], seed: int) -> list[tuple[str, str]]:
    """One cell of every scenario, chosen by the seed. It is the same cell in every block."""
    by_scenario: dict[str, list[tuple[str, str]]] = {}
    for cell in sorted(cells):
        by_scenario.setdefault(cell[0], []).append(cell)
    return [random.Random(trial_seed(seed, f"twin {name}")).choice(own) for name, own in by_scenario.items()]
