"""Answers about the heads of a reference search."""

from __future__ import annotations

from pydantic import Field

from nas.schemas.base import PublicModel


class DifferencePublic(PublicModel):
    """Difference in mIoU of a head to the trunk without a unit, paired by seed."""

    baseline: str
    mean: float
    error: float | None = Field(description="Standard error of the mean; null with one seed.")
    seeds: int


class ReferencePublic(PublicModel):
    """One head of a reference search, over all its seeds."""

    head: str
    architecture_key: str
    parameters: int | None
    multiply_adds: int | None
    device_seconds: float | None = Field(description="Mean of one trial.")
    scores: dict[int, float] = Field(description="Validation mIoU of each seed whose trial reached the last rung.")
    failed: dict[int, str] = Field(description="Reason of each seed whose trial failed.")
    mean: float | None
    spread: float | None = Field(description="Standard deviation over the seeds (n - 1).")
    difference: DifferencePublic | None
