"""Pixels of images as the normalised inputs of a network."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from nas.data.transforms import MEAN, STD


def to_network(images: Tensor) -> Tensor:
    """Normalise uint8 images `(N, H, W, 3)` to float32 `(N, 3, H, W)`, channels last in memory."""
    scale, shift = _normalisation(images.device)
    return (images.float() * scale + shift).permute(0, 3, 1, 2)


@functools.lru_cache(maxsize=8)
@torch.inference_mode(mode=False)  # a cached tensor outlives the mode it was made in
def _normalisation(device: torch.device) -> tuple[Tensor, Tensor]:
    scale = torch.tensor([1 / (255 * std) for std in STD], device=device)
    return scale, torch.tensor([-mean / std for mean, std in zip(MEAN, STD, strict=True)], device=device)
