"""Spec of the rule by which a calibration stops."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from search_spaces.base import StrictModel

WANTED_RHO = 0.8
"""What a sequential calibration asks of a proxy unless its spec says another `least_rho`."""


WITHIN = 0.05
"""How near to the wanted rho it does not matter whether a proxy is taken."""

LEAST_FIRST = 6
"""Fewer architectures at full scale in the right order are too often so by chance."""


class Sequential(StrictModel):
    """Add architectures until each proxy is known to order well enough, or not to.

    After `first` architectures at full scale, and after each `step` more, the scores are looked at. It ends when it is
    known with the probability `sure` which proxy is the cheapest whose rho is the wanted one, give or take `within`.
    """

    first: Annotated[int, Field(ge=LEAST_FIRST, le=1000)] = Field(
        6, description="Architectures at full scale at the first look."
    )
    step: Annotated[int, Field(ge=1, le=1000)] = Field(2, description="How many more at each further look.")
    cheap: Annotated[int, Field(ge=1, le=100)] = Field(
        4, description="Architectures that the proxies measure for each one at full scale."
    )
    sure: Annotated[float, Field(ge=0.6, lt=1)] = Field(
        0.95, description="Probability of being right from which on it is known which proxy to take."
    )
    # Left out of every dump while it is the default, so that specs written before it was there keep their keys.
    within: Annotated[float, Field(ge=0, le=0.3)] = Field(
        WITHIN,
        exclude_if=lambda within: within == WITHIN,
        description="How near to `least_rho` a rho makes no difference: a proxy that near may be taken or not.",
    )
