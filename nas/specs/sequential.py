"""Spec of the rule by which a calibration stops."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from search_spaces.base import StrictModel

WANTED_RHO = 0.8
"""What a sequential calibration asks of a proxy unless its spec says another `least_rho`."""


LEAST_FIRST = 6
"""Fewer architectures at full scale in the right order are too often so by chance."""


class Sequential(StrictModel):
    """Add architectures until each proxy is known to order well enough, or not to.

    After `first` architectures at full scale, and after each `step` more, the scores are looked at. A proxy whose rho
    is above the wanted one, or below, with the probability `sure` is not measured any more.
    """

    first: Annotated[int, Field(ge=LEAST_FIRST, le=1000)] = Field(
        6, description="Architectures at full scale at the first look."
    )
    step: Annotated[int, Field(ge=1, le=1000)] = Field(2, description="How many more at each further look.")
    cheap: Annotated[int, Field(ge=1, le=100)] = Field(
        4, description="Architectures that the proxies measure for each one at full scale."
    )
    sure: Annotated[float, Field(ge=0.6, lt=1)] = Field(
        0.95, description="Probability from which on a proxy is above or below."
    )
