"""What every kind of search says: its name, what a process of it takes, how often that is tried, its seed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from nas.spec.fidelity import Fidelity
from search_spaces.base import StrictModel, content_key

SearchName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""One line of text for people."""

Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Resources(StrictModel):
    """What one trial takes; `gpus` may be a fraction, so that small trials share one GPU."""

    cpus: Annotated[float, Field(gt=0, le=1024)] = 1.0
    gpus: Annotated[float, Field(ge=0, le=64)] = 0.0
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


class JobSpec(StrictModel, ABC):
    """The common part; each kind of search has a `kind` of its own beside it."""

    name: SearchName
    resources: Resources = Resources()
    retries: Annotated[int, Field(ge=0, le=10)] = Field(2, description="New attempts of a trial whose process died.")
    seed: Seed = 0

    @property
    def key(self) -> str:
        """Content hash (sha256 hex) of the whole spec."""
        return content_key(self.model_dump(mode="json"))

    @property
    @abstractmethod
    def planned(self) -> int:
        """Trials, at most."""

    @property
    @abstractmethod
    def fidelities(self) -> Mapping[str, Fidelity]:
        """Every fidelity that trials will have, by its path in the spec."""

    def fidelity_of(self, key: str) -> Fidelity:
        """The one of this key."""
        found = [fidelity for fidelity in self.fidelities.values() if fidelity.key == key]
        assert found, f"no fidelity of the {type(self).__name__} {self.name!r} has the key {key}"
        return found[0]
