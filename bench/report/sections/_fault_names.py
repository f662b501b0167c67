"""What the faults are called, and what is done in each scenario, in words with the parameters of the run in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bench.analysis.runs.faults import BACK_SHARE, Fault
from bench.results import Parameter
from bench.units import DASH, percent, tick


@dataclass(frozen=True, slots=True)
class Name:
    """What a scenario is called and what was done in it: `{...}` stands for a parameter, `{acts}` for those of its
    faults that were caused. faults, acts: by the value of its parameter. recovered: until when recovery is told.
    """

    title: str
    done: str
    recovered: str
    faults: Mapping[str, str]
    acts: Mapping[str, str] = field(default_factory=dict)


NAMES = {
    "dropped": Name(
        "Dropped connections",
        "Each of {subscribers} subscribers was cut off about every {cut_every_s}, without a farewell, and came back"
        " after {away_s}, where it had left off if the variant resumes, while {rate_hz} messages a second were"
        " published.",
        "from the first attempt to come back until half of those who returned were fresh again",
        {"": "dropped connections"},
    ),
    "restart": Name(
        "Server restart",
        "{restart_after_s} into the measured part the server was {acts}, and another took its place on the same port."
        " Each of {subscribers} subscribers came back with backoff and full jitter, while {rate_hz} messages a second"
        " were due.",
        f"from the loss of the server until {percent(BACK_SHARE)} of those who lost it were back",
        {"TERM": "server told to stop (TERM)", "KILL": "server killed (KILL)"},
        {"TERM": "told to stop", "KILL": "killed"},
    ),
    "slow_reader": Name(
        "Slow reader",
        "One of {subscribers} subscribers read a trickle for {trickle_s}, then nothing for {stop_s}, while {rate_hz}"
        " messages a second were published. Counted are the others; the slow one is told apart.",
        "",
        {"trickle then stop": "the others beside a slow reader"},
    ),
    "outage": Name(
        "Broker outage",
        "{outage_after_s} into the measured part the broker behind the server was {acts}. Only variants with a broker"
        " process of their own take part.",
        "from the return of the broker until everybody was served again",
        {"STOP": "broker stopped (STOP)", "KILL": "broker killed (KILL)"},
        {"STOP": "stopped for {stopped_s} and continued", "KILL": "killed and replaced after {killed_s}"},
    ),
    "lossy": Name(
        "Poor path",
        "{rate_hz} messages a second went to each of {subscribers} subscribers over a proxy that emulates a path in"
        " user space.",
        f"from the loss of a connection until {percent(BACK_SHARE)} of those who lost theirs were back",
        {},
    ),
}


class _Numbers(dict[str, str]):
    """Parameters as they were set; a dash for what the scenario does not have."""

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        super().__init__({name: _number(name, value) for name, value in parameters.items()})

    def __missing__(self, name: str) -> str:
        return DASH


def _number(name: str, value: Parameter) -> str:
    if not isinstance(value, int | float):
        return str(value)
    return tick(value * 1e9, "ns") if name.endswith("_s") else f"{value:,.4g}"


def what_was_done(name: Name, parameters: Mapping[str, Parameter], faults: Iterable[Fault]) -> str:
    """What was done, by the parameters and by the faults that were caused."""
    numbers = _Numbers(parameters)
    numbers["acts"] = " or ".join(
        name.acts[fault.value].format_map(numbers) if fault.value in name.acts else fault.value for fault in faults
    )
    return name.done.format_map(numbers)


def fault_words(fault: Fault) -> str:
    """What a fault is called."""
    value = f"path: {fault.value}" if fault.scenario == "lossy" else fault.value or fault.name
    return NAMES[fault.scenario].faults.get(fault.value, value)
