"""Rankings as the REST interface answers them; `nas.ranking` says what the numbers mean."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nas.schemas.base import PublicModel
from nas.specs import Fidelity


class IntervalPublic(PublicModel):
    """An interval for the true rho."""

    low: float
    high: float
    level: float
    method: str


class PValuePublic(PublicModel):
    """Two-sided p-value of "no association", and how it was found."""

    value: float
    method: str


class TopOverlapPublic(PublicModel):
    """Of the `k` best by proxy, the fraction among the `k` best at full scale; `chance` is that of a guess."""

    k: int
    fraction: float
    chance: float


class AssociationPublic(PublicModel):
    """How well one number orders architectures by full-scale score; where there is no answer, `reason` says why."""

    n: int = Field(description="Architectures that have both.")
    spearman: float | None
    interval: IntervalPublic | None
    p_value: PValuePublic | None
    device_seconds: float | None = Field(description="Mean cost for one architecture; null where it is not known.")
    reason: str | None


class RungPublic(AssociationPublic):
    """The score at one rung of the proxy, over the architectures that reached it."""

    iteration: int


class TrainingFreePublic(AssociationPublic):
    """A training-free score times its documented sign; it is not turned round when it orders backwards."""

    name: str
    sign: Literal[-1, 1]
    measures: str
    citation: str


class ProxyScorePublic(PublicModel):
    """An architecture's score in the search, at the deepest rung it reached; the mean over its trials there."""

    score: float
    iteration: int
    rank: float = Field(description="In the search's own order among the pairs: 1 is best, ties at their mean rank.")
    device_seconds: float


class FullScorePublic(PublicModel):
    """An architecture's score at full scale: the mean over `seeds`, and their sample standard deviation `spread`."""

    score: float
    spread: float | None
    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    rank: float
    device_seconds: float = Field(description="Of one seed.")


class PairPublic(PublicModel):
    """One architecture at both fidelities."""

    trial: int = Field(description="Its number in the search.")
    label: str
    architecture_key: str
    proxy: ProxyScorePublic
    full_scale: FullScorePublic


class MeasuredPublic(PublicModel):
    """A fidelity, and what one architecture cost there: mean device-seconds of one training."""

    fidelity: Fidelity
    device_seconds: float | None


class RankingPublic(PublicModel):
    """How well a search's scores order its architectures by their full-scale scores.

    Where there is no number (`spearman` is null, and so are its companions), `reason` says why. `interval` (jackknife)
    is the one to go by. `regret` is the full-scale score lost by taking the proxy's best.
    """

    search: str
    full_scale_searches: tuple[str, ...] = Field(description="Whose measurements were joined, oldest first.")
    sampling: Literal["stratified", "top", "explicit", "all"]
    chosen: int = Field(description="Architectures to be measured at full scale; `n` of them are.")
    n: int
    spearman: float | None
    p_value: PValuePublic | None
    interval: IntervalPublic | None
    bootstrap: IntervalPublic | None
    kendall: float | None
    overlaps: tuple[TopOverlapPublic, ...]
    regret: float | None
    winner_rank: float | None = Field(description="Where the search ranks the best at full scale: 1 is first.")
    reason: str | None
    warnings: tuple[str, ...]
    proxy: MeasuredPublic
    full_scale: MeasuredPublic
    share: float | None = Field(description="The proxy's cost as a part of full scale's.")
    pairs: tuple[PairPublic, ...] = Field(description="The best at full scale first.")
    rungs: tuple[RungPublic, ...]
    training_free: tuple[TrainingFreePublic, ...]
