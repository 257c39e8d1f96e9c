"""What a black-box search is asked to do: space, strategy, proxy fidelity, early stopping, resources."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from nas.spec.fidelity import Fidelity
from search_spaces.base import StrictModel, content_key


class DenseCellSpace(StrictModel):
    """The dense prediction cell (Chen et al., NeurIPS 2018): `branches` branches over 81 operators."""

    kind: Literal["dense_cell"] = "dense_cell"
    branches: Annotated[int, Field(ge=1, le=10)] = 5


class RandomStrategy(StrictModel):
    """Uniform random search without repeating an architecture."""

    name: Literal["random"] = "random"


class DpcStrategy(StrictModel):
    """Random search that also samples near the best cells found so far (DPC, section 3.3).

    With probability `near_best` a proposal mutates one of the `pool` best scored cells instead of being uniform;
    the first `startup` proposals are uniform.
    """

    name: Literal["dpc"] = "dpc"
    near_best: Annotated[float, Field(ge=0, le=1)] = 0.5
    pool: Annotated[int, Field(ge=1, le=1000)] = 5
    startup: Annotated[int, Field(ge=1)] = 8


class TpeStrategy(StrictModel):
    """Tree-structured Parzen estimator (Optuna) over the cell's choices; pruned trials are not told as finished."""

    name: Literal["tpe"] = "tpe"
    startup: Annotated[int, Field(ge=1)] = 10


Strategy = Annotated[RandomStrategy | DpcStrategy | TpeStrategy, Field(discriminator="name")]


class EarlyStopping(StrictModel):
    """Asynchronous successive halving (ASHA, Li et al. 2020): at each rung the best 1/`reduction` go on."""

    reduction: Annotated[float, Field(gt=1, le=100)] = 3.0


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


class SearchSpec(StrictModel):
    """A black-box search: a strategy proposes architectures of a space, each measured at one proxy fidelity."""

    kind: Literal["black_box"] = "black_box"
    name: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
    space: DenseCellSpace = DenseCellSpace()
    strategy: Strategy = RandomStrategy()
    fidelity: Fidelity
    trials: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    early_stopping: EarlyStopping | None = EarlyStopping()
    resources: Resources = Resources()
    retries: Annotated[int, Field(ge=0, le=10)] = Field(2, description="New attempts of a trial whose process died.")
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0

    @property
    def key(self) -> str:
        """Content hash (sha256 hex) of the whole spec."""
        return content_key(self.model_dump(mode="json"))
