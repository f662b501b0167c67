"""Rank the variants that meet a need by what they cost, from the costs measured in a run.

Ranks them by the server cores they cost. Every number is predicted from fitted costs. The output says which cells a
number comes from, what is extrapolated, and how far predictions are off on cells that are left out of the fit. The run
needs the sweeps of the profile full. Messages published per second = subscribers x rate / fan-out. Exits with 1 if
nothing meets the need.

examples:
  python -m bench advise --subscribers 5000 --rate 0.2 --payload 300 --max-staleness 2s
  python -m bench advise --subscribers 50000 --rate 0.01 --fan-out 1 --max-staleness 10s --cores 4
  python -m bench advise reference --subscribers 1000 --rate 2 --fan-out 20 --upstream-rate 0.1 --payload 2kB
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.advice import answer, reliability
from bench.advice.costs import Costs, fit
from bench.advice.needs import Need
from bench.advice.ranking import Advice
from bench.advice.ranking import advise as ranked
from bench.advice.words import COLUMNS, NUMBERS
from bench.analysis.runs.cells import Cells
from bench.analysis.trials import stored
from bench.commands import _quantities
from bench.commands._options import add_results, add_stored_run
from bench.commands._stored import folder_of
from bench.planning.request import Refused
from bench.report.text import clean

READERS: dict[str, Callable[[str], float]] = {
    "subscribers": _quantities.count,
    "rate": _quantities.rate,
    "payload": _quantities.size,
    "upstream_rate": _quantities.rate,
    "max_staleness": _quantities.seconds,
    "fan_out": _quantities.count,
    "cores": _quantities.count,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which run, and the need. What it takes is read later, so that a mistake is reported in one line."""
    add_stored_run(parser)
    for option, default, words in (
        ("--subscribers", None, "number of subscribers"),
        ("--rate", "1", "messages per second that each subscriber receives"),
        ("--payload", "100", "bytes of a message: 300, 2kB"),
        ("--upstream-rate", "0", "messages per second that each subscriber sends"),
        ("--max-staleness", "2s", "how old a message may be when it arrives: 2s, 500ms"),
        ("--fan-out", None, "number of subscribers that one message goes to; 1: each subscriber has its own messages"
                            " (default: all subscribers)"),
        ("--cores", None, "refuse what needs more cores than this; a server process uses one"),
    ):  # fmt: skip
        shown = f"{words} (default: {default})" if default else words
        parser.add_argument(option, default=default, metavar="N", help=shown)
    add_results(parser)


def run(options: argparse.Namespace) -> int:
    """Print the variants that meet the need, the cheapest first. Returns 1 if there is none. Raises Refused,
    ResultsError."""
    need = need_of(options)
    advice, met = advised(folder_of(options.run, options.results), need)
    print(advice)
    return 0 if met else 1


def need_of(options: argparse.Namespace) -> Need:
    """The need that these options state. Raises Refused."""
    if options.subscribers is None:
        raise Refused("--subscribers is missing: the number of subscribers, such as --subscribers 5000")
    typed = {name: getattr(options, name) for name in READERS}
    read = {name: _read(name, text) for name, text in typed.items() if text is not None}
    try:
        return Need(
            subscribers=int(read["subscribers"]),
            rate=read["rate"],
            payload_bytes=read["payload"],
            upstream_rate=read["upstream_rate"],
            max_staleness_s=read["max_staleness"],
            fan_out=int(read.get("fan_out", read["subscribers"])),
            cores=int(read["cores"]) if "cores" in read else None,
        )
    except ValueError as mistake:
        raise Refused(f"--{mistake}") from mistake


def _read(name: str, text: str) -> float:
    try:
        return READERS[name](text)
    except ValueError as mistake:
        raise Refused(f"--{name.replace('_', '-')} {mistake}") from mistake


def advised(folder: Path, need: Need) -> tuple[str, bool]:
    """The text of the advice from a stored run, and whether anything meets the need. Raises ResultsError, and Refused
    where the run was not measured at loads that tell costs apart."""
    costs = fit(Cells(*stored.load(folder)))
    if not costs.models:
        lack = reliability.lacking(costs) or "no variant was measured"
        raise Refused(f"{folder} does not show what a load costs: {lack}")
    advice = ranked(costs, need)
    return text(costs, advice), advice.met


def text(costs: Costs, advice: Advice) -> str:
    """The need, the conclusion, the table with notes on its rows, what is refused, and how far to trust it."""
    lines = answer.lines(advice)
    parts = [f"Advice from run {costs.run}: {answer.requirement(advice.need)}", "\n".join(answer.conclusion(advice))]
    if lines:
        short = slice(NUMBERS)
        parts.append(_table([[title for title, _ in COLUMNS[short]], *(line.cells[short] for line in lines)]))
        parts.append(answer.why(advice))
        parts.append(_notes(lines))
    if advice.refused:
        refusals = [f"  {answer.refusal(one, advice.need)}" for one in advice.refused]
        parts.append("Not advised:\n" + "\n".join(refusals))
    parts += [
        reliability.ranking(costs),
        " ".join([reliability.prediction(costs), reliability.aims(costs)]),
        reliability.conventions(),
    ]
    lack = reliability.lacking(costs)
    if lack:
        parts.append(f"Not costed from this run: {lack}.")
    return "\n".join(clean(line) for line in "\n\n".join(parts).splitlines())


def _notes(lines: Sequence[answer.Line]) -> str:
    """The columns that are sentences, and the notes: once what most rows share, then what differs."""
    words = [title for title, _ in COLUMNS[NUMBERS:]]
    rows = [(*zip(words, line.cells[NUMBERS:], strict=True), *line.notes) for line in lines]
    notes = answer.shared(rows)
    differing = [f"  {line.option.variant.label}: {row}" for line, row in zip(lines, notes.rows, strict=True) if row]
    common = [f"  True of all that do not say otherwise: {notes.common}"] if notes.common else []
    return "\n".join(["To be known:", *common, *differing])


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Columns separated by bars, as in Markdown, and aligned: words to the left, numbers to the right."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    words = (0,)

    def line(row: Sequence[str]) -> str:
        cells = [
            cell.ljust(width) if place in words else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return f"| {' | '.join(cells)} |".rstrip()

    ruler = [
        f":{'-' * (width - 1)}" if place in words else f"{'-' * (width - 1)}:" for place, width in enumerate(widths)
    ]
    return "\n".join([line(rows[0]), f"| {' | '.join(ruler)} |", *(line(row) for row in rows[1:])])
