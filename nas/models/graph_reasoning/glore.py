"""Global reasoning unit (Chen et al., "Graph-Based Global Reasoning Networks", CVPR 2019)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from nas.models.graph_reasoning.pixels import pointwise, to_map, to_pixels

EPS = 1e-4
"""Epsilon of the batch norm after `extend`, as in the authors' code."""


class GloRe(nn.Module):
    """X + BN(extend(Y)): (N, C, H, W) -> the same shape; `nodes` = m, with 2 m states each (sections 3.1 to 3.3).

        B = theta(X)                       m x HW      projection, no softmax
        V = B phi(X)^T / HW                m x 2m      nodes
        Z = relu((I - A_g) V) W_g          m x 2m      reasoning over the nodes, then over the states
        Y = B^T Z                          HW x 2m     the same B projects back

    A_g (with a bias per node) and W_g are 1-d convolutions, learnt and the same for every image. Cost: O(HW * C * m).

    Mistakes in public implementations: no division by HW, so that V grows with the number of pixels (3.5 times from
    97x97 to 128x256) and a network trained on crops fails on full images; a softmax on B; a batch norm with initial
    weight one, so that the unit disturbs a pretrained network (the authors' has weight zero, which makes the unit the
    identity at first). The paper writes I - A_g; the authors' code adds, which is the same up to the sign of A_g.
    With 512 channels and 64 nodes the unit has 185,600 parameters.
    """

    def __init__(self, channels: int, nodes: int = 64, *, bn_momentum: float = 0.1) -> None:
        super().__init__()
        states = 2 * nodes
        self.theta = pointwise(channels, nodes)
        self.phi = pointwise(channels, states)
        self.adjacency = nn.Conv1d(nodes, nodes, 1)
        self.update = nn.Conv1d(states, states, 1, bias=False)
        self.extend = pointwise(states, channels, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=EPS, momentum=bn_momentum)
        nn.init.zeros_(self.bn.weight)

    def forward(self, x: Tensor) -> Tensor:
        projection = to_pixels(self.theta(x))
        # Divided before the product: a sum over all pixels could leave float16's range.
        nodes = (projection / projection.shape[1]).mT @ to_pixels(self.phi(x))
        reasoned = self.update(F.relu(nodes - self.adjacency(nodes)).mT).mT
        y: Tensor = x + self.bn(self.extend(to_map(projection @ reasoned, x)))
        return y
