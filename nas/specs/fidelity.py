"""Fidelity: how carefully an architecture is measured (data, backbone, crop, schedule, precision)."""

from __future__ import annotations

import itertools
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from search_spaces.base import StrictModel, content_key
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.document import Architecture
from search_spaces.reference.architecture import ReferenceHead

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
"""The registered name of a data set or of weights: lower-case letters, digits, dot, dash, underscore; no path."""

Size = tuple[Annotated[int, Field(ge=1, le=8192)], Annotated[int, Field(ge=1, le=8192)]]
"""(height, width) in pixels."""

BN_MOMENTUM = 0.1
"""Weight of the newest batch in the running statistics of batch norm, where a fidelity names no other.

TensorFlow DeepLab's decay of 0.9997 corresponds to 0.0003: after the 150 to 1,200 steps of a cheap fidelity the
running statistics would still consist of 64-96 % initial values, and validation would measure those. With 0.1 they
are forgotten within some 20 steps; use 0.0003 for schedules of 30,000 steps as in the paper.
"""

BatchNormMomentum = Annotated[
    float,
    Field(
        gt=0,
        le=1,
        # Left out of every dump while it is the default, so that specs written before it was there keep their keys.
        exclude_if=lambda momentum: momentum == BN_MOMENTUM,
        description="Weight of the newest batch in the running statistics of every batch norm that is trained; a "
        "trained backbone keeps its own while this is 0.1. TensorFlow DeepLab's decay of 0.9997 is 0.0003, for 30,000 "
        "iterations or more: after 1,000 it would still validate with three quarters of the initial values.",
    ),
]


Resize = Annotated[
    float,
    Field(
        gt=0,
        le=4,
        # Left out of every dump while it is the default, so that specs written before it was there keep their keys.
        exclude_if=lambda resize: resize == 1,
        description="Factor on the size of every image and label map as it is read (labels by nearest neighbour), "
        "before augmentation and crop. Validation is scored at that size too, so such scores compare only with each "
        "other. 0.5 makes Cityscapes 512x1024, where Auto-DeepLab searches.",
    ),
]


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


class DecoderSpec(StrictModel):
    """DeepLabv3+'s decoder around any head: it joins the head's output with a finer feature map of the backbone.

    The defaults are those of the paper and of its released code (Chen et al., ECCV 2018).
    """

    level: Literal[4, 8, 16] = Field(
        4,
        description="Stride of the map that the decoder reads, the first of backbone.levels; the head reads the rest.",
    )
    low_level_channels: Annotated[int, Field(ge=1, le=4096)] = Field(
        48, description="Channels to which a 1x1 convolution reduces that map."
    )
    channels: Annotated[int, Field(ge=1, le=4096)] = Field(256, description="Filters of the two 3x3 convolutions.")
    separable: bool = Field(
        True, description="3x3 convolutions as depthwise and pointwise ones, as on Xception; false: full ones."
    )


class HeadSpec(StrictModel):
    """How a network is built from an architecture that describes a head: channels, dropout, factor on atrous rates."""

    channels: Annotated[int, Field(ge=1, le=4096)] = Field(
        256, description="Filters of each branch, for architectures without `channels` of their own."
    )
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    rate_multiplier: Annotated[int, Field(ge=1, le=8)] | None = Field(
        None, description="Factor on atrous rates; null uses the paper's 16 / output stride (2 at stride 8)."
    )
    decoder: DecoderSpec | None = Field(
        None,
        # Left out of every dump while it is the default, so that specs written before it was there keep their keys.
        exclude_if=lambda decoder: decoder is None,
        description="A decoder behind the head, at the stride of its level. null: none; the classifier reads the head.",
    )
    bn_momentum: BatchNormMomentum = BN_MOMENTUM


class NetworkSpec(StrictModel):
    """How a network is built from an architecture that describes an entire network (auto_deeplab): widths, dropout.

    The defaults are Auto-DeepLab-S as released; `filters` 32 and 48 give -M and -L.
    """

    filters: Annotated[int, Field(ge=1, le=512)] = Field(20, description="F: channels of a block at stride 4.")
    stem_channels: Annotated[int, Field(ge=1, le=1024)] = 64
    aspp_channels: Annotated[int, Field(ge=1, le=4096)] = 256
    low_level_channels: Annotated[int, Field(ge=1, le=4096)] = Field(
        48, description="Channels to which the decoder reduces the output of the third cell."
    )
    decoder_channels: Annotated[int, Field(ge=1, le=4096)] = 256
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    drop_path: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Probability to drop a path in the last cell at the end of training (ScheduledDropPath)."
    )
    bn_momentum: BatchNormMomentum = BN_MOMENTUM


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


class Fidelity(StrictModel):
    """How carefully an architecture is measured: a cheap fidelity is a proxy task, an expensive one full scale."""

    dataset: Name
    backbone: BackboneSpec = BackboneSpec()
    head: HeadSpec = HeadSpec()
    network: NetworkSpec = Field(
        NetworkSpec(),
        # Left out of every dump while it is the default, so that specs written before it was there keep their keys.
        exclude_if=lambda network: network == NetworkSpec(),
        description="Used for entire networks (auto_deeplab) only; backbone and head are then not used.",
    )
    crop: Size = Field(
        (513, 513),
        description="Height and width in pixels, each a multiple of the output stride or one more (as in 513, 769).",
    )
    resize: Resize = 1.0
    augment: AugmentSpec = AugmentSpec()
    views: Annotated[int, Field(ge=1, le=1000)] = Field(
        1, description="Number of cached augmented views of each training image."
    )
    train_images: Annotated[int, Field(ge=1)] | None = Field(None, description="Use the first N; null uses all.")
    val_images: Annotated[int, Field(ge=1)] | None = Field(None, description="Use the first N; null uses all.")
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

    @model_validator(mode="after")
    def _crop_fits(self) -> Self:
        finest, stride = self.backbone.strides[0], self.backbone.strides[-1]
        for side in self.crop:
            if side < 2 * stride or side % stride not in (0, 1):
                raise ValueError(
                    f"crop {list(self.crop)} does not fit output stride {stride}: "
                    f"each side must be a multiple of {stride}, or one more, and at least {2 * stride}"
                )
        if self.label_stride > finest:
            raise ValueError(f"label_stride {self.label_stride} is coarser than the head's stride {finest}")
        return self
