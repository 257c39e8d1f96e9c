"""Answers about trials."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import AliasChoices, Field

from nas import formatting
from nas.results.standing import placed_text
from nas.results.status import TrialStatus
from nas.schemas.base import PagePublic, PublicModel
from search_spaces.environment import Environment
from search_spaces.latency import Latency


class RungScore(PublicModel):
    """The score at one rung."""

    iteration: int
    score: float = Field(description="Validation mIoU in [0, 1].")


class TrialPublic(PublicModel):
    """One trial; its score, iteration and seconds are those of the deepest rung measured."""

    # The store's record has the same names, so `model_validate(record, from_attributes=True)` makes the answer.

    number: int
    status: TrialStatus
    score: float | None = Field(description="Validation mIoU in [0, 1].")
    iteration: int | None
    value: float | None = Field(
        None,
        description="Value of the first of the search's objectives at this rung, by which trials are ordered within a "
        "rung: the score, unless the search has other objectives.",
    )
    standing: tuple[float, ...] | None = Field(
        description="Sort key among the trials of a search, compared number by number: the greater one is better. "
        "It is the rung, then the value there: those of the deepest rung measured, or of a shallower one that early "
        "stopping let the trial pass unjudged. Null (last) for a trial that failed or has no score."
    )
    placed: str = Field(
        description="Why `standing` has a shallower rung than `iteration`, as text; empty where it has not.",
        default_factory=lambda fields: placed_text(fields["iteration"], fields["standing"]),
    )
    seconds: float | None
    duration: str = Field(
        description="`seconds` as text, in a unit that suits.",
        default_factory=lambda fields: formatting.duration(fields["seconds"]),
    )
    device_seconds: float | None
    scores: tuple[RungScore, ...] | None = Field(
        None, description="The score at each rung, ascending in iterations; null unless `scores` is asked for."
    )
    parameters: int | None = Field(None, description="Trainable parameters of the modules that were trained.")
    multiply_adds: int | None = Field(
        None, description="Multiply-adds of one forward pass of these modules for one crop."
    )
    latency: Latency | None = Field(
        None, description="Time of one forward pass of these modules for one crop; null where it was not asked for."
    )
    latency_text: str = Field(
        description="Its median as text; empty where there is none.",
        default_factory=lambda fields: (
            formatting.milliseconds(fields["latency"].median_ms) if fields["latency"] else ""
        ),
    )
    source: str | None = Field(
        None, description="SEARCH/NUMBER of the trial whose measurements were adopted instead of running this one."
    )
    reason: str | None = Field(description="Why the trial failed; null if it did not.")
    node: str | None = Field(
        None, description="The node from which its last result came: host, and the beginning of Ray's id of the node."
    )
    attempt: int
    deaths: int = Field(
        0, description="Attempts that were replaced because their process died; `retries` limits these."
    )
    seed: int
    architecture: dict[str, Any] = Field(validation_alias=AliasChoices("architecture_json", "architecture"))
    text: str = Field(description="The architecture in one line.")
    short_text: str = Field("", description="The architecture in few characters; empty from an older service.")
    architecture_key: str
    fidelity_key: str
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


class MeasurementPublic(PublicModel):
    """The measurement at one rung of a learning curve."""

    iteration: int
    score: float
    class_iou: tuple[float | None, ...] = Field(
        description="IoU of each class, in the order of `class_names`; null for a class that neither occurs nor is "
        "predicted."
    )
    train_loss: float
    val_loss: float
    seconds: float
    device_seconds: float
    environment: Environment | None = Field(
        None, description="Machine, software and data that were measured with; null where they are not known."
    )


class TrialDetail(TrialPublic):
    """A trial with its learning curve, ascending in iterations, and its architecture document."""

    worth: str = Field("", description="`value`, if it is no mIoU, and `score` in words; empty without a score.")
    curve: tuple[MeasurementPublic, ...]
    class_names: tuple[str, ...] = Field(
        (), description="Names of the classes; empty where the data set is registered no more, or with other classes."
    )
    document: dict[str, Any]


class TrialPage(PagePublic[TrialPublic]):
    """One page of trials."""
