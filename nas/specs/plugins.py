"""Kinds of search that installed packages bring along."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import Any

GROUP = "segnas.kinds"
"""Entry point group; each entry names a `nas.kinds.protocol.Kind` object: `my_kind = "my_package:KIND"`."""


@cache
def plugged_in() -> tuple[Any, ...]:
    """Load the kinds of search of all installed packages, in the order of their entry points' names.

    Returns:
        The `nas.kinds.protocol.Kind` objects; typed as anything here, since kinds stand above specs.
    """
    return tuple(entry.load() for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name))
