"""The backbone of a fidelity: which network, which of its feature maps, with which weights."""

from __future__ import annotations

import itertools
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from nas.specs.fields import Name, Size
from search_spaces.base import StrictModel

HUB = "hub"
"""As a name of weights: those that the network's authors published on the hub."""

_PART = "[A-Za-z0-9][A-Za-z0-9_.-]*"
BACKBONES = rf"^(mobilenet_v2|resnet50|resnet101|efficientnet_lite[012]|timm:[A-Za-z0-9_.-]+|hf:{_PART}(/{_PART})?)$"


class BackboneSpec(StrictModel):
    """The backbone, which extracts the features that a head reads."""

    name: Annotated[str, StringConstraints(pattern=BACKBONES)] = Field(
        "mobilenet_v2",
        description="mobilenet_v2, resnet50, resnet101, efficientnet_lite0 to 2, a network of timm (timm:NAME), or one "
        "of transformers: hf:NAME for a folder registered under `weights`, hf:ORGANISATION/NAME for one of the hub.",
    )
    width: Annotated[float, Field(gt=0, le=4)] = 1.0
    blocks: Annotated[int, Field(ge=2, le=18)] | None = Field(
        None,
        description="Cut MobileNet-v2 after this many of its 18 feature stages (stem included); null uses all. A short "
        "backbone has a small receptive field (5 stages: 27 pixels), so that context heads differ on small images.",
    )
    output_stride: Literal[8, 14, 16, 32] = Field(
        16, description="Stride of the coarsest map in pixels; 14 and 16 are the patches of vision transformers."
    )
    levels: Annotated[tuple[Literal[4, 8, 16, 32], ...], Field(min_length=1)] | None = Field(
        None,
        # Left out of every dump while it is the default, so that specs written before it was there keep their keys.
        exclude_if=lambda levels: levels is None,
        description="Strides of the feature maps that the head reads, finest first: of each stride the backbone's last "
        "map. The head writes at the finest. null: the last map alone, at output_stride.",
    )
    depths: Annotated[tuple[Annotated[int, Field(ge=1, le=1000)], ...], Field(min_length=1)] | None = Field(
        None,
        exclude_if=lambda depths: depths is None,
        description="For a vision transformer: the head reads one map after each of these blocks (counted from 1), all "
        "of the same stride; later blocks are not built. null: the last block alone.",
    )
    weights: Name | None = Field(
        None,
        description="Name of a checkpoint in the server's configuration; null trains the backbone once. `imagenet` "
        "names the published weights of efficientnet_lite0 to 2, `hub` those of timm: and hf: networks on the hub. "
        "Left out, efficientnet_lite has `imagenet`, and an hf: network its own.",
    )
    frozen: bool = Field(True, description="Whether trials train the head only, on features of the fixed backbone.")
    warmup_iterations: Annotated[int, Field(ge=1, le=1_000_000)] = 400
    warmup_crop: Size | None = Field(
        None, description="Crop (height, width) of the backbone's training in pixels; null uses the fidelity's."
    )

    @model_validator(mode="before")
    @classmethod
    def _own_weights(cls, value: Any) -> Any:
        """Weights that belong to the name, where none are given; names of the first version have none."""
        if not isinstance(value, dict) or "weights" in value or not isinstance(name := value.get("name"), str):
            return value
        if name.startswith("efficientnet_lite"):
            return {**value, "weights": "imagenet"}
        if name.startswith("hf:"):
            return {**value, "weights": HUB if "/" in name else name.removeprefix("hf:")}
        return value

    @model_validator(mode="after")
    def _only_transformers_have_patches(self) -> Self:
        if self.name.startswith(("hf:", "timm:")):
            return self
        if self.output_stride == 14:
            raise ValueError(f"output_stride 14 belongs to vision transformers, not to {self.name}; use 8, 16 or 32")
        if self.depths is not None:
            raise ValueError(f"depths belong to vision transformers, not to {self.name}; ask for levels instead")
        return self

    @field_validator("depths")
    @classmethod
    def _shallowest_first(cls, depths: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if depths is not None and any(a >= b for a, b in itertools.pairwise(depths)):
            raise ValueError(f"depths must be different blocks, the first one first, not {list(depths)}")
        return depths

    @model_validator(mode="after")
    def _levels_or_depths(self) -> Self:
        if self.levels is not None and self.depths is not None:
            raise ValueError("levels are maps of different strides, depths maps of equal stride: give one of the two")
        return self

    @model_validator(mode="after")
    def _only_mobilenet_scales(self) -> Self:
        if self.name != "mobilenet_v2" and (self.width != 1.0 or self.blocks is not None):
            raise ValueError(f"width and blocks belong to mobilenet_v2, not to {self.name}; leave them out")
        return self

    @field_validator("levels")
    @classmethod
    def _finest_first(cls, levels: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if levels is not None and any(a >= b for a, b in itertools.pairwise(levels)):
            raise ValueError(f"levels must be different strides, finest first, not {list(levels)}")
        return levels

    @model_validator(mode="after")
    def _levels_are_reached(self) -> Self:
        if self.levels is not None and self.levels[-1] > self.output_stride:
            raise ValueError(
                f"level {self.levels[-1]} is coarser than output_stride {self.output_stride}, which the backbone "
                "does not exceed: raise output_stride or leave the level out"
            )
        return self

    @property
    def strides(self) -> tuple[int, ...]:
        """Strides of the maps that the head reads, finest first; the head writes at the first."""
        if self.depths is not None:
            return (self.output_stride,) * len(self.depths)
        return (self.output_stride,) if self.levels is None else self.levels
