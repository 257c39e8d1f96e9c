"""The backbone with standardised features, as heads read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import torch
from numpy.typing import NDArray
from torch import Tensor

from nas.data.dataset import Uint8
from nas.models.backbones.base import Backbone
from nas.training.loop.device import autocast
from nas.training.loop.pixels import to_network


class StandardizedBackbone(Backbone):
    """A backbone followed by (x - mean) / deviation per channel; mean and deviation are saved with the network.

    Attributes:
        frozen: The backbone stays in evaluation mode and without gradients, whatever the network around it does.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, body: Backbone, mean: Tensor, deviation: Tensor, *, frozen: bool) -> None:
        super().__init__()
        self.body = body
        self.frozen = frozen
        self.out_channels = body.out_channels
        self.output_stride = body.output_stride
        self.register_buffer("mean", mean.float().reshape(-1, 1, 1))
        # A channel that never varies carries nothing: it becomes 0, not noise divided by nothing.
        self.register_buffer("scale", torch.where(deviation > 1e-6, 1 / deviation, 0).float().reshape(-1, 1, 1))
        if frozen:
            self.requires_grad_(False)
            self.eval()

    def train(self, mode: bool = True) -> Self:
        return super().train(mode and not self.frozen)

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised images `(N, 3, H, W)` to features `(N, out_channels, H / stride, W / stride)`."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            features: Tensor = self.body(images)
            # At least float32: autocast may give bfloat16 features; those of a network in float64 stay float64.
            return (features.to(torch.promote_types(features.dtype, torch.float32)) - self.mean) * self.scale

    def leaves_out(self, key: str) -> bool:
        return self.body.leaves_out(key)


def feature_function(backbone: Backbone, device: torch.device, dtype: torch.dtype) -> Callable[[Uint8], NDArray[Any]]:
    """Make a function from images `(n, H, W, 3)` to features `(n, h, w, C)`, both numpy arrays.

    Features in bfloat16 are returned as their bits in uint16, as numpy has no bfloat16.
    """

    def extract(images: Uint8) -> NDArray[Any]:
        with torch.inference_mode(), autocast(device, dtype):
            features = backbone(to_network(torch.from_numpy(images).to(device))).permute(0, 2, 3, 1)
        features = features.to(dtype).contiguous().cpu()
        array: NDArray[Any] = (features.view(torch.uint16) if dtype is torch.bfloat16 else features).numpy()
        return array

    return extract


def images_at_once(crop: tuple[int, int]) -> int:
    """Compute how many images of a crop size a backbone reads at a time: about two megapixels."""
    return max(1, 2**21 // (crop[0] * crop[1]))
