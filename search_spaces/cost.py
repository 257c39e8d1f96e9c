"""What an architecture costs, counted by formula."""

from __future__ import annotations

from typing import NamedTuple


class Cost(NamedTuple):
    """Trainable parameters, and multiply-adds of one forward pass of one image."""

    parameters: int
    multiply_adds: int
