"""Answers about calibrations; `nas.ranking.calibration` defines the numbers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from nas.results.judged import Judged
from nas.results.status import SearchStatus
from nas.schemas.base import PublicModel
from nas.schemas.rankings import AssociationPublic, MeasuredPublic
from nas.specs import CalibrationSpec, Fidelity


class CalibratedPublic(AssociationPublic):
    """One proxy of a calibration. A training-free proxy has no fidelity, but a sign and a citation."""

    name: str
    training_free: bool
    fidelity: Fidelity | None
    sign: Literal[-1, 1] | None
    citation: str | None
    kendall: float | None
    share: float | None = Field(description="Cost of the proxy as a fraction of the cost at full scale.")
    pareto: bool = Field(description="Whether no other proxy costs at most as much and orders at least as well.")
    warnings: tuple[str, ...]
    judged: Judged | None = Field(
        None, description="What a sequential calibration knows of the proxy; null before its first look, and in others."
    )


class RecommendedPublic(PublicModel):
    """The cheapest proxy that orders well enough."""

    name: str
    use: str = Field(description="The name that a search can give as its `fidelity`.")
    fidelity: Fidelity


class CalibrationPublic(PublicModel):
    """A calibration and its results so far.

    A calibration is a search too: stop, events and logs are at /v1/searches/{id}.
    """

    id: str
    name: str
    status: SearchStatus
    message: str | None
    ended: int = Field(description="Number of trials that have ended, of `planned`.")
    planned: int
    measured: int = Field(
        description="Number of architectures with a full-scale score, of `architectures` in the spec."
    )
    proxies: tuple[CalibratedPublic, ...] = Field(description="In the spec's order, training-free ones last.")
    full_scale: MeasuredPublic
    recommended: RecommendedPublic | None
    verdict: str = Field(description="Why this proxy is recommended, or why none is.")
    final: bool = Field(description="Whether the calibration has ended; until then the recommendation may change.")
    spec: CalibrationSpec
    created_at: datetime
    finished_at: datetime | None
