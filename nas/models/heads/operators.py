"""The operators of the dense prediction cell as modules (Chen et al., NeurIPS 2018, section 3.2).

Definitions follow the released code, TensorFlow models research/deeplab/core/dense_prediction_cell.py; a docstring
mentions where the paper differs.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from nas.models.layers.conv import BN_MOMENTUM, ConvBNReLU, batch_norm
from nas.models.layers.depthwise import DepthwiseAtrous
from nas.models.layers.fused import fused_separable
from nas.models.layers.resampling import resize, sliding_mean

POINTWISE_STD = 0.06
"""Standard deviation of the initial pointwise weights behind a depthwise convolution (TensorFlow DeepLab)."""


class AtrousSeparable(nn.Module):
    """Atrous separable convolution: depthwise 3x3, BN, ReLU, pointwise 1x1, BN, ReLU.

    (N, in, H, W) -> (N, out, H, W), 'SAME' padding. Batch norm and ReLU also stand *between* the two convolutions.
    """

    def __init__(
        self, in_channels: int, out_channels: int, rate: tuple[int, int], *, bn_momentum: float = BN_MOMENTUM
    ) -> None:
        super().__init__()
        self.depthwise = DepthwiseAtrous(in_channels, rate)
        self.bn = batch_norm(in_channels, bn_momentum)
        self.pointwise = ConvBNReLU(in_channels, out_channels, bn_momentum=bn_momentum, std=POINTWISE_STD)

    def forward(self, x: Tensor) -> Tensor:
        depthwise, pointwise = self.depthwise, self.pointwise
        y = fused_separable(x, depthwise.weight, depthwise.rate, self.bn, pointwise.conv, pointwise.bn)
        if y is None:
            y = pointwise(F.relu(self.bn(depthwise(x)), inplace=True))
        return y


class PyramidPooling(nn.Module):
    """Average pooling (stride 1, no padding), 1x1 convolution, BN, ReLU, bilinear resize back (corners aligned).

    (N, in, H, W) -> (N, out, H, W). With stride 1 the "grid" is a sliding mean, as in the released code; the paper
    describes average pooling in each grid cell. `kernel` is the window (height, width) in cells; see
    `pooling_kernel`. A window larger than the map is cut to the map, which makes it a global mean; TensorFlow refuses
    to build that graph.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel: tuple[int, int], *, bn_momentum: float = BN_MOMENTUM
    ) -> None:
        super().__init__()
        self.kernel = kernel
        self.project = ConvBNReLU(in_channels, out_channels, bn_momentum=bn_momentum)

    def forward(self, x: Tensor) -> Tensor:
        return resize(self.project(sliding_mean(x, self.kernel)), (x.shape[2], x.shape[3]))

    def extra_repr(self) -> str:
        return f"kernel={self.kernel}"
