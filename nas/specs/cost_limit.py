"""The most parameters and multiply-adds that an architecture of a space may have."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from search_spaces.base import StrictModel
from search_spaces.cost import Cost

Count = Annotated[int, Field(ge=1, le=10**15)]


class CostLimit(StrictModel):
    """The most parameters and multiply-adds; an architecture beyond it is never proposed."""

    parameters: Count | None = None
    multiply_adds: Count | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.parameters is None and self.multiply_adds is None:
            raise ValueError("give parameters, multiply_adds or both; without any limit leave it out")
        return self

    def covers(self, cost: Cost) -> bool:
        """Return whether an architecture of this cost is within the limit."""
        return (self.parameters is None or cost.parameters <= self.parameters) and (
            self.multiply_adds is None or cost.multiply_adds <= self.multiply_adds
        )


def tighter(one: int | None, other: int | None) -> int | None:
    """Return the smaller of two bounds, where None bounds nothing."""
    return min((number for number in (one, other) if number is not None), default=None)
