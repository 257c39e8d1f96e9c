"""Spec of a calibration, which finds the cheapest proxy fidelity that orders architectures as full scale does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from nas.specs.dense_cell_space import DenseCellSpace
from nas.specs.fidelity import Fidelity, of_heads
from nas.specs.fields import Name
from nas.specs.full_scale import Seeds
from nas.specs.job import JobSpec
from nas.specs.sequential import WANTED_RHO, Sequential
from nas.specs.training_free import TRAINING_FREE, TrainingFreeProxy

OfHeads = Annotated[Fidelity, AfterValidator(of_heads)]

LEAST_ARCHITECTURES = 4
"""Fewer architectures give no correlation."""


class CalibrationSpec(JobSpec):
    """A calibration: random architectures of a space are measured under every proxy and at full scale.

    It recommends the cheapest proxy whose 95 % interval of Spearman's rho lies above `least_rho`. With `sequential` it
    measures no more architectures than it takes to know which proxy that is.
    """

    kind: Literal["calibration"] = "calibration"
    space: DenseCellSpace = DenseCellSpace()
    architectures: Annotated[int, Field(ge=LEAST_ARCHITECTURES, le=1000)] = Field(
        12, description="Number of architectures at full scale; with `sequential` the most."
    )
    proxies: Annotated[dict[Name, OfHeads], Field(min_length=1, max_length=50)]
    full_scale: OfHeads
    seeds: Seeds = Field(1, description="Number of seeds of each architecture at full scale.")
    training_free: tuple[TrainingFreeProxy, ...] = Field(
        TRAINING_FREE, description="Training-free proxies, computed at the fidelity of the first proxy."
    )
    reuse: bool = Field(
        False,
        description="Adopt what any search has measured at the same architecture, fidelity and seed; right as long as "
        "the data sets have not changed since.",
    )
    least_rho: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.5, description=f"The rho that a proxy must have; with `sequential` {WANTED_RHO:g} where it is left out."
    )
    # Left out of every dump while it is the default, so that specs written before it was there keep their keys.
    sequential: Sequential | None = Field(
        None,
        exclude_if=lambda sequential: sequential is None,
        description="Stop when it is known which proxies order well enough; null measures all architectures.",
    )

    @field_validator("space", mode="before")
    @classmethod
    def _cells(cls, space: Any) -> Any:
        if isinstance(space, Mapping) and space.get("kind") == "auto_deeplab":
            raise ValueError(
                "a calibration measures dense prediction cells, not networks of auto_deeplab: use kind: dense_cell"
            )
        return space

    @property
    def planned(self) -> int:
        """Number of trials: one for each architecture and proxy, one for each architecture and seed at full scale."""
        return self.sampled * len(self.proxies) + self.architectures * self.seeds

    @property
    def sampled(self) -> int:
        """Number of architectures that the proxies measure, at most."""
        return self.architectures * (1 if self.sequential is None else self.sequential.cheap)

    @property
    def fidelities(self) -> Mapping[str, Fidelity]:
        proxies = {f"proxies.{name}": fidelity for name, fidelity in self.proxies.items()}
        return {**proxies, "full_scale": self.full_scale}

    @model_validator(mode="before")
    @classmethod
    def _wanted(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and data.get("sequential") is not None and "least_rho" not in data:
            return {**data, "least_rho": WANTED_RHO}
        return data

    @model_validator(mode="after")
    def _has_a_look(self) -> Self:
        if self.sequential is not None and self.architectures < self.sequential.first:
            raise ValueError(
                f"architectures {self.architectures} ends before the first look, which sequential.first has after "
                f"{self.sequential.first}: use at least {self.sequential.first}"
            )
        return self

    @model_validator(mode="after")
    def _space_fits(self) -> Self:
        for path, fidelity in self.fidelities.items():
            self.space.check_fidelity(path, fidelity)
        self.space.check_limit("full_scale", self.full_scale)
        return self

    @model_validator(mode="after")
    def _all_differ(self) -> Self:
        names = {self.full_scale.key: "full_scale"}
        for name, fidelity in self.proxies.items():
            other = names.setdefault(fidelity.key, name)
            if other != name:
                raise ValueError(f"proxy {name} is the same fidelity as {other}: there is nothing to compare")
        return self
