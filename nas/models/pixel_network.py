"""A network from images as they are, 0 to 255, to logits at their size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nas.models.layers.resampling import upsample
from nas.models.networks import Network


class PixelNetwork(nn.Module):
    """A network with its preprocessing: RGB images (N, 3, H, W), 0 to 255 -> logits (N, classes, H, W).

    A pixel is normalised to (pixel / 255 - mean) / std, and the logits are resized bilinearly to the image as in
    training. A plain module: it trains, compiles and exports, to images of any size.

    Attributes:
        network: From normalised images to logits at the network's stride.
        class_names: In the order of the logits.
        mean: Of the normalisation, by colour, for pixels from 0 to 1.
        std: Standard deviations of the normalisation.
    """

    scale: Tensor
    shift: Tensor

    def __init__(
        self, network: Network, class_names: Sequence[str], mean: tuple[float, ...], std: tuple[float, ...]
    ) -> None:
        super().__init__()
        self.network = network
        self.class_names = tuple(class_names)
        self.mean, self.std = tuple(mean), tuple(std)
        scale = [1 / (255 * deviation) for deviation in std]
        shift = [-value / deviation for value, deviation in zip(mean, std, strict=True)]
        # Not saved: both follow from what the network is made with.
        self.register_buffer("scale", torch.tensor(scale).reshape(-1, 1, 1), persistent=False)
        self.register_buffer("shift", torch.tensor(shift).reshape(-1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(images.to(self.scale.dtype) * self.scale + self.shift)
        return upsample(logits, (images.shape[2], images.shape[3]))

    @torch.inference_mode()
    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Predict the class of each pixel.

        Args:
            images: RGB, (N, H, W, 3), uint8.

        Returns:
            Indices into `class_names`, (N, H, W), uint8.

        Raises:
            ValueError: The images have another shape or type.
        """
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
            found = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
            raise ValueError(f"images are a numpy array of uint8, (N, H, W, 3) in RGB, not {found}")
        maps = torch.from_numpy(images).to(self.scale.device).permute(0, 3, 1, 2)
        classes: NDArray[np.uint8] = self(maps).argmax(1).to(torch.uint8).cpu().numpy()
        return classes
