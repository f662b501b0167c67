"""Imports matplotlib without the person's settings: MPLBACKEND, MATPLOTLIBRC, and a matplotlibrc in home or folder.

Matplotlib reads them while it is imported, and a value that it does not know ends the import.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
from pathlib import Path

_SETTINGS = ("MPLBACKEND", "MATPLOTLIBRC")


def _import_matplotlib() -> None:
    """Import it with the settings that it comes with. Nothing happens if it was imported before."""
    spec = importlib.util.find_spec("matplotlib")
    assert spec is not None
    assert spec.origin is not None
    before = {name: os.environ.pop(name) for name in _SETTINGS if name in os.environ}
    # a matplotlibrc in the working folder comes before the one of MATPLOTLIBRC
    os.environ |= {"MPLBACKEND": "agg", "MATPLOTLIBRC": str(Path(spec.origin).parent / "mpl-data")}
    try:
        with contextlib.chdir(Path(__file__).parent):
            importlib.import_module("matplotlib")
    finally:
        for name in _SETTINGS:
            del os.environ[name]
        os.environ |= before


_import_matplotlib()
