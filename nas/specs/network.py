"""How networks are built from architectures: heads, decoders, entire networks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from search_spaces.base import StrictModel

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
