"""What is measured: every public file of this package is one variant; the `_` files are shared by them.

The bench, and the files of variants outside the repository, import only the names of this module.
"""

from __future__ import annotations

import pkgutil
from typing import TYPE_CHECKING

from servers._catalogue import (
    PATH,
    VariantError,
    argument,
    chosen,
    description,
    folder,
    lacking,
    load,
    names,
    origin,
    resolve,
    unavailable,
    versions,
)
from servers._variant import Capability, Limit, Technique, Unavailable, UsedBroker, Variant, Wiring, package

if TYPE_CHECKING:
    from servers import _injections as injections
    from servers import _limits as limits
    from servers import _routes as routes
    from servers._broker import Broker
    from servers._process import signal_on_death_of_parent

__all__ = [
    "Broker", "Capability", "Limit", "Technique", "Unavailable", "UsedBroker", "Variant", "VariantError", "Wiring",
    "argument", "chosen", "description", "folder", "injections", "lacking", "limits", "load", "names", "origin",
    "package", "resolve", "routes", "signal_on_death_of_parent", "unavailable", "versions",
]  # fmt: skip

__path__ = PATH

# `python -m servers` imports this file before gevent patches the sockets and threads of the standard library. So
# modules that use them, and modules that most servers do not need, are imported on first use.
_LATER = {
    "Broker": "servers._broker:Broker",
    "injections": "servers._injections",
    "limits": "servers._limits",
    "routes": "servers._routes",
    "signal_on_death_of_parent": "servers._process:signal_on_death_of_parent",
}

if not TYPE_CHECKING:  # a type checker would accept every name

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return globals().setdefault(name, pkgutil.resolve_name(_LATER[name]))
