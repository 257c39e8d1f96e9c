"""The part of a spec that all kinds of search share: name, resources, attempts, seed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from nas.specs.fidelity import Fidelity
from nas.specs.objectives import MIOU, Goals
from search_spaces.base import StrictModel, content_key

LONGEST_NAME = 100
"""Characters of a search's name."""

SearchName = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""One line of text for people."""

Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Resources(StrictModel):
    """Resources of one trial; `gpus` may be a fraction, so that small trials share one GPU.

    With `workers` above 1 that many processes train the network of a trial together. Each has an equal share of
    `cpus`, of `gpus` and of every batch. All other work of a search uses one such share.
    """

    cpus: Annotated[float, Field(gt=0, le=1024)] = 1.0
    gpus: Annotated[float, Field(ge=0, le=64)] = 0.0
    workers: Annotated[int, Field(ge=1, le=64)] = Field(
        1,
        # Left out of every dump while it is the default, so that specs written before it was there keep their keys.
        exclude_if=lambda workers: workers == 1,
        description="Number of processes that train one trial together; cpus and gpus are shared equally among them.",
    )
    concurrent: Annotated[int, Field(ge=1, le=10_000)] = Field(2, description="Largest number of trials at a time.")
    reuse_workers: bool = Field(
        True,
        description="Run trials in warm processes (saves 3-4 s a trial); false: each has a process named after it.",
    )

    @field_validator("gpus")
    @classmethod
    def _whole_above_one(cls, gpus: float) -> float:
        if gpus > 1 and gpus != int(gpus):
            raise ValueError(f"gpus above 1 must be whole, not {gpus}")
        return gpus

    @model_validator(mode="after")
    def _a_gpu_each(self) -> Self:
        # NCCL refuses two processes on one GPU.
        if self.workers > 1 and self.gpus % self.workers:
            raise ValueError(
                f"gpus {self.gpus:g} do not divide by workers {self.workers}: use a multiple of the workers, or 0"
            )
        return self


def child_name(name: str, suffix: str) -> str:
    """Name a search after the one that it belongs to, cut such that the suffix has room."""
    return name[: LONGEST_NAME - len(suffix)] + suffix


class JobSpec(StrictModel, ABC):
    """The fields that all kinds of search share; each kind has a spec with a `kind` of its own."""

    if TYPE_CHECKING:
        kind: str  # a literal of each subclass; declared there, so that it keeps its place in a dump

    name: SearchName
    resources: Resources = Resources()
    retries: Annotated[int, Field(ge=0, le=10)] = Field(
        2, description="Number of new attempts of a trial or a run whose process died, over all drivers of the search."
    )
    seed: Seed = 0

    @property
    def key(self) -> str:
        """Content hash (sha256 hex) of the spec."""
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
        """Largest number of trials."""

    @property
    def runs(self) -> int:
        """Number of differentiable runs that come before the trials."""
        return 0

    @property
    @abstractmethod
    def fidelities(self) -> Mapping[str, Fidelity]:
        """All fidelities of the search's trials, by their path in the spec."""

    @property
    def origins(self) -> tuple[str, ...]:
        """Ids of the searches from whose trials this one starts, each once."""
        return ()

    @property
    def datasets(self) -> Mapping[str, str]:
        """Names of the data sets that the search reads, by their path in the spec."""
        return {f"{path}.dataset": fidelity.dataset for path, fidelity in self.fidelities.items()}

    @property
    def goals(self) -> Goals:
        """What the search's trials are worth: their mIoU, unless the kind of search has objectives of its own."""
        return MIOU

    def fidelity_of(self, key: str) -> Fidelity:
        """Return the fidelity of a content key, which must be one of the spec's."""
        matches = [fidelity for fidelity in self.fidelities.values() if fidelity.key == key]
        assert matches, f"no fidelity of the {type(self).__name__} {self.name!r} has the key {key}"
        return matches[0]
