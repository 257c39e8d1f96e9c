"""Pixels of images as the inputs of a network."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from nas.weights.preprocessing import Preprocessing


def to_network(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Map uint8 images `(N, H, W, 3)` in RGB to a network's float32 inputs `(N, 3, H, W)`, channels last in memory."""
    if preprocessing.input_space == "BGR":
        images = images.flip(-1)
    scale, shift = _factors(preprocessing, images.device)
    return (images.float() * scale + shift).permute(0, 3, 1, 2)


@functools.lru_cache(maxsize=8)
@torch.inference_mode(mode=False)  # a cached tensor outlives the mode it was made in
def _factors(preprocessing: Preprocessing, device: torch.device) -> tuple[Tensor, Tensor]:
    return torch.tensor(preprocessing.scale, device=device), torch.tensor(preprocessing.shift, device=device)
