"""Plugins: kinds of search in other installed packages."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import Any

GROUP = "segnas.kinds"
"""The entry point group of plugins; an entry names a `nas.kinds.protocol.Kind`: `my_kind = "my_package:KIND"`."""


@cache
def plugged_in() -> tuple[Any, ...]:
    """Load the kinds of search of all installed packages, in the order of their entry points' names.

    Returns:
        The `nas.kinds.protocol.Kind` objects, typed `Any` because specs do not import kinds.
    """
    return tuple(entry.load() for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name))
