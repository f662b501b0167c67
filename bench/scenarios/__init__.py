"""The workloads, one module each, found by its name: the numbers of a scenario and the Locust users that drive it.

Importing a scenario imports Locust, which patches the whole process. So the catalogue below reads the declarations
`TRAFFIC`, `PARAMETERS`, `PROFILES`, and where there are any `SWEEPS`, `SINCE`, `HIDDEN`, `NEEDS` and `PROXIED`, from
the source text, as literals, and imports nothing.
"""

from __future__ import annotations

import ast
import difflib
import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bench.messages import LARGEST_BYTES, SMALLEST_BYTES
from bench.paths import CALM_NS, DIRECT, PATHS
from servers._plants import PLANTS

# The value of `slow` where no subscriber reads slowly.
NOT_SLOW = "none"
Traffic = Literal["publisher", "subscribers", "nobody", "arrivals"]
"""Who publishes: the publisher process, every subscriber upstream, or nobody; where arriving itself is what is
measured, the publisher shows afterwards that everybody is there."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One workload as declared. `parameters` hold in every profile unless `profiles[profile]` says otherwise.

    sweeps: parameters that the profile `full` varies, one at a time, and the values beside the scenario's own.
    since: the smallest profile that it is part of without being asked for.
    needs: what a variant must have to take part, a name out of `bench.planning.needs.NEEDS`; empty: nothing.
    controls: every block also holds the harness floor and an A/A twin.
    proxied: subscribers reach the server through a proxy even where the path adds nothing.
    A `hidden` one serves the instrument: it is neither listed nor chosen by a person.
    """

    name: str
    description: str
    path: Path
    traffic: Traffic
    parameters: Mapping[str, Any]
    profiles: Mapping[str, Mapping[str, Any]]
    sweeps: Mapping[str, Sequence[Any]]
    since: str = "quick"
    hidden: bool = False
    needs: str = ""
    proxied: bool = False
    controls: bool = True

    def settled(self, profile: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of a trial. Raises ValueError for a change that no parameter of this name and type takes, and
        where what goes wrong on purpose would not fit into the measured part."""
        settled = {**self.parameters, **self.profiles.get(profile, {})}
        for name, value in changes.items():
            if name not in settled:
                raise ValueError(f"{self.name} has no parameter {name!r}; {nearest(name, settled)}")
            wanted = type(settled[name])
            if wanted is float and isinstance(value, int) and not isinstance(value, bool):
                value = float(value)
            if not isinstance(value, wanted) or isinstance(value, bool):
                raise ValueError(f"{self.name}: {name} takes {wanted.__name__}, not {value!r}")
            settled[name] = _within_bounds(f"{self.name}: {name}", name, value)
        self._ends_in_time(settled)
        if self.traffic == "subscribers" and PATHS[settled.get("path", DIRECT)].life_ns is not None:
            raise ValueError(f"{self.name}: who publishes does not come back, so no path can reset its connections")
        return settled

    def _ends_in_time(self, settled: Mapping[str, Any]) -> None:
        """Raises ValueError where what goes wrong on purpose would lie beyond the measured part."""
        lasts = {"STOP": "stopped_s", "KILL": "killed_s"}.get(str(settled.get("outage")))
        lasts_s: float = settled[lasts] if lasts else 0.0
        for after in sorted({"restart_after_s", "outage_after_s", "slow_after_s"} & settled.keys()):
            if settled[after] + lasts_s >= settled["measure_s"]:
                raise ValueError(
                    f"{self.name}: what begins after {after}={settled[after]:g} must be over within"
                    f" measure_s={settled['measure_s']:g}"
                )
        path = PATHS[settled.get("path", DIRECT)]
        if first_ns := max((span[1] for span in (path.life_ns, path.stall_every_ns) if span), default=0):
            least_s = (CALM_NS + first_ns) / 1e9
            if settled["measure_s"] < least_s:
                raise ValueError(f"{self.name}: on the path {path.name!r} measure_s must be at least {least_s:g}")


BOUNDS = {
    "subscribers": (1, 100_000),
    "rate_hz": (0.001, 100_000.0),
    "payload_bytes": (SMALLEST_BYTES, LARGEST_BYTES),
    "poll_interval_s": (0.001, 60.0),
    "hold_s": (0.0, 60.0),
    "warm_up_s": (0.0, 600.0),
    "settle_s": (0.0, 600.0),
    "measure_s": (0.05, 3600.0),
    "calm_s": (0.05, 3600.0),
    "drain_s": (0.0, 60.0),
    "steps": (0, 100_000),
    "cut_every_s": (0.1, 3600.0),
    "away_s": (0.0, 600.0),
    "connecting_at_once": (1, 100_000),
    "bound_s": (0.001, 60.0),
    "restart_after_s": (0.0, 3600.0),
    "outage_after_s": (0.0, 3600.0),
    "stopped_s": (0.0, 600.0),
    "killed_s": (0.0, 600.0),
    "burst": (1, 10_000),
    "room": (2, 1_000),
    "slow_after_s": (0.0, 3600.0),
    "trickle_s": (0.0, 600.0),
    "stop_s": (0.0, 600.0),
}
"""What a parameter of this name may be, in every scenario; of a list, every element."""

CHOICES = {
    "injected": tuple(PLANTS),
    "signal": ("TERM", "KILL"),
    "slow": ("trickle then stop", NOT_SLOW),
    "afterwards": ("probes", "silence"),
    "outage": ("STOP", "KILL"),
    "path": tuple(PATHS),
}
"""What a parameter of this name may be, where it is a name itself."""


def _within_bounds(label: str, name: str, value: Any) -> Any:
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise ValueError(f"{label} takes no {value!r}; {nearest(value, CHOICES[name])}")
        return value
    low, high = BOUNDS.get(name, (float("-inf"), float("inf")))
    held = value if isinstance(value, list) else [value]
    if not held or not all(isinstance(one, int | float) and low <= one <= high for one in held):
        raise ValueError(f"{label} takes {low} to {high}, not {value!r}")
    if isinstance(value, list) and (value != sorted(set(value)) or value[-1] < 1):
        raise ValueError(f"{label} takes ascending numbers, the last at least 1, not {value!r}")
    return value


def names(hidden: bool = False) -> list[str]:
    """Names of all scenarios, sorted; the hidden ones only when asked for."""
    return [name for name in _modules() if hidden or not load(name).hidden]


def _modules() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def load(name: str) -> Scenario:
    """The declarations of scenario `name`. Raises LookupError with the nearest match for an unknown one."""
    if name not in _modules():
        raise LookupError(f"no scenario {name!r}; {nearest(name, names())}")
    path = Path(__path__[0]) / f"{name}.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    declared = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    traffic, parameters, profiles = (ast.literal_eval(declared[key]) for key in ("TRAFFIC", "PARAMETERS", "PROFILES"))
    description = (ast.get_docstring(tree) or name).splitlines()[0]
    optional = {
        key.lower(): ast.literal_eval(declared[key])
        for key in ("SWEEPS", "SINCE", "HIDDEN", "NEEDS", "PROXIED", "CONTROLS")
        if key in declared
    }
    return Scenario(name, description, path, traffic, parameters, profiles, **{"sweeps": {}, **optional})


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for a name that nobody knows: the closest one, or all there are."""
    there = sorted(known)
    close = difflib.get_close_matches(name, there, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(there)}"
