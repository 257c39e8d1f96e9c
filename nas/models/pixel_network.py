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

    Pixels are normalised by the network's own preprocessing, and the logits are resized bilinearly to the image as in
    training. A plain module: it trains, compiles and exports, to images of any size.

    Attributes:
        network: From normalised images to logits at the network's stride.
        class_names: In the order of the logits.
        preprocessing: How pixels are normalised.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, network: Network, class_names: Sequence[str]) -> None:
        super().__init__()
        self.network = network
        self.class_names = tuple(class_names)
        self.preprocessing = network.preprocessing
        # Not saved: both follow from what the network is made with.
        for name, values in (("scale", self.preprocessing.scale), ("shift", self.preprocessing.shift)):
            self.register_buffer(name, torch.tensor(values).reshape(-1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        pixels = images.to(self.scale.dtype)
        if self.preprocessing.input_space == "BGR":
            pixels = pixels.flip(1)
        logits: Tensor = self.network(pixels * self.scale + self.shift)
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
