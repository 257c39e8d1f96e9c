"""What an architecture costs, counted by formula."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Cost(NamedTuple):
    """Trainable parameters, and multiply-adds of one forward pass of one image."""

    parameters: int
    multiply_adds: int


def total(parts: Iterable[Cost]) -> Cost:
    """Add up costs."""
    listed = list(parts)
    return Cost(sum(part.parameters for part in listed), sum(part.multiply_adds for part in listed))
