"""Whether the record of a trial is whole and agrees with itself. Numbers that contradict each other were altered after
the measurement, or the bench counted wrongly: which of them is right cannot be known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from bench.analysis.trials.findings._check import Check
from bench.results import Ledger, Trial
from bench.scenarios import Arrivals, IdleSteps, Kind, Messages, Search, of_record

Needed = Mapping[str, Callable[[Trial], object]]
MESSAGES: Needed = {
    "ledger": lambda trial: trial.ledger,
    "recount": lambda trial: trial.recount,
    "latency": lambda trial: trial.latency,
}
# What a trial of each kind must have; where there are several sets, one of them. A step of a search is a trial too.
NEEDED: Mapping[type[Kind], tuple[Needed, ...]] = {
    Messages: (MESSAGES,),
    Search: ({"steps of the search": lambda trial: trial.capacity}, MESSAGES),
    IdleSteps: ({"idle steps": lambda trial: trial.idle},),
    Arrivals: ({"arrivals": lambda trial: trial.storm},),
}


def _incomplete(trial: Trial) -> str | None:
    if trial.failure is not None:
        return None
    sets = NEEDED[type(of_record(trial.planned.scenario).kind)]
    missing = [[name for name, of in needed.items() if not of(trial)] for needed in sets]
    return None if [] in missing else f"without {', '.join(missing[0])}"


def _ledger_errors(trial: Trial, ledger: Ledger) -> Iterable[str]:
    if ledger.delivered + ledger.lost != ledger.expected:
        yield f"{ledger.delivered:,} delivered and {ledger.lost:,} lost are not {ledger.expected:,} expected"
    if ledger.signalled > ledger.lost:
        yield f"{ledger.signalled:,} signalled of {ledger.lost:,} lost"
    if trial.latency is not None and trial.latency.count + trial.latency.negative != ledger.delivered:
        yield f"{trial.latency.count + trial.latency.negative:,} latencies of {ledger.delivered:,} delivered"


def _parts_errors(trial: Trial) -> Iterable[str]:
    """Parts that are larger than the whole."""
    reconnects, storm, outage, slow = trial.reconnects, trial.storm, trial.outage, trial.slow_reader
    if reconnects is not None and reconnects.caught_up > reconnects.disconnects:
        yield f"{reconnects.caught_up:,} caught up of {reconnects.disconnects:,} disconnected"
    if storm is not None and storm.connected > storm.subscribers:
        yield f"{storm.connected:,} connected of {storm.subscribers:,} subscribers"
    if outage is not None and outage.began_ns > outage.ended_ns:
        yield "the outage ended before it began"
    if trial.restart is not None and trial.restart.ended_ns > trial.restart.ready_ns:
        yield "the second server was ready before the first had ended"
    if slow is not None and slow.signalled > slow.lost:
        yield f"{slow.signalled:,} signalled of {slow.lost:,} lost at the slow reader"
    for step in trial.capacity:
        if step.delivered > step.expected:
            yield f"{step.delivered:,} delivered of {step.expected:,} expected at {step.rate_hz:g} Hz"


def _contradiction(trial: Trial) -> str | None:
    errors = [*(_ledger_errors(trial, trial.ledger) if trial.ledger is not None else ()), *_parts_errors(trial)]
    return "; ".join(errors) or None


REMEDY = "restore the file as it was measured, or run again; if it is as measured, report a fault of the bench"

RECORD_CHECKS = (
    Check("incomplete record", True, "no ledger, recount or latency, and no failure",
          "nothing shows that all messages arrived", REMEDY, _incomplete),
    Check("record contradicts itself", True, "delivered and lost are not the expected, a latency for each delivered;"
          " a part above its whole", "one of the numbers is wrong", REMEDY, _contradiction),
)  # fmt: skip
