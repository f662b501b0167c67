"""A report is written whole, in the place of an older one, or the older one stays; both are tried before measuring."""

import errno
from pathlib import Path

import pytest

from bench.report import put_in_place, rehearse
from tests.results.test_store import fail

PAGE = {Path("figures", "a.svg"): b"<svg/>", Path("index.html"): b"new"}


@pytest.fixture
def older(tmp_path):
    folder = tmp_path / "reports" / "mine"
    folder.mkdir(parents=True)
    (folder / "index.html").write_bytes(b"older")
    (folder / "gone.html").touch()
    return folder


def written(folder):
    """The content of every file beside and below a report, by its name."""
    return {path.relative_to(folder.parent).as_posix(): path.read_bytes()
            for path in folder.parent.rglob("*") if path.is_file()}  # fmt: skip


def test_a_report_takes_the_place_of_an_older_one_with_all_its_files(older):
    put_in_place(older, PAGE)
    assert written(older) == {"mine/figures/a.svg": b"<svg/>", "mine/index.html": b"new"}


def test_a_report_is_written_where_files_have_no_modes(older, monkeypatch):
    monkeypatch.setattr(Path, "chmod", fail(errno.EPERM))
    put_in_place(older, PAGE)
    assert written(older) == {"mine/figures/a.svg": b"<svg/>", "mine/index.html": b"new"}


@pytest.mark.parametrize("failing", [(Path, "write_bytes"), (Path, "chmod")])
def test_a_report_that_cannot_be_written_leaves_the_older_one(older, monkeypatch, failing):
    before = written(older)
    monkeypatch.setattr(*failing, fail(errno.ENOSPC))
    with pytest.raises(OSError, match="No space left"):
        put_in_place(older, PAGE)
    assert written(older) == before


def test_an_older_report_comes_back_if_the_new_one_cannot_take_its_place(older, monkeypatch):
    before, rename = written(older), Path.rename

    def first_and_last(path, target):
        if target == older and not path.name.endswith(".older"):
            fail(errno.EIO)()
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", first_and_last)
    with pytest.raises(OSError, match="Input/output error"):
        put_in_place(older, PAGE)
    assert written(older) == before


def test_a_rehearsal_leaves_nothing(tmp_path, older):
    before = written(older)
    rehearse(older.parent)
    rehearse(tmp_path / "elsewhere" / "deep")
    assert written(older) == before
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]


@pytest.mark.parametrize("failing", [(Path, "write_bytes"), (Path, "rename"), (Path, "replace")])
def test_a_rehearsal_fails_where_a_step_of_writing_a_report_does_and_leaves_nothing(tmp_path, monkeypatch, failing):
    monkeypatch.setattr(*failing, fail(errno.EROFS))
    with pytest.raises(OSError, match="Read-only"):
        rehearse(tmp_path / "reports")
    assert list(tmp_path.iterdir()) == []
