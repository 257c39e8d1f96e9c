"""The table of a reference search as the REST interface answers it."""

from __future__ import annotations

from pydantic import Field

from nas.schemas.base import PublicModel


class DifferencePublic(PublicModel):
    """A head minus the trunk without a unit, paired by seed, in mIoU."""

    baseline: str
    mean: float
    error: float | None = Field(description="Standard error of the mean; null with one seed.")
    seeds: int


class ReferencePublic(PublicModel):
    """One head of a reference search."""

    head: str
    architecture_key: str
    parameters: int | None
    multiply_adds: int | None
    device_seconds: float | None = Field(description="Mean of a trial.")
    scores: dict[int, float] = Field(description="Validation mIoU by seed, of trials that reached the last rung.")
    failed: dict[int, str] = Field(description="Why, by seed.")
    mean: float | None
    spread: float | None = Field(description="Standard deviation over the seeds (n - 1).")
    difference: DifferencePublic | None
