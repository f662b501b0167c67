"""How files are written: whole or not at all. A new file never takes the place of another.

Every write goes through a temporary file beside its target. A disk that is full, or a process that is killed, damages
only that.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from contextlib import ExitStack
from pathlib import Path

# How a file system refuses hard links that has none: FAT and exFAT, network and user-space file systems, sandboxes.
NO_HARD_LINKS = frozenset({
    errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL,
})  # fmt: skip
# Why a file may be written and yet not replaced: its folder is not writable, or the file is a mount point.
NOT_REPLACEABLE = frozenset({errno.EPERM, errno.EACCES, errno.EBUSY, errno.EROFS})
OPEN_FILES = ("/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/")  # names of files that are open


def write_new(path: Path, content: bytes) -> None:
    """Write a file that does not exist yet. Raises FileExistsError if it does, and OSError; it is then not written.

    A hard link gives the temporary file its name, and fails if the name is taken. Where there are no hard links, the
    name is first reserved by an empty file, whose creation fails likewise, and then the temporary file replaces it. So
    neither way overwrites a file or shows a part of one. The second way shows an empty file between both steps, which
    remains only if the process is killed there.
    """
    temporary = _beside(path)
    try:
        temporary.write_bytes(content)
        _give_name(temporary, path)
    finally:
        _remove(temporary)


def replace(path: Path, content: bytes) -> None:
    """Write a file, in the place of an older one. Raises OSError; the older one is then as it was.

    What is no regular file (a pipe, a device, /dev/stdout) is written directly, and so is a file that cannot be
    replaced, in a folder that is not writable for example.
    """
    if _is_stream(path):
        path.write_bytes(content)
        return
    target = Path(os.path.realpath(path))  # a link stays a link
    temporary = _beside(target)
    try:
        temporary.write_bytes(content)
        with contextlib.suppress(FileNotFoundError, PermissionError):  # no older file, or no modes, as on exFAT
            shutil.copymode(target, temporary)
        temporary.replace(target)
    except OSError as error:
        if error.errno not in NOT_REPLACEABLE or not target.exists():
            raise
        target.write_bytes(content)
    finally:
        _remove(temporary)


def make_folder(folder: Path, undo: ExitStack) -> None:
    """Make a folder and those above it, as far as they do not exist. `undo` then removes those that it made, unless
    they hold a file by then. Raises OSError."""
    missing = [one for one in (folder, *folder.parents) if not one.is_dir()]
    for one in reversed(missing):
        try:
            one.mkdir()
        except FileExistsError:
            if not one.is_dir():  # another process may have made it just now
                raise
        else:
            undo.callback(_remove_empty, one)


def nearest_folder(path: Path) -> Path:
    """The path itself if it is a folder that exists, else the first above it that is one."""
    return next(one for one in (path, *path.absolute().parents) if one.is_dir())


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")


def _give_name(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in NO_HARD_LINKS:
            raise
        _replace_reservation(temporary, path)


def _replace_reservation(temporary: Path, path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        temporary.replace(path)
    except BaseException:
        _remove(path)
        raise


def _is_stream(path: Path) -> bool:
    if path.absolute().as_posix().startswith(OPEN_FILES):
        return True
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _remove_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()
