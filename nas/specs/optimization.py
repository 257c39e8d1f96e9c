"""How a network is trained: optimiser, learning rate schedule, loss, augmentation."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from search_spaces.base import StrictModel


class OptimizerSpec(StrictModel):
    """The optimiser: SGD with momentum as in the paper, or Adam, measured to be steadier for short, narrow heads.

    `adamw` is Adam whose weight decay shrinks the weights themselves instead of being added to their gradients
    (Loshchilov and Hutter, ICLR 2019).
    """

    name: Literal["sgd", "adam", "adamw"] = "sgd"
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 0.01
    momentum: Annotated[float, Field(ge=0, lt=1)] = Field(0.9, description="Of SGD; the first beta of Adam and AdamW.")
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 4e-5
    clip_norm: Annotated[float, Field(gt=0)] | None = Field(
        None,
        exclude_if=lambda norm: norm is None,
        description="Largest Euclidean norm of all gradients together: longer ones are scaled down to it; null scales "
        "none.",
    )


class ScheduleSpec(StrictModel):
    """The learning rate schedule: a decay to zero after a linear warm-up.

    `per_rung` decays to zero at *every* rung and restarts after it (warm restarts, Loshchilov and Hutter 2017), so
    that the score at a rung is that of a completed schedule. `single` is the paper's: one decay over all iterations;
    scores at its early rungs are those of a network that is still changing.
    """

    name: Literal["per_rung", "single"] = "per_rung"
    decay: Literal["poly", "cosine"] = Field(
        "poly",
        exclude_if=lambda decay: decay == "poly",
        description="poly: (1 - t/T)^power, as in DeepLab; cosine: (1 + cos(pi t/T)) / 2.",
    )
    power: Annotated[float, Field(gt=0, le=10)] = Field(0.9, description="Of the polynomial decay.")
    warmup: Annotated[int, Field(ge=0)] = Field(20, description="Iterations of the linear warm-up.")

    @model_validator(mode="after")
    def _only_poly_has_a_power(self) -> Self:
        if self.decay == "cosine" and self.power != type(self).model_fields["power"].default:
            raise ValueError("power belongs to the decay poly, not to cosine; leave it out")
        return self


class LossSpec(StrictModel):
    """The training loss: cross-entropy or focal loss, with or without soft Dice. Scores do not depend on the loss."""

    name: Literal["cross_entropy", "focal"] = "cross_entropy"
    gamma: Annotated[float, Field(ge=0, le=10)] = Field(
        2.0, description="Of the focal loss (1 - p)^gamma * cross-entropy, where p is the label's probability."
    )
    dice: Annotated[float, Field(ge=0, le=100)] = Field(
        0.0, description="Weight of the soft Dice loss, which is added; 0 adds none."
    )

    @model_validator(mode="after")
    def _only_focal_has_a_gamma(self) -> Self:
        if self.name != "focal" and self.gamma != type(self).model_fields["gamma"].default:
            raise ValueError(f"gamma belongs to the loss focal, not to {self.name}; leave it out")
        return self


class AugmentSpec(StrictModel):
    """Augmentation: random scale, horizontal flip and crop, drawn once for each cached view."""

    scale: tuple[Annotated[float, Field(gt=0, le=8)], Annotated[float, Field(gt=0, le=8)]] = (0.5, 2.0)
    flip: bool = True

    @field_validator("scale")
    @classmethod
    def _ascending(cls, scale: tuple[float, float]) -> tuple[float, float]:
        if scale[0] > scale[1]:
            raise ValueError(f"scale must be [smallest, largest], not {list(scale)}")
        return scale
