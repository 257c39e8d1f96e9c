"""Rules of early stopping by name, with their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag
from typing_extensions import TypeAliasType

from search_spaces.base import StrictModel

LEFT_OUT = "x-left-out"
"""Marks in a JSON schema a discriminator that dumps leave out while it is the default."""


class AshaStopping(StrictModel):
    """Asynchronous successive halving (ASHA, Li et al. 2020): at each rung the best 1/`reduction` trials continue.

    With several objectives the best are those that the fewest others dominate.
    """

    # Left out of every dump: specs written before there were other rules keep their keys.
    name: Literal["asha"] = Field("asha", exclude_if=lambda name: name == "asha", json_schema_extra={LEFT_OUT: True})
    reduction: Annotated[float, Field(gt=1, le=100)] = 3.0


class MedianStopping(StrictModel):
    """The median rule (Golovin et al., KDD 2017): a trial ends where its best value so far is below the median of the
    other trials' means over the rungs up to this one. It judges the first objective.
    """

    name: Literal["median"]
    startup: Annotated[int, Field(ge=1, le=10_000)] = Field(
        5, description="Number of other trials at a rung from which on it is judged."
    )


class HyperbandStopping(StrictModel):
    """Hyperband (Li et al., JMLR 2018): successive halving in brackets, of which each begins one rung later."""

    name: Literal["hyperband"]
    reduction: Annotated[float, Field(gt=1, le=100)] = 3.0
    brackets: Annotated[int, Field(ge=1, le=32)] | None = Field(
        None, description="Number of brackets, at most one for each rung; null has one for each."
    )


class PashaStopping(StrictModel):
    """Progressive ASHA (PASHA, Bohdal et al., ICLR 2023): successive halving that opens a further rung only once the
    order of the trials changes from one rung to the next. It judges the first objective, and takes three rungs or more.
    """

    name: Literal["pasha"]
    reduction: Annotated[float, Field(gt=1, le=100)] = 3.0
    epsilon: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None,
        description="Difference of values up to which two trials count as equal when their order is compared, such as "
        "twice the standard deviation between seeds; null estimates it from trials whose order changes back and forth.",
    )


def _name(value: Any) -> Any:
    return value.get("name", "asha") if isinstance(value, Mapping) else getattr(value, "name", "asha")


EarlyStopping = TypeAliasType(
    "EarlyStopping",
    Annotated[
        Annotated[AshaStopping, Tag("asha")]
        | Annotated[MedianStopping, Tag("median")]
        | Annotated[HyperbandStopping, Tag("hyperband")]
        | Annotated[PashaStopping, Tag("pasha")],
        Discriminator(_name),
    ],
)
"""A rule of early stopping; without a name it is `asha`."""
