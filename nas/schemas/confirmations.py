"""Answers about confirmations: the best architectures of a search, measured again beside heads of the textbooks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nas.schemas.base import PublicModel
from nas.schemas.objectives import BY_MIOU, ObjectivePublic


class ConfirmedPublic(PublicModel):
    """What a confirmation measured of one architecture, over all its seeds."""

    text: str
    short_text: str = Field(description="`text` in few characters.")
    architecture_key: str
    trial: int | None = Field(description="The trial of the search that found it; null for a reference head.")
    found_score: float | None = Field(description="Value of the objective in the search; null for a reference head.")
    parameters: int | None
    multiply_adds: int | None
    learning_rate: float = Field(description="At which it was trained; of several the one with the best mean.")
    rates: dict[float, float | None] = Field(
        description="Mean at each learning rate at which it was trained; null where it has no score yet."
    )
    scores: dict[int, float] = Field(
        description="Value of the objective of each seed whose trial reached the last rung."
    )
    failed: dict[int, str] = Field(description="Reason of each seed whose trial failed.")
    mean: float | None
    spread: float | None = Field(description="Standard deviation over the seeds (n - 1).")


class GainPublic(PublicModel):
    """How much better the confirmed architecture is than a reference head, paired by seed."""

    architecture_key: str = Field(description="Of the reference head.")
    mean: float
    error: float = Field(description="Standard error of the mean.")
    low: float = Field(description="Lower end of Student's 95 % interval.")
    high: float = Field(description="Its upper end.")
    seeds: int
    size: float | None = Field(description="Multiply-adds of the reference head as a multiple of the confirmed one's.")
    matched: bool = Field(description="Whether neither has more than 1.5 times the other's multiply-adds.")


class ConfirmationPublic(PublicModel):
    """The answer of a confirmation, from what has been measured so far."""

    search: str = Field(description="The search whose architectures are confirmed.")
    confirmation: str = Field(description="The confirmation itself, a search of this kind.")
    objective: ObjectivePublic = Field(
        BY_MIOU, description="What is compared, the first objective of the search: all scores are values of it."
    )
    kept_back: bool = Field(
        description="Whether scores are of validation images that the search never measured on; else of the same "
        "images, which selected the architectures, so that only the luck of a seed is taken out."
    )
    rows: tuple[ConfirmedPublic, ...] = Field(description="The confirmed architectures, then the reference heads.")
    winner: str | None = Field(description="Content key of the search's architecture with the best mean.")
    gains: tuple[GainPublic, ...]
    against: str | None = Field(description="Content key of the reference head that the verdict is about.")
    verdict: Literal["gain", "no gain", "loss", "unknown"]
    sentence: str
    at_own_rate: Literal["gain", "no gain", "loss", "unknown"] = Field(
        description="The verdict with all reference heads at the search's own learning rate: `verdict`, unless others "
        "were tried and have changed it."
    )
