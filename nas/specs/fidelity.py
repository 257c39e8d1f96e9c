"""Fidelity: how carefully an architecture is measured (data, backbone, crop, schedule, precision)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from nas.specs.backbone import BackboneSpec
from nas.specs.crops import check_crop, crop_misfit
from nas.specs.fields import Name, Resize, Size
from nas.specs.holdout import Holdout
from nas.specs.network import HeadSpec, NetworkSpec
from nas.specs.optimization import AugmentSpec, LossSpec, OptimizerSpec, ScheduleSpec
from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.base import StrictModel, content_key
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.document import Architecture
from search_spaces.reference.architecture import ReferenceHead


class Fidelity(StrictModel):
    """How carefully an architecture is measured: a cheap fidelity is a proxy task, an expensive one full scale."""

    dataset: Name
    backbone: BackboneSpec = Field(
        BackboneSpec(name="efficientnet_lite0", weights="imagenet"),
        description="Left out: efficientnet_lite0 with its published weights, which needs no training of its own.",
    )
    head: HeadSpec = HeadSpec()
    network: NetworkSpec = Field(
        NetworkSpec(),
        # Left out of every dump while it is the default, so that specs written before it was there keep their keys.
        exclude_if=lambda network: network == NetworkSpec(),
        description="Used for entire networks (auto_deeplab) only; backbone and head are then not used.",
    )
    crop: Size = Field(
        (513, 513),
        description="Height and width in pixels, each a multiple of the output stride or one more (as in 513, 769); of "
        "entire networks, of the largest stride to which their paths go down.",
    )
    resize: Resize = 1.0
    augment: AugmentSpec = AugmentSpec()
    views: Annotated[int, Field(ge=1, le=1000)] = Field(
        1, description="Number of cached augmented views of each training image."
    )
    train_images: Annotated[int, Field(ge=1)] | None = Field(None, description="Use the first N; null uses all.")
    val_images: Annotated[int, Field(ge=1)] | None = Field(None, description="Use the first N; null uses all.")
    holdout: Holdout | None = Field(
        None,
        exclude_if=lambda holdout: holdout is None,
        description="Keep a part of the validation images (of the first `val_images`) back, on which a confirmation "
        "measures the best architectures again; null measures on all of them.",
    )
    rungs: Annotated[tuple[Annotated[int, Field(ge=1, le=10_000_000)], ...], Field(min_length=1, max_length=32)] = (
        Field(
            (7500, 30_000),
            description="Training iterations at which the score is measured, ascending; training ends at the last.",
        )
    )
    batch: Annotated[int, Field(ge=2, le=4096)] = 8
    optimizer: OptimizerSpec = OptimizerSpec()
    schedule: ScheduleSpec = ScheduleSpec()
    loss: LossSpec = Field(LossSpec(), exclude_if=lambda loss: loss == LossSpec())
    ema: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None,
        exclude_if=lambda decay: decay is None,
        description="Decay of a moving average of the weights, which is then what is scored and saved, such as 0.999; "
        "null scores the weights themselves.",
    )
    class_weighting: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="Exponent e of the loss weight (class frequency)^-e; 0 weighs all pixels alike."
    )
    label_stride: Literal[1, 2, 4, 8, 14, 16, 32] = Field(
        1,
        description="1 compares at every pixel (logits upsampled); the output stride compares at cell centres.",
    )
    precision: Literal["float32", "bfloat16"] = "float32"

    @property
    def iterations(self) -> int:
        """Training iterations of a trial: the last rung."""
        return self.rungs[-1]

    @property
    def key(self) -> str:
        """Content hash (sha256 hex): equal fidelities have equal keys."""
        return content_key(self.model_dump(mode="json"))

    @property
    def head_strides(self) -> tuple[int, ...]:
        """Strides of the feature maps that the head reads: the backbone's, without the one of the decoder."""
        strides = self.backbone.strides
        return strides if self.head.decoder is None else strides[1:]

    def check_head(self, architecture: Architecture) -> None:
        """Check that a head can read the feature maps that this fidelity offers.

        Raises:
            ValueError: The head needs more maps, or a cell reads others.
        """
        strides = self.head_strides
        if isinstance(architecture, ReferenceHead):
            architecture.check_levels(len(strides))
        if isinstance(architecture, DenseCell) and architecture.levels not in (None, strides):
            raise ValueError(
                f"the cell reads the levels {list(architecture.levels)}, and here are {list(strides)}: make the "
                "fidelity's backbone.levels those of the cell"
            )

    def check_crop(self, architecture: Architecture) -> None:
        """Check that the crop fits the maps of an architecture: those that a head reads, those of a network's path.

        Raises:
            ValueError: It does not.
        """
        if isinstance(architecture, AutoDeepLab):
            check_crop(architecture, self.crop)
        else:
            self.check_crop_of_heads()

    def check_crop_of_heads(self) -> None:
        """Check that crop and labels fit the feature maps of the backbone, which heads read and networks do not.

        Raises:
            ValueError: They do not.
        """
        for _, misfit in self.misfits_of_heads():
            raise ValueError(misfit)

    def misfits_of_heads(self) -> Iterator[tuple[str, str]]:
        """Yield the name of each field that does not fit the feature maps of the backbone, and a sentence."""
        finest, coarsest = self.backbone.strides[0], self.backbone.strides[-1]
        if (needed := crop_misfit(self.crop, coarsest)) is not None:
            yield "crop", f"crop {list(self.crop)} does not fit output stride {coarsest}: {needed}"
        if self.label_stride > finest:
            yield "label_stride", f"label_stride {self.label_stride} is coarser than the head's stride {finest}"

    @field_validator("rungs")
    @classmethod
    def _ascending(cls, rungs: tuple[int, ...]) -> tuple[int, ...]:
        if any(a >= b for a, b in itertools.pairwise(rungs)):
            raise ValueError(f"rungs must be strictly ascending, not {list(rungs)}")
        return rungs

    @model_validator(mode="after")
    def _decoder_has_its_level(self) -> Self:
        decoder, strides = self.head.decoder, self.backbone.strides
        if decoder is not None and (len(strides) < 2 or strides[0] != decoder.level):
            raise ValueError(
                f"head.decoder reads the map of stride {decoder.level} and the head coarser ones, but backbone.levels "
                f"gives {list(strides)}: begin it with {decoder.level}, for instance "
                f"{[decoder.level, max(16, 2 * decoder.level)]}"
            )
        return self


def of_heads(fidelity: Fidelity) -> Fidelity:
    """Validate a fidelity at which heads are measured, where a spec knows that they are.

    Raises:
        ValidationError: A field does not fit the feature maps of the backbone; each such field is named.
    """
    misfits: list[InitErrorDetails] = [
        {"type": PydanticCustomError("misfit", "{misfit}", {"misfit": misfit}), "loc": (field,), "input": fidelity}
        for field, misfit in fidelity.misfits_of_heads()
    ]
    if misfits:
        raise ValidationError.from_exception_data("Fidelity", misfits)
    return fidelity
