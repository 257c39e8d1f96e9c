"""Answers about rankings; `nas.ranking` defines the numbers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nas.results.association import Interval, PValue, TopOverlap
from nas.schemas.base import PublicModel
from nas.schemas.objectives import BY_MIOU, ObjectivePublic
from nas.specs import Fidelity


class AssociationPublic(PublicModel):
    """How well one number orders architectures by full-scale score; without a correlation `reason` says why."""

    n: int = Field(description="Number of architectures that have this number and a full-scale score.")
    spearman: float | None
    interval: Interval | None
    p_value: PValue | None
    device_seconds: float | None = Field(description="Mean cost for one architecture; null where it is not known.")
    reason: str | None


class RungPublic(AssociationPublic):
    """How well the score at one rung of the proxy orders the architectures that reached the rung."""

    iteration: int


class TrainingFreePublic(AssociationPublic):
    """How well a training-free score orders architectures.

    The score is multiplied by its documented sign. A score that orders backwards keeps its negative correlation.
    """

    name: str
    sign: Literal[-1, 1]
    measures: str
    citation: str


class ProxyScorePublic(PublicModel):
    """Score of an architecture in the search, at its deepest rung: the mean over its trials there."""

    score: float
    iteration: int
    rank: float = Field(
        description="Rank among the pairs in the search's own order: 1 is best, ties have their mean rank."
    )
    device_seconds: float


class FullScorePublic(PublicModel):
    """Score of an architecture at full scale: the mean over `seeds`."""

    score: float
    spread: float | None = Field(description="Sample standard deviation over the seeds.")
    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    rank: float
    device_seconds: float = Field(description="Cost of one seed.")


class PairPublic(PublicModel):
    """The scores of one architecture in the search and at full scale."""

    trial: int = Field(description="Number of the trial in the search.")
    label: str
    short_label: str = Field("", description="`label` in few characters; empty from an older service.")
    architecture_key: str
    proxy: ProxyScorePublic
    full_scale: FullScorePublic


class MeasuredPublic(PublicModel):
    """A fidelity and its cost."""

    fidelity: Fidelity
    device_seconds: float | None = Field(description="Mean of one training of one architecture.")


class RankingPublic(PublicModel):
    """How well the scores of a search order its architectures by their full-scale scores.

    Where there is no correlation (`spearman` and the numbers beside it are null), `reason` says why. Of the two
    intervals, `interval` (jackknife) is the more reliable one.
    """

    search: str
    objective: ObjectivePublic = Field(
        BY_MIOU, description="What is compared, the first objective of the search: all scores are values of it."
    )
    full_scale_searches: tuple[str, ...] = Field(
        description="Full-scale evaluations whose measurements are used, oldest first."
    )
    sampling: Literal["stratified", "top", "explicit", "all"]
    chosen: int = Field(description="Number of architectures to measure at full scale; `n` of them are measured.")
    n: int
    spearman: float | None
    p_value: PValue | None
    interval: Interval | None
    bootstrap: Interval | None
    kendall: float | None
    overlaps: tuple[TopOverlap, ...]
    regret: float | None = Field(description="Full-scale score lost by choosing the best architecture of the search.")
    winner_rank: float | None = Field(
        description="Rank in the search of the best architecture at full scale: 1 is first."
    )
    reason: str | None
    warnings: tuple[str, ...]
    proxy: MeasuredPublic
    full_scale: MeasuredPublic
    share: float | None = Field(description="Cost of the proxy as a fraction of the cost at full scale.")
    pairs: tuple[PairPublic, ...] = Field(description="Sorted by full-scale score, the best first.")
    rungs: tuple[RungPublic, ...]
    training_free: tuple[TrainingFreePublic, ...]
