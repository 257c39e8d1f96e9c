"""A search as the REST interface answers it."""

from __future__ import annotations

from datetime import datetime

from pydantic import ConfigDict, Field
from typing_extensions import TypeAliasType

from nas import formatting
from nas.results.status import SearchStatus, TrialStatus
from nas.schemas.base import PagePublic, PublicModel
from nas.schemas.forecasts import ForecastPublic
from nas.specs import SearchSpec

Spec = TypeAliasType("Spec", SearchSpec)
"""What a search was asked to do; named, so that the OpenAPI document has a name for it."""


class StagePublic(PublicModel):
    """What the search is at: `done` of `total` units of the stage `name` ("warm-up", "features", "trials")."""

    name: str
    done: int
    total: int


class BestPublic(PublicModel):
    """The best trial so far: highest score at the deepest rung that any trial has reached."""

    number: int
    score: float = Field(description="Validation mIoU in [0, 1].")
    iteration: int


class CostPublic(PublicModel):
    """What a search has cost so far."""

    device_seconds: float = Field(description="Of all trials and runs that were run, to their last measurement.")
    duration: str = Field(
        description="`device_seconds` in the unit that suits.",
        default_factory=lambda fields: formatting.duration(fields["device_seconds"]),
    )
    measured: int = Field(description="Trials that ran and measured something.")
    adopted: int = Field(description="Trials taken over from a search that had measured the same.")


class SearchPublic(PublicModel):
    """One search: what was asked for, where it stands."""

    model_config = ConfigDict(defer_build=True)  # the kinds of search that can be plugged in are loaded when needed

    id: str
    kind: str = Field(description="black_box, auto_deeplab, reference, full_scale or calibration.")
    method: str = Field(description="How it searches, in words: the strategy of a black-box search, else the kind.")
    dataset: str = Field(description="The data set that it searches on.")
    name: str
    status: SearchStatus
    message: str | None = Field(description="Why it is in this status, where there is something to say.")
    stage: StagePublic | None
    attempt: int = Field(description="How many drivers this search has had; above 1 after a lost one.")
    trials: dict[TrialStatus, int] = Field(description="Number of trials by status.")
    planned: int = Field(description="Number of trials that it will have, at most.")
    best: BestPublic | None
    exportable: bool = Field(description="Whether /v1/searches/{search_id}/best is worth asking for.")
    cost: CostPublic
    forecast: ForecastPublic | None = Field(
        None, description="What it was expected to cost when it was created, where something comparable was known."
    )
    parent: str | None = Field(description="The search whose architectures a full-scale evaluation measures.")
    spec: Spec
    dashboard: str | None = Field(description="The search's job in the Ray dashboard.")
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class SearchPage(PagePublic[SearchPublic]):
    """One page of searches."""
