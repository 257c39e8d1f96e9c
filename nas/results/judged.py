"""What a sequential calibration knows of a proxy, from one of its looks at the scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

State: TypeAlias = Literal["above", "below", "open", "not needed"]


@dataclass(frozen=True, slots=True)
class Judged:
    """What is known of one proxy; rho is Spearman's, with full-scale scores."""

    state: Annotated[
        State,
        Field(
            description="`above` or `below` the wanted rho, give or take `within`; `not needed` where a cheaper proxy "
            "is above, so that this one was not measured further; else `open`."
        ),
    ]
    observed: Annotated[float, Field(description="Rho with the full-scale scores as they are.")]
    corrected: Annotated[float, Field(description="Expected rho with full-scale scores of infinitely many seeds.")]
    low: Annotated[float, Field(description="Lower end of the interval of the corrected rho.")]
    high: Annotated[float, Field(description="Its upper end.")]
    above: Annotated[float, Field(description="Probability that the corrected rho is at least the wanted one.")]
    architectures: Annotated[int, Field(description="Number of architectures that this rests on.")]
    full: Annotated[int, Field(description="Number of these with a full-scale score.")]
