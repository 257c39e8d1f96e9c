"""A searched head as the decoder of a segmentation_models_pytorch network.

    import segmentation_models_pytorch as smp

    network = smp.DeepLabV3("resnet50", classes=4)      # its encoder keeps stride 8
    network.decoder = SearchedDecoder("best.json", network.encoder.out_channels, strides=8)
    network.segmentation_head = smp.base.SegmentationHead(network.decoder.out_channels, 4, upsampling=8)

The encoder gives a list of maps, from the image itself (stride 1) to the coarsest; strides that dilation replaces are
missing at its end, which `encoder_strides` says.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

import nas
from nas.sources import Source

ENCODER_STRIDES = (1, 2, 4, 8, 16, 32)


class SearchedDecoder(nn.Module):
    """A head in segmentation_models_pytorch's interface: a list of maps -> (N, out_channels, H / stride, W / stride).

    Args:
        source: The architecture, as `nas.build_head` takes it.
        encoder_channels: Channels of each map of the encoder (`encoder.out_channels`).
        strides: Of the maps that the head reads, finest first.
        encoder_strides: Of the maps of the encoder; of several with one stride the last is read.

    Raises:
        ValueError: The encoder has no map of a stride.
    """

    def __init__(
        self,
        source: Source,
        encoder_channels: Sequence[int],
        *,
        strides: int | Sequence[int],
        encoder_strides: Sequence[int] = ENCODER_STRIDES,
    ) -> None:
        super().__init__()
        wanted = [strides] if isinstance(strides, int) else list(strides)
        places = {stride: index for index, stride in enumerate(encoder_strides[: len(encoder_channels)])}
        if missing := [stride for stride in wanted if stride not in places]:
            raise ValueError(f"the encoder has no map of stride {missing[0]}; it has {', '.join(map(str, places))}")
        self.read = [places[stride] for stride in wanted]
        self.head = nas.build_head(source, [encoder_channels[index] for index in self.read], strides=wanted)
        assert isinstance(self.head.out_channels, int)
        self.out_channels = self.head.out_channels

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Compute the features from which the segmentation head makes logits."""
        y: Tensor = self.head(*(features[index] for index in self.read))
        return y
