"""Double attention (Chen et al., "A^2-Nets: Double Attention Networks", NeurIPS 2018)."""

from __future__ import annotations

from torch import Tensor, nn

from nas.models.graph_reasoning.pixels import pointwise, to_map, to_pixels


class DoubleAttention(nn.Module):
    """X + extend(Z) with Z = [phi(X) softmax(theta(X))^T] softmax(rho(X)): (N, C, H, W) -> the same shape.

    phi(X) is features x HW, theta(X) and rho(X) are maps x HW (section 3, equation 6). The first softmax runs over
    the pixels of each map: every map *gathers* one descriptor, a weighted mean of phi. The second runs over the maps
    at each pixel: every pixel mixes the descriptors.

    Cost: O(HW * C * maps); the product in brackets (features x maps) comes first, so there is never an HW x HW
    matrix. The paper uses as many features as maps.

    Mistakes in public implementations: a softmax over the wrong axis (rho's over the pixels gives outputs that shrink
    as the image grows), or the flattened batch and map axes swapped. theta has no bias here, since a softmax over the
    pixels cancels it.
    """

    def __init__(self, channels: int, maps: int = 64, features: int | None = None) -> None:
        super().__init__()
        features = features or maps
        self.phi = pointwise(channels, features)
        self.theta = pointwise(channels, maps, bias=False)
        self.rho = pointwise(channels, maps)
        self.extend = pointwise(features, channels)

    def forward(self, x: Tensor) -> Tensor:
        gather = to_pixels(self.theta(x)).softmax(1)
        distribute = to_pixels(self.rho(x)).softmax(2)
        descriptors = gather.mT @ to_pixels(self.phi(x))
        y: Tensor = x + self.extend(to_map(distribute @ descriptors, x))
        return y
