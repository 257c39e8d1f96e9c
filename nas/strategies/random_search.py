"""Uniform random search without repeats."""

from __future__ import annotations

import random

from nas.strategies.base import SpaceStrategy
from nas.strategies.spaces import A


class RandomSearch(SpaceStrategy[A]):
    """Draws uniformly over the architectures as written, and draws again where one was proposed before."""

    def _propose(self, number: int, rng: random.Random) -> A | None:  # noqa: ARG002  nothing to learn from
        return None
