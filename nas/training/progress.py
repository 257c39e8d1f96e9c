"""How long stages report where they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with the stage ("warm-up", "features", "training"), how much is done, and of how much."""


def silent(stage: str, done: int, total: int) -> None:
    """Report nothing."""
