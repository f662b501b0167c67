"""A file is written whole or not at all, and a new one never over another: with hard links and without."""

import errno
import os
import shutil
import stat
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench import files

WITHOUT_LINKS = [errno.EPERM, errno.ENOTSUP, errno.ENOSYS]


def failing(number):
    """A function of the system that fails with this error."""

    def fail(*_arguments, **_options):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.fixture(params=[None, *WITHOUT_LINKS], ids=["hard links", *map(errno.errorcode.get, WITHOUT_LINKS)])
def file_system(request, monkeypatch):
    """A file system with hard links, or one that refuses them in this way."""
    if request.param is not None:
        monkeypatch.setattr(os, "link", failing(request.param))


def full_disk(monkeypatch):
    """From now on every write stores the first bytes alone and fails."""
    write = Path.write_bytes

    def fill(path, content):
        write(path, content[:1])
        failing(errno.ENOSPC)()

    monkeypatch.setattr(Path, "write_bytes", fill)


@pytest.mark.usefixtures("file_system")
def test_a_new_file_is_written_and_nothing_else_is_left(tmp_path):
    files.write_new(tmp_path / "a.json", b"{}")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.json", b"{}")]


@pytest.mark.usefixtures("file_system")
def test_a_file_that_exists_is_never_overwritten(tmp_path):
    (tmp_path / "a.json").write_bytes(b"first")
    with pytest.raises(FileExistsError):
        files.write_new(tmp_path / "a.json", b"second")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.json", b"first")]


@pytest.mark.usefixtures("file_system")
def test_of_several_writers_one_writes(tmp_path):
    outcomes = []

    def write(number):
        try:
            # a process has one temporary file per name: each thread stands for a process of its own
            files._give_name(temporaries[number], tmp_path / "a.json")
            outcomes.append(number)
        except FileExistsError:
            pass

    temporaries = [tmp_path / f".a.{number}" for number in range(8)]
    for number, temporary in enumerate(temporaries):
        temporary.write_bytes(f"{number}".encode())
    writers = [threading.Thread(target=write, args=[number]) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    (winner,) = outcomes
    assert (tmp_path / "a.json").read_bytes() == f"{winner}".encode()


@pytest.mark.usefixtures("file_system")
def test_a_full_disk_leaves_no_part_of_a_new_file(tmp_path, monkeypatch):
    full_disk(monkeypatch)
    with pytest.raises(OSError, match="No space left"):
        files.write_new(tmp_path / "a.json", b"{}")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_was_reserved_is_free_again_if_the_write_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    monkeypatch.setattr(Path, "replace", failing(errno.EIO))
    with pytest.raises(OSError, match="Input/output error"):
        files.write_new(tmp_path / "a.json", b"{}")
    assert list(tmp_path.iterdir()) == []


def test_an_error_that_does_not_concern_links_is_not_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", failing(errno.EIO))
    with pytest.raises(OSError, match="Input/output error"):
        files.write_new(tmp_path / "a.json", b"{}")
    assert list(tmp_path.iterdir()) == []


def test_an_older_file_is_replaced_and_keeps_its_mode(tmp_path):
    target = tmp_path / "table.csv"
    target.write_bytes(b"old")
    target.chmod(0o640)
    files.replace(target, b"new")
    assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (b"new", 0o640)
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_a_file_is_replaced_also_where_files_have_no_modes(tmp_path, monkeypatch):
    (tmp_path / "table.csv").write_bytes(b"old")
    monkeypatch.setattr(os, "chmod", failing(errno.EPERM))
    monkeypatch.setattr(shutil, "copymode", failing(errno.EPERM))
    files.replace(tmp_path / "table.csv", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("table.csv", b"new")]


def test_a_full_disk_leaves_the_older_file_as_it_was(tmp_path, monkeypatch):
    (tmp_path / "table.csv").write_bytes(b"old")
    full_disk(monkeypatch)
    with pytest.raises(OSError, match="No space left"):
        files.replace(tmp_path / "table.csv", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("table.csv", b"old")]


def test_a_link_to_a_file_stays_a_link(tmp_path):
    (tmp_path / "real.csv").write_bytes(b"old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    files.replace(tmp_path / "link.csv", b"new")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_bytes() == b"new"


def test_a_file_that_cannot_be_replaced_is_written_in_place(tmp_path, monkeypatch):
    (tmp_path / "mounted.csv").write_bytes(b"old")
    monkeypatch.setattr(Path, "replace", failing(errno.EBUSY))
    files.replace(tmp_path / "mounted.csv", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("mounted.csv", b"new")]


def test_a_pipe_is_written_directly(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    files.replace(pipe, b"table")
    reader.join()
    assert read == [b"table"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_device_is_written_directly():
    files.replace(Path(os.devnull), b"table")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_the_name_of_an_open_file_is_written_directly(name):
    assert files._is_stream(Path(name))


def test_folders_are_made_as_far_as_they_are_missing_and_removed_again(tmp_path):
    (tmp_path / "there").mkdir()
    with ExitStack() as undo:
        files.make_folder(tmp_path / "there" / "a" / "b", undo)
        assert (tmp_path / "there" / "a" / "b").is_dir()
        assert files.nearest_folder(tmp_path / "there" / "c" / "d") == tmp_path / "there"
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


def test_a_folder_in_which_a_file_lies_by_then_is_not_removed(tmp_path):
    with ExitStack() as undo:
        files.make_folder(tmp_path / "a" / "b", undo)
        (tmp_path / "a" / "file").touch()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "file"]


def test_a_folder_that_another_process_makes_first_is_used_and_stays(tmp_path, monkeypatch):
    make = Path.mkdir

    def overtaken(path):
        make(path)
        make(path)

    monkeypatch.setattr(Path, "mkdir", overtaken)
    with ExitStack() as undo:
        files.make_folder(tmp_path / "a", undo)
    assert (tmp_path / "a").is_dir()


def test_a_folder_in_the_place_of_which_a_file_lies_is_not_made(tmp_path):
    (tmp_path / "file").touch()
    with ExitStack() as undo, pytest.raises(FileExistsError):
        files.make_folder(tmp_path / "file", undo)
