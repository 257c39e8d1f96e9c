"""Controls with global context but no graph; a unit that does not beat them gains nothing from its graph."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from nas.models.graph_reasoning.pixels import pointwise, to_map, to_pixels


class ConstantContext(nn.Module):
    """X + W mean(X): adds one vector per image to every pixel: (N, C, H, W) -> the same shape.

    The simplest form of global context (ParseNet, Liu et al. 2015). The drawn mapping of SGR and a non-local block
    with uniform attention reduce to it. Cost: O(HW * C).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.project = pointwise(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.project(x.mean((2, 3), keepdim=True))
        return y


class NonLocal(nn.Module):
    """X + BN(extend(softmax(Q K^T / sqrt(d)) V)): every pixel attends to every pixel: (N, C, H, W) -> the same shape.

    The embedded Gaussian of Wang et al., "Non-local Neural Networks", CVPR 2018, with d = C / 2 and a batch norm whose
    initial weight is zero; the factor 1 / sqrt(d) is that of transformers and not in the paper. Cost: O(HW * HW * d)
    operations, but no HW x HW matrix in memory where torch has a fused attention kernel.
    """

    def __init__(self, channels: int, inner: int | None = None, *, bn_momentum: float = 0.1) -> None:
        super().__init__()
        inner = inner or max(1, channels // 2)
        self.query = pointwise(channels, inner)
        self.key = pointwise(channels, inner)
        self.value = pointwise(channels, inner)
        self.extend = pointwise(inner, channels, bias=False)
        self.bn = nn.BatchNorm2d(channels, momentum=bn_momentum)
        nn.init.zeros_(self.bn.weight)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (to_pixels(layer(x)).unsqueeze(1) for layer in (self.query, self.key, self.value))
        attended = F.scaled_dot_product_attention(q, k, v).squeeze(1)
        y: Tensor = x + self.bn(self.extend(to_map(attended, x)))
        return y
