"""Spec of a calibration, which finds the cheapest proxy fidelity that orders architectures as full scale does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from nas.specs.dense_cell_space import DenseCellSpace
from nas.specs.fidelity import Fidelity
from nas.specs.fields import Name
from nas.specs.full_scale import Seeds
from nas.specs.job import JobSpec
from nas.specs.training_free import TRAINING_FREE, TrainingFreeProxy

LEAST_ARCHITECTURES = 4
"""Fewer architectures give no correlation."""


class CalibrationSpec(JobSpec):
    """A calibration: random architectures of a space are measured under every proxy and at full scale.

    It recommends the cheapest proxy whose 95 % interval of Spearman's rho lies above `least_rho`.
    """

    kind: Literal["calibration"] = "calibration"
    space: DenseCellSpace = DenseCellSpace()
    architectures: Annotated[int, Field(ge=LEAST_ARCHITECTURES, le=1000)] = 12
    proxies: Annotated[dict[Name, Fidelity], Field(min_length=1, max_length=50)]
    full_scale: Fidelity
    seeds: Seeds = Field(1, description="Number of seeds of each architecture at full scale.")
    training_free: tuple[TrainingFreeProxy, ...] = Field(
        TRAINING_FREE, description="Training-free proxies, computed at the fidelity of the first proxy."
    )
    reuse: bool = Field(
        False,
        description="Adopt what any search has measured at the same architecture, fidelity and seed; right as long as "
        "the data sets have not changed since.",
    )
    least_rho: Annotated[float, Field(ge=0, lt=1)] = 0.5

    @property
    def planned(self) -> int:
        """Number of trials: one for each architecture and proxy, one for each architecture and seed at full scale."""
        return self.architectures * (len(self.proxies) + self.seeds)

    @property
    def fidelities(self) -> Mapping[str, Fidelity]:
        proxies = {f"proxies.{name}": fidelity for name, fidelity in self.proxies.items()}
        return {**proxies, "full_scale": self.full_scale}

    @model_validator(mode="after")
    def _space_fits(self) -> Self:
        for path, fidelity in self.fidelities.items():
            self.space.check_levels(path, fidelity)
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
