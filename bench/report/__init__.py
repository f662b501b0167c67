"""The report: the only part that knows matplotlib and jinja2. It reads what was stored and computes everything anew."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

from bench import files, results

LATEST = "latest"
# What of a run can be put into prose, between `<!-- NAME: begin -->` and `<!-- NAME: end -->`, by which template.
MARKS = {"the comparison": "readme.md.j2", "the comparison, in Chinese": "readme.zh-CN.md.j2"}


def rehearse(reports: Path) -> None:
    """Write a folder and a link as a report has them, and remove both. Raises OSError where that cannot be done."""
    with ExitStack() as undo:
        files.make_folder(reports, undo)
        page = reports / f".rehearsal.{os.getpid()}"
        undo.callback(shutil.rmtree, page, ignore_errors=True)
        put_in_place(page, {Path("figures", "a.svg"): b"<svg/>"})
        link = page.with_name(f"{page.name}.{LATEST}")
        undo.callback(link.unlink, missing_ok=True)
        _point(link, page.name)


def build(run_folder: Path, reports: Path) -> Path:
    """Write `reports/<run>/` (page, summary, figures, table) from a stored run, in place of an earlier one; the page.

    `reports/latest` then points to it. Results are only read. Raises bench.results.ResultsError for a run that cannot
    be read, and OSError where the report cannot be written; an earlier report then still stands.
    """
    from bench.analysis.runs.cells import Cells
    from bench.analysis.runs.claim_verdicts import claims
    from bench.analysis.trials import stored

    # matplotlib takes half a second: only who builds pays for it
    from bench.report import figures, instrument, numbers, origin, page
    from bench.report.sections import Sources

    name = run_folder.resolve().name
    if (reports / name / "run.json").exists():
        raise results.ResultsError(f"{reports} holds results: a report written there would replace them")
    cells = Cells(*stored.load(run_folder))
    sources = Sources(cells, claims(cells), list(figures.drawn(cells)), instrument.facts(run_folder, cells))
    drawn = ((figure.name, figure.files()) for figure in sources.figures)
    written = {Path("figures", f"{title}.{suffix}"): file for title, made in drawn for suffix, file in made.items()}
    facts = page.facts(sources, name, origin.links(run_folder, reports), numbers.FILE)
    written[Path("index.html")] = page.page(facts, sources).encode()
    written[Path("summary.md")] = page.summary(facts).encode()
    written[Path("instrument.md")] = page.prose("instrument.md.j2", facts, reports.as_posix()).encode()
    written[Path(numbers.FILE)] = numbers.csv_text(cells).encode()
    reports.mkdir(parents=True, exist_ok=True)
    put_in_place(reports / name, written)
    _point(reports / LATEST, name)
    return reports / name / "index.html"


def spliced(text: str, run_folder: Path, report_folder: str) -> str:
    """`text` with what stands between known marks replaced by what a run shows. Raises ValueError where there are none,
    and bench.results.ResultsError.
    """
    from bench.analysis.runs.cells import Cells
    from bench.analysis.runs.claim_verdicts import claims
    from bench.analysis.trials import stored
    from bench.report import instrument, origin, page
    from bench.report.sections import Sources

    marks = [name for name in MARKS if f"<!-- {name}: begin -->" in text]
    if not marks:
        raise ValueError(
            f"there is no <!-- {' or '.join(MARKS)}: begin --> ... <!-- ...: end --> to put numbers between"
        )
    cells = Cells(*stored.load(run_folder))
    sources = Sources(cells, claims(cells), (), instrument.facts(run_folder, cells))
    given = page.facts(sources, run_folder.name, origin.Links(), "")
    for name in marks:
        before, begin, rest = text.partition(f"<!-- {name}: begin -->")
        _, end, after = rest.partition(f"<!-- {name}: end -->")
        if not end:
            raise ValueError(f"there is no <!-- {name}: end -->")
        text = f"{before}{begin}\n{page.prose(MARKS[name], given, report_folder)}\n{end}{after}"
    return text


def put_in_place(folder: Path, written: dict[Path, bytes]) -> None:
    """Put a folder of these files, and no others, where there may be an older one."""
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for path, content in written.items():
            (fresh / path).parent.mkdir(parents=True, exist_ok=True)
            (fresh / path).write_bytes(content)
        with suppress(PermissionError):  # a file system without modes, as exFAT
            fresh.chmod(0o755)
        _swap(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _swap(fresh: Path, folder: Path) -> None:
    """Put a folder in the place of an older one, which stays if that fails."""
    older = fresh.with_name(f"{fresh.name}.older")
    if folder.exists():
        folder.rename(older)
    try:
        fresh.rename(folder)
    except BaseException:
        if older.exists():
            older.rename(folder)
        raise
    shutil.rmtree(older, ignore_errors=True)


def _point(link: Path, name: str) -> None:
    """Make `link` lead to its neighbour `name`: a relative link, or a file that holds the name where there are none."""
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    try:
        _link(temporary, name)
        temporary.replace(link)
    finally:
        temporary.unlink(missing_ok=True)


def _link(path: Path, name: str) -> None:
    try:
        path.symlink_to(name, target_is_directory=True)
    except (OSError, NotImplementedError):
        path.write_text(f"{name}\n", encoding="utf-8")
