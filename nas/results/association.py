"""How well one score orders architectures by another: an interval of rho, a p-value, the overlap of the best.

The service answers with these values as they are. `nas.ranking` computes them, and needs numpy and scipy for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

Method = Literal["exact permutation", "sampled permutation", "Student's t"]
"""How a p-value was computed."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval of the rank correlation rho: `low` <= rho <= `high` in `level` of samples."""

    low: float
    high: float
    level: Annotated[float, Field(description="Confidence level, such as 0.95.")]
    method: str

    def __contains__(self, rho: float) -> bool:
        return self.low <= rho <= self.high


@dataclass(frozen=True, slots=True)
class PValue:
    """Two-sided p-value of the hypothesis that there is no association, and how it was computed."""

    value: float
    method: Method


@dataclass(frozen=True, slots=True)
class TopOverlap:
    """The fraction of the `k` best architectures by proxy that is also among the `k` best at full scale."""

    k: int
    fraction: float
    chance: Annotated[float, Field(description="Expected fraction of a random choice.")]
