"""What a user asks for: how carefully to measure (`Fidelity`) and what to search (`SearchSpec`).

Everything is validated once, at the door; further in, a spec is taken to be right. No torch here: the HTTP
service imports this module and has none.
"""

from __future__ import annotations

import itertools
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from search_spaces.base import StrictModel, content_key

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
"""A registered name (data set, weights): lower-case letters, digits, dot, dash, underscore; never a path."""

Size = tuple[Annotated[int, Field(ge=1, le=8192)], Annotated[int, Field(ge=1, le=8192)]]
"""(height, width) in pixels."""


class BackboneSpec(StrictModel):
    """The feature extractor under the head.

    `blocks` cuts MobileNet-v2 after that many of its 18 feature stages (stem included); None keeps all. A short
    backbone sees little (5 stages: 27 px), which is what makes context heads differ on small images.
    """

    name: Annotated[str, StringConstraints(pattern=r"^(mobilenet_v2|resnet50|resnet101|timm:[A-Za-z0-9_.-]+)$")] = (
        "mobilenet_v2"
    )
    width: Annotated[float, Field(gt=0, le=4)] = 1.0
    blocks: Annotated[int, Field(ge=2, le=18)] | None = None
    output_stride: Literal[8, 16, 32] = 16
    weights: Name | None = Field(
        None, description="Checkpoint registered in the server's configuration; None trains the backbone once."
    )
    frozen: bool = True
    warmup_iterations: Annotated[int, Field(ge=1, le=1_000_000)] = 400
    warmup_crop: Size | None = Field(None, description="Crop of the warm-up in pixels; None takes the fidelity's.")

    @model_validator(mode="after")
    def _only_mobilenet_scales(self) -> Self:
        if self.name != "mobilenet_v2" and (self.width != 1.0 or self.blocks is not None):
            raise ValueError(f"width and blocks belong to mobilenet_v2, not to {self.name}; leave them out")
        return self


class HeadSpec(StrictModel):
    """How an architecture becomes a head: filters per branch, dropout, and what a rate of 1 means in cells."""

    channels: Annotated[int, Field(ge=1, le=4096)] = 256
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    rate_multiplier: Annotated[int, Field(ge=1, le=8)] | None = Field(
        None, description="Factor on atrous rates; None is the paper's 16 / output stride (2 at stride 8)."
    )


class OptimizerSpec(StrictModel):
    """SGD with momentum as in the paper, or Adam where it was measured to be steadier (short, narrow heads)."""

    name: Literal["sgd", "adam"] = "sgd"
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.01
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 4e-5


class ScheduleSpec(StrictModel):
    """Polynomial decay (1 - t/T)^power after a linear warm-up.

    `per_rung` decays to zero at *every* rung and starts anew after it (warm restarts, Loshchilov and Hutter 2017),
    so that a score taken at a rung is that of a finished schedule. `single` is the paper's: one decay over all
    iterations; its early rungs are scores of a network in motion.
    """

    name: Literal["per_rung", "single"] = "per_rung"
    power: Annotated[float, Field(gt=0, le=10)] = 0.9
    warmup: Annotated[int, Field(ge=0)] = 20


class AugmentSpec(StrictModel):
    """Random scale, horizontal flip and crop, drawn once per cached view."""

    scale: tuple[Annotated[float, Field(gt=0, le=8)], Annotated[float, Field(gt=0, le=8)]] = (0.5, 2.0)
    flip: bool = True

    @field_validator("scale")
    @classmethod
    def _ascending(cls, scale: tuple[float, float]) -> tuple[float, float]:
        if scale[0] > scale[1]:
            raise ValueError(f"scale must be [smallest, largest], not {list(scale)}")
        return scale


class Fidelity(StrictModel):
    """How carefully an architecture is measured. Cheap: a proxy task. Expensive: full scale.

    `rungs` are the iterations at which a measurement is reported, ascending; the last is the whole length. `crop`
    is (height, width) in pixels and must be a multiple of the output stride, or one more (the field's 513, 769).
    """

    dataset: Name
    backbone: BackboneSpec = BackboneSpec()
    head: HeadSpec = HeadSpec()
    crop: Size = (513, 513)
    augment: AugmentSpec = AugmentSpec()
    views: Annotated[int, Field(ge=1, le=1000)] = Field(1, description="Cached augmented views of a training image.")
    train_images: Annotated[int, Field(ge=1)] | None = Field(None, description="Use the first N; None uses all.")
    val_images: Annotated[int, Field(ge=1)] | None = Field(None, description="Use the first N; None uses all.")
    rungs: Annotated[tuple[Annotated[int, Field(ge=1, le=10_000_000)], ...], Field(min_length=1, max_length=32)] = (
        7500,
        30_000,
    )
    batch: Annotated[int, Field(ge=2, le=4096)] = 8
    optimizer: OptimizerSpec = OptimizerSpec()
    schedule: ScheduleSpec = ScheduleSpec()
    class_weighting: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="Exponent e of the loss weight (class frequency)^-e; 0 weighs all pixels alike."
    )
    label_stride: Literal[1, 2, 4, 8, 16, 32] = Field(
        1, description="1 compares at every pixel (logits upsampled); the output stride compares at cell centres."
    )
    precision: Literal["float32", "bfloat16"] = "float32"

    @property
    def iterations(self) -> int:
        """Training steps of the whole schedule: the last rung."""
        return self.rungs[-1]

    @property
    def key(self) -> str:
        """Content hash (sha256 hex): equal fidelities have equal keys."""
        return content_key(self.model_dump(mode="json"))

    @field_validator("rungs")
    @classmethod
    def _ascending(cls, rungs: tuple[int, ...]) -> tuple[int, ...]:
        if any(a >= b for a, b in itertools.pairwise(rungs)):
            raise ValueError(f"rungs must be strictly ascending, not {list(rungs)}")
        return rungs

    @model_validator(mode="after")
    def _crop_fits(self) -> Self:
        stride = self.backbone.output_stride
        for side in self.crop:
            if side < 2 * stride or side % stride not in (0, 1):
                raise ValueError(
                    f"crop {list(self.crop)} does not fit output stride {stride}: "
                    f"each side must be a multiple of {stride}, or one more, and at least {2 * stride}"
                )
        if self.label_stride > stride:
            raise ValueError(f"label_stride {self.label_stride} is coarser than the output stride {stride}")
        return self


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
