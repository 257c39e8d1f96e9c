"""Graph convolution unit (Li and Gupta, "Beyond Grids: Learning Graph Representations for Visual Recognition",
NeurIPS 2018).
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas.models.graph_reasoning.kmeans import kmeans
from nas.models.graph_reasoning.pixels import at_least_float32, linear, no_autocast, to_map, to_pixels

NORM_EPS = 1e-6
"""Smallest length by which a residual is divided: at length zero the gradient of x / ||x|| has no bound."""

Assignment = Literal["distance", "dot"]


class GraphConvolutionUnit(nn.Module):
    """X + Q F: graph convolution over V vertices to which pixels are softly assigned: (N, C, H, W) -> the same shape.

        q_ik  = softmax over k of -|| (x_i - w_k) / sigma_k ||^2 / 2          sigma = sigmoid(a parameter)
        z'_k  = sum over i of q_ik (x_i - w_k) / sigma_k / sum over i of q_ik    (equation 2)
        z_k   = z'_k / ||z'_k||
        A     = Z^T Z                                                         V x V, computed for every image
        F     = relu(BN(A Z^T W_g))                                           V x C

    `assignment="dot"` is the second form, of the authors' slides: q_ik = softmax over k of <x_i, w_k>, and z'_k the
    weighted mean of x_i, without sigma; z_k has unit length there as well, which keeps A within [-1, 1].

    Cost: O(HW * V * C). The square is expanded into products (x^2 by 1/sigma^2, x by w/sigma^2, and a constant), so
    there is never an HW x V x C tensor; the assignment is computed in float32 under autocast, since differences of
    squares over C channels are large against bfloat16's three digits.

    Where this differs from the paper: Q F is added to X, so that the unit keeps the shape of its input; vertices are
    random until `initialise_by_kmeans` is called, which no trial does; sigma_k starts at the clusters' standard
    deviations, not at their variances, since it divides a distance.

    Mistakes in public implementations: sums that are not divided by the sum of the weights grow with the image; an
    unbounded sigma becomes negative or zero; random w_k far from the features assign every pixel to one vertex.
    Without `initialise_by_kmeans`, which the paper does, w_k is small, so that all vertices are nearly equal at first.
    """

    sigma: Tensor | None

    def __init__(
        self, channels: int, vertices: int = 8, *, assignment: Assignment = "distance", bn_momentum: float = 0.1
    ) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.randn(vertices, channels) * channels**-0.5)
        self.sigma = nn.Parameter(torch.zeros(vertices, channels)) if assignment == "distance" else None
        self.update = linear(channels, channels)
        self.bn = nn.BatchNorm1d(channels, momentum=bn_momentum)

    def forward(self, x: Tensor) -> Tensor:
        pixels = to_pixels(x)
        with no_autocast(x):
            wide = at_least_float32(pixels)
            assigned = self._logits(wide).softmax(2)
            vertices = F.normalize(self._residuals(wide, assigned), dim=2, eps=NORM_EPS)
            adjacency = vertices @ vertices.mT
        convolved = self.update(adjacency @ vertices)
        features = F.relu(self.bn(convolved.mT)).mT
        return x + to_map(assigned.to(features.dtype) @ features, x).to(x.dtype)

    def _logits(self, pixels: Tensor) -> Tensor:
        """Logits of the assignment q: (N, HW, C) -> (N, HW, V)."""
        centres = at_least_float32(self.centres)
        if self.sigma is None:
            return pixels @ centres.T
        precision = at_least_float32(self.sigma).sigmoid() ** -2
        constant = (centres.square() * precision).sum(1)
        return pixels @ (centres * precision).T - (pixels.square() @ precision.T + constant) / 2

    def _residuals(self, pixels: Tensor, assigned: Tensor) -> Tensor:
        """z', (N, V, C); zeros for a vertex whose assigned weight vanishes in the precision of the dtype."""
        weight = assigned.sum(1).unsqueeze(2)
        tiny = torch.finfo(weight.dtype).tiny
        means = (assigned.mT @ pixels) / weight.clamp(min=tiny)
        if self.sigma is None:
            return means
        return torch.where(weight > tiny, (means - self.centres) / self.sigma.sigmoid(), 0.0)

    @torch.no_grad()
    def initialise_by_kmeans(self, features: Tensor, *, iterations: int = 20, seed: int = 0) -> None:
        """Set the vertices to the k-means centres of a batch's pixels and sigma to the clusters' standard deviations.

        Standard deviations are clamped to [0.05, 0.95], since sigma is a sigmoid.

        Args:
            features: Batch (N, C, H, W), of which at most 16,384 pixels are drawn.
            iterations: Steps of k-means.
            seed: Seed of the drawn pixels and of k-means.

        Raises:
            ValueError: There are fewer pixels than vertices.
        """
        pixels = to_pixels(features).flatten(0, 1).to(self.centres.dtype)
        centres, deviations = kmeans(pixels, self.centres.shape[0], iterations=iterations, seed=seed)
        self.centres.copy_(centres)
        if self.sigma is not None:
            self.sigma.copy_(torch.logit(deviations.clamp(0.05, 0.95)))
