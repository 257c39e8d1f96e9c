"""Trials as the REST interface answers them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import AliasChoices, Field

from nas import formatting
from nas.results.status import TrialStatus
from nas.schemas.base import PagePublic, PublicModel


class TrialPublic(PublicModel):
    """One trial; score, iteration and seconds are those of the deepest rung measured."""

    # The store's record has the same names: `model_validate(record, from_attributes=True)` makes one of the other.

    number: int
    status: TrialStatus
    score: float | None = Field(description="Validation mIoU in [0, 1].")
    iteration: int | None
    standing: tuple[float, ...] | None = Field(
        description="Greater, compared number by number, is better among the trials of a search: the rung, then the "
        "score. Null for a trial that failed or has no score: it comes last."
    )
    seconds: float | None
    duration: str = Field(
        description="`seconds` in the unit that suits.",
        default_factory=lambda fields: formatting.duration(fields["seconds"]),
    )
    device_seconds: float | None
    parameters: int | None = Field(None, description="Trainable ones of what was trained.")
    multiply_adds: int | None = Field(None, description="Of one forward pass of that for one crop.")
    source: str | None = Field(None, description="SEARCH/NUMBER of the trial from which it was taken over, unrun.")
    reason: str | None = Field(description="Why it failed, where it did.")
    attempt: int
    seed: int
    architecture: dict[str, Any] = Field(validation_alias=AliasChoices("architecture_json", "architecture"))
    text: str = Field(description="The architecture in one line.")
    architecture_key: str
    fidelity_key: str
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


class MeasurementPublic(PublicModel):
    """One rung of a learning curve."""

    iteration: int
    score: float
    class_iou: tuple[float | None, ...]
    train_loss: float
    val_loss: float
    seconds: float
    device_seconds: float


class TrialDetail(TrialPublic):
    """A trial with its learning curve, ascending in iterations, and the architecture document to take away."""

    curve: tuple[MeasurementPublic, ...]
    document: dict[str, Any]


class TrialPage(PagePublic[TrialPublic]):
    """One page of trials."""
