"""`python -m bench advise`: a need in the words of the command line, and the advice as a text for the terminal."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import results
from bench.advice import basis, phrases
from bench.advice.costs import Costs, fit
from bench.advice.ranking import Advice, Need, advise
from bench.analysis.runs.cells import Cells
from bench.planning.request import Refused
from bench.report.text import clean

_QUANTITY = re.compile(r"(\d+(?:\.\d*)?|\.\d+) *([a-zA-Z]*)", re.ASCII)
_SECONDS = {"": 1.0, "s": 1.0, "ms": 0.001, "min": 60.0}
_BYTES = {"": 1.0, "b": 1.0, "kb": 1000.0, "mb": 1e6, "kib": 1024.0, "mib": 2.0**20}


def seconds(text: str) -> float:
    """A duration such as `2s`, `500ms`, `1.5`. Raises ValueError."""
    return _scaled(text, _SECONDS, "a duration such as 2s or 500ms")


def size(text: str) -> float:
    """A number of bytes such as `300`, `2kB`. Raises ValueError."""
    return _scaled(text, _BYTES, "bytes such as 300 or 2kB")


def count(text: str) -> int:
    """A whole number such as `5000` or `5,000`. Raises ValueError."""
    digits = text.strip().replace(",", "").replace("_", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 16):
        raise ValueError(f"takes a whole number, not {text!r}")
    return int(digits)


def rate(text: str) -> float:
    """Messages per second, such as `0.2`. Raises ValueError."""
    return _scaled(text, {"": 1.0}, "a number of messages per second such as 0.2")


def _scaled(text: str, units: Mapping[str, float], what: str) -> float:
    read = _QUANTITY.fullmatch(text.strip())
    if not read or read[2].lower() not in units:
        raise ValueError(f"takes {what}, not {text!r}")
    return float(read[1]) * units[read[2].lower()]


READERS = {
    "subscribers": count, "rate": rate, "payload": size, "upstream_rate": rate, "max_staleness": seconds,
    "fan_out": count, "cores": count,
}  # fmt: skip


def need_of(asked: dict[str, str | None]) -> Need:
    """The need that these options state, each as it was typed; None for one that was not given. Raises Refused."""
    if asked["subscribers"] is None:
        raise Refused("--subscribers is missing: how many there are, such as --subscribers 5000")
    read: dict[str, float] = {}
    for name, typed in asked.items():
        if typed is not None:
            try:
                read[name] = READERS[name](typed)
            except ValueError as mistake:
                raise Refused(f"--{name.replace('_', '-')} {mistake}") from mistake
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


def advised(folder: Path, need: Need) -> tuple[str, bool]:
    """The text of the advice from a stored run, and whether anything meets the need. Raises ResultsError, and Refused
    where the run was not measured at loads that tell costs apart."""
    costs = fit(Cells(*results.load(folder)))
    if not costs.models:
        lack = basis.lacking(costs) or "no variant was measured"
        raise Refused(f"{folder} does not show what a load costs: {lack}")
    advice = advise(costs, need)
    return text(costs, advice), advice.met


def text(costs: Costs, advice: Advice) -> str:
    """The need, the conclusion, the table, what is to be known about its rows, who is refused, how far to trust it."""
    lines = phrases.lines(advice)
    said = [f"Advice from run {costs.run}: {phrases.asked(advice.need)}", "\n".join(phrases.conclusion(advice))]
    if lines:
        short = slice(phrases.NUMBERS)
        said.append(_table([phrases.COLUMNS[short], *(line.cells[short] for line in lines)]))
        said.append(phrases.why(advice))
        said.append(_known(lines))
    if advice.refused:
        refused = [f"  {phrases.refusal(one, advice.need)}" for one in advice.refused]
        said.append("Not advised:\n" + "\n".join(refused))
    said += [basis.ranking(costs), " ".join([basis.prediction(costs), basis.aims(costs)]), basis.conventions()]
    lack = basis.lacking(costs)
    if lack:
        said.append(f"Not costed from this run: {lack}.")
    return "\n".join(clean(line) for line in "\n\n".join(said).splitlines())


def _known(lines: Sequence[phrases.Line]) -> str:
    """What of the columns is words, and the notes: what most rows share once, and what differs."""
    words = phrases.COLUMNS[phrases.NUMBERS :]
    rows = [(*zip(words, line.cells[phrases.NUMBERS :], strict=True), *line.notes) for line in lines]
    notes = phrases.apart(rows)
    said = [f"  {line.option.variant.label}: {row}" for line, row in zip(lines, notes.rows, strict=True) if row]
    common = [f"  True of all that do not say otherwise: {notes.common}"] if notes.common else []
    return "\n".join(["To be known:", *common, *said])


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Columns set apart by bars, as Markdown has it, and aligned: words to the left, numbers to the right."""
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
