"""The sections of a report, a file each, discovered: every public file here, and in the folders of PUSHBENCH_SECTIONS,
declares one as `SECTION`. Its templates and scripts are beside it.
"""

from __future__ import annotations

import functools
import importlib
from dataclasses import replace
from pathlib import Path

from bench import discovery
from bench.report.sections._section import Section, Sources

__all__ = ["Section", "Sources", "every", "folders", "scripts"]

__path__ = discovery.extended(__path__, "PUSHBENCH_SECTIONS")


@functools.cache
def every() -> tuple[Section, ...]:
    """Every section in the order of the page."""
    sections = [
        replace(importlib.import_module(f"{__name__}.{name}").SECTION, name=name) for name in discovery.names(__path__)
    ]
    return tuple(sorted(sections, key=lambda section: (section.order, section.name)))


def folders() -> list[str]:
    """The folders of their templates."""
    return list(__path__)


def scripts() -> list[Path]:
    """The scripts of all sections, which the page runs."""
    return [
        discovery.file_of(__path__, section.name).with_name(script) for section in every() for script in section.scripts
    ]
