"""What every kind of search says: its name, what a process of it takes, how often that is tried, its seed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from nas.specs.fidelity import Fidelity
from search_spaces.base import StrictModel, content_key

SearchName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""One line of text for people."""

Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Resources(StrictModel):
    """What one trial takes; `gpus` may be a fraction, so that small trials share one GPU.

    With `workers` above 1 so many processes train a trial's one network, each with an equal share of `cpus` and
    `gpus` and of every batch; whatever else a search does takes one such share.
    """

    cpus: Annotated[float, Field(gt=0, le=1024)] = 1.0
    gpus: Annotated[float, Field(ge=0, le=64)] = 0.0
    workers: Annotated[int, Field(ge=1, le=64)] = Field(
        1,
        # Left out of every dump while it is the default, so that specs written before it was there keep their keys.
        exclude_if=lambda workers: workers == 1,
        description="Processes that train one trial together; cpus and gpus are shared equally among them.",
    )
    concurrent: Annotated[int, Field(ge=1, le=10_000)] = Field(2, description="Trials at a time, at most.")
    reuse_workers: bool = Field(
        True,
        description="Keep trial processes warm (saves 3-4 s a trial); false: each trial has a process of its name.",
    )

    @field_validator("gpus")
    @classmethod
    def _whole_above_one(cls, gpus: float) -> float:
        if gpus > 1 and gpus != int(gpus):
            raise ValueError(f"gpus above 1 must be whole, not {gpus}")
        return gpus

    @model_validator(mode="after")
    def _a_gpu_each(self) -> Self:
        """NCCL refuses two processes on one GPU."""
        if self.workers > 1 and self.gpus % self.workers:
            raise ValueError(f"gpus {self.gpus:g} do not divide by workers {self.workers}: give each some, or none")
        return self


class JobSpec(StrictModel, ABC):
    """The common part; each kind of search has a `kind` of its own beside it."""

    if TYPE_CHECKING:
        kind: str  # a literal of each subclass; declared there, so that it stands where it always stood in a dump

    name: SearchName
    resources: Resources = Resources()
    retries: Annotated[int, Field(ge=0, le=10)] = Field(2, description="New attempts of a trial whose process died.")
    seed: Seed = 0

    @property
    def key(self) -> str:
        """Content hash (sha256 hex) of the whole spec."""
        return content_key(self.model_dump(mode="json"))

    @model_validator(mode="after")
    def _batches_are_shared(self) -> Self:
        workers = self.resources.workers
        for path, fidelity in self.fidelities.items() if workers > 1 else ():
            if fidelity.batch % workers:
                raise ValueError(
                    f"{path}.batch {fidelity.batch} cannot be shared by {workers} workers: make it a multiple of them"
                )
        return self

    @property
    @abstractmethod
    def planned(self) -> int:
        """Trials, at most."""

    @property
    @abstractmethod
    def fidelities(self) -> Mapping[str, Fidelity]:
        """Every fidelity that trials will have, by its path in the spec."""

    @property
    def datasets(self) -> Mapping[str, str]:
        """Names of the data sets that the search reads, by their path in the spec."""
        return {f"{path}.dataset": fidelity.dataset for path, fidelity in self.fidelities.items()}

    def fidelity_of(self, key: str) -> Fidelity:
        """The one of this key."""
        found = [fidelity for fidelity in self.fidelities.values() if fidelity.key == key]
        assert found, f"no fidelity of the {type(self).__name__} {self.name!r} has the key {key}"
        return found[0]
