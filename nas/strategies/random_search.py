"""Uniform random search without repeats."""

from __future__ import annotations

import random

from nas.strategies.base import CellStrategy
from search_spaces.dense_cell.architecture import DenseCell


class RandomSearch(CellStrategy):
    """Draws uniformly over the cells as sequences of branches, and draws again where a cell was proposed before."""

    def _propose(self, number: int, rng: random.Random) -> DenseCell | None:  # noqa: ARG002  nothing to learn from
        return None
