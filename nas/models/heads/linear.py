"""The linear head, which has no hidden layer."""

from __future__ import annotations

from torch import Tensor, nn

from nas.models.layers.conv import BN_MOMENTUM, batch_norm
from nas.models.layers.resampling import upsample


class LinearHead(nn.Module):
    """Batch norm alone, so that the logits, a 1x1 convolution behind it, are a linear function of the features.

    One or several maps (N, C_i, H_i, W_i), finest first -> (N, C, H_1, W_1) of the coarsest, which is the backbone's
    last; the others are not read. `out_channels` is that map's C. There is no dropout.

    Source:
        Oquab et al., DINOv2 (arXiv 2304.07193), dense recognition tasks: a linear layer on the frozen patch tokens;
        batch norm in front of it as in the released code (`BNHead`). On the concatenation of the last four blocks it is
        the head of the results called "+ms".
    """

    def __init__(self, in_channels: int, *, bn_momentum: float = BN_MOMENTUM) -> None:
        super().__init__()
        self.out_channels = in_channels
        self.bn = batch_norm(in_channels, bn_momentum)

    def forward(self, *levels: Tensor) -> Tensor:
        finest = levels[0]
        return upsample(self.bn(levels[-1]), (finest.shape[-2], finest.shape[-1]))
