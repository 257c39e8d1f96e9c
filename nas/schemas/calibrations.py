"""Calibrations as the REST interface answers them; `nas.ranking.calibration` says what the numbers mean."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from nas.results.status import SearchStatus
from nas.schemas.base import PublicModel
from nas.schemas.rankings import AssociationPublic, MeasuredPublic
from nas.specs import CalibrationSpec, Fidelity


class CalibratedPublic(AssociationPublic):
    """One proxy of a calibration. A training-free one has no fidelity, but a sign and a citation."""

    name: str
    training_free: bool
    fidelity: Fidelity | None
    sign: Literal[-1, 1] | None
    citation: str | None
    kendall: float | None
    share: float | None = Field(description="Its cost as a part of full scale's.")
    pareto: bool = Field(description="No other proxy costs at most as much and orders at least as well.")
    warnings: tuple[str, ...]


class RecommendedPublic(PublicModel):
    """The cheapest proxy that orders well enough; `use` is what a search spec can say for its `fidelity`."""

    name: str
    use: str
    fidelity: Fidelity


class CalibrationPublic(PublicModel):
    """A calibration as far as it has come. It is a search too: stop, events and logs are at /v1/searches/{id}."""

    id: str
    name: str
    status: SearchStatus
    message: str | None
    ended: int = Field(description="Trials that are over, of `planned`.")
    planned: int
    measured: int = Field(description="Architectures with a full-scale score, of `architectures` in the spec.")
    proxies: tuple[CalibratedPublic, ...] = Field(description="In the spec's order, training-free ones last.")
    full_scale: MeasuredPublic
    recommended: RecommendedPublic | None
    verdict: str = Field(description="Why this one is recommended, or none.")
    final: bool = Field(description="Whether the calibration is over; until then the recommendation may change.")
    spec: CalibrationSpec
    created_at: datetime
    finished_at: datetime | None
