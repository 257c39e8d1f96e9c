"""Answers about searches."""

from __future__ import annotations

from datetime import datetime

from pydantic import ConfigDict, Field
from typing_extensions import TypeAliasType

from nas import formatting
from nas.results.actions import SearchAction
from nas.results.status import SearchStatus, TrialStatus
from nas.schemas.base import PagePublic, PublicModel
from nas.schemas.forecasts import ForecastPublic
from nas.specs import SearchSpec

Spec = TypeAliasType("Spec", SearchSpec)
"""The spec of a search; a named type, so that the OpenAPI document has a name for it."""


class StagePublic(PublicModel):
    """Progress of a search: `done` of `total` units of the stage `name` ("files", "features", "trials")."""

    name: str
    done: int
    total: int


class BestConfirmedPublic(PublicModel):
    """What a confirmation measured of the best trial's architecture, with seeds that no trial of its search had."""

    search: str = Field(description="Id of the confirmation.")
    mean: float = Field(description="Of the value of the first objective over the fresh seeds.")
    spread: float | None = Field(description="Standard deviation over the seeds (n - 1); null with one.")
    seeds: int = Field(description="Number of fresh seeds.")
    kept_back: bool = Field(description="Whether on validation images that the search never measured on.")


class BestPublic(PublicModel):
    """A trial that is the best one, by its number, with what it measured."""

    number: int
    score: float = Field(description="Validation mIoU in [0, 1].")
    value: float | None = Field(None, description="Value of the search's first objective, by which it is the best.")
    iteration: int
    named: str = Field(
        "",
        description="The trial in words, `trial 3`; where it measures one of `parent` again, `trial 3 of "
        "s0123456789ab, here trial 1`.",
    )
    worth: str = Field("", description="`value` and `score` in words; of a confirmed trial the mean, too.")
    confirmed: BestConfirmedPublic | None = Field(
        None, description="What the newest confirmation measured of it; null where none decides which trial is best."
    )


class CostPublic(PublicModel):
    """Cost of a search so far."""

    device_seconds: float = Field(description="Device-seconds of all trials and runs, each up to its last measurement.")
    duration: str = Field(
        description="`device_seconds` as text, in a unit that suits.",
        default_factory=lambda fields: formatting.duration(fields["device_seconds"]),
    )
    measured: int = Field(description="Number of trials that ran and have a measurement.")
    adopted: int = Field(description="Number of trials not run, but adopted from a search that had measured the same.")


class SearchPublic(PublicModel):
    """A search: its spec, its status, its results and its cost so far."""

    model_config = ConfigDict(defer_build=True)  # the kinds of search that can be plugged in are loaded when needed

    id: str
    kind: str = Field(
        description="Kind of search: black_box, auto_deeplab, reference, full_scale, calibration or confirmation."
    )
    method: str = Field(description="Method in words: the strategy of a black-box search, else the kind of search.")
    dataset: str = Field(description="Name of the data set that it searches on.")
    name: str
    notes: str | None = Field(None, description="Remarks of a user; null without any.")
    tags: tuple[str, ...] = Field((), description="Marks of a user, by which searches are found.")
    status: SearchStatus
    message: str | None = Field(description="Explanation of the status; null without one.")
    stage: StagePublic | None
    attempt: int = Field(description="Number of drivers that the search has had; above 1 if a driver was lost.")
    trials: dict[TrialStatus, int] = Field(description="Number of trials by status.")
    planned: int = Field(description="Number of trials that the search will have, at most.")
    best: BestPublic | None = Field(
        description="The best trial so far, whose architecture `/best` exports: the first of the leaderboard, or the "
        "one that the newest confirmation prefers once that is completed."
    )
    leaderboard_first: BestPublic | None = Field(
        None, description="First trial of the leaderboard where a confirmation prefers another one; else null."
    )
    objectives: tuple[str, ...] = Field(
        ("mIoU",), description="The objectives in words. The first one orders trials; several have a Pareto set."
    )
    actions: tuple[SearchAction, ...] = Field((), description="What can be done to the search now.")
    extendable: str | None = Field(
        None, description="Field of the spec that `extend` enlarges, trials or seeds; null where it cannot be extended."
    )
    exportable: bool = Field(description="Whether /v1/searches/{search_id}/best may have an architecture.")
    next_command: str | None = Field(
        None, description="Command of `segnas` that shows or takes away what the search has found; null before that."
    )
    cost: CostPublic
    forecast: ForecastPublic | None = Field(
        None, description="Expected cost when the search was created; null if nothing comparable was known."
    )
    owner: str | None = Field(
        None, description="Name of the token that started it; null for the service's own token, and without one."
    )
    parent: str | None = Field(
        description="Id of the search whose architectures a full-scale evaluation or a confirmation measures again."
    )
    confirmation: str | None = Field(
        None, description="Id of the newest confirmation of its best architectures; null where there is none."
    )
    spec: Spec
    dashboard: str | None = Field(description="Address of the search's job in the Ray dashboard.")
    page: str | None = Field(
        None, description="Address of the search's page for people; null where the service has no public address."
    )
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class SearchPage(PagePublic[SearchPublic]):
    """One page of searches."""
