"""Scores on entire validation images: in sliding windows or in one piece, at several scales, mirrored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from pydantic import Field, model_validator
from torch import Tensor, nn

from nas.data.dataset import Split, Uint8
from nas.data.transforms import Colour
from nas.models.layers.resampling import upsample
from nas.training.loop.device import autocast, compute_dtype
from nas.training.loop.distributed import Peers
from nas.training.loop.metrics import Scores, confusion_matrix, scores
from nas.training.loop.pixels import to_network
from nas.training.prepare import Prepared
from nas.training.progress import Progress, silent
from nas.weights.preprocessing import IMAGENET, Preprocessing
from search_spaces.base import StrictModel
from search_spaces.validation import validate

DEEPEST_STRIDE = 32
"""Stride of the deepest layer of any backbone, by which the sides of an image in one piece differ from the crop's."""


class FullImageSpec(StrictModel):
    """How entire images are predicted.

    Attributes:
        mode: `sliding` predicts windows of the training crop's size, each two thirds of a window after the one before,
            and averages their logits where windows overlap; `whole` predicts an image in one piece.
        scales: Each image is predicted at these sizes relative to its own, and the probabilities are averaged.
        flip: Whether the mirror image is predicted too, at each scale.

    Source:
        Chen et al., DeepLabv3, arXiv 1706.05587, section 4.1 (multi-scale and left-right flipped inputs).
    """

    mode: Literal["sliding", "whole"] = "sliding"
    scales: Annotated[tuple[Annotated[float, Field(ge=0.1, le=4)], ...], Field(min_length=1)] = (1.0,)
    flip: bool = False

    @model_validator(mode="after")
    def _scales_differ(self) -> Self:
        if len(set(self.scales)) < len(self.scales):
            raise ValueError(f"scales must differ from each other, not {list(self.scales)}")
        return self

    def description(self, images: int, crop: tuple[int, int]) -> str:
        """Say in words what a score was measured on."""
        height, width = crop
        how = "in one piece"
        if self.mode == "sliding":
            rows, columns = (window_step(side) for side in crop)
            how = f"in windows of {height}x{width}, one every {rows}x{columns} pixels, logits averaged"
        sizes = ", ".join(f"{scale:g}" for scale in self.scales)
        several = f"; scales {sizes}" if self.scales != (1.0,) else ""
        mirrored = "; with mirror images" if self.flip else ""
        return f"{images} entire validation images at every pixel, {how}{several}{mirrored}"


@dataclass(frozen=True)
class FullImagePredictor:
    """Predicts entire images with a network that was trained on crops.

    Attributes:
        network: In evaluation mode, on `device`; maps normalised images to logits.
        crop: Height and width in pixels of the training crop.
        spec: How images are predicted.
        batch: Windows at a time.
        device: Where the network is.
        dtype: Of the forward pass.
        preprocessing: Of the network; its neutral colour pads images.
    """

    network: nn.Module
    crop: tuple[int, int]
    spec: FullImageSpec
    batch: int
    device: torch.device
    dtype: torch.dtype = torch.float32
    preprocessing: Preprocessing = IMAGENET

    @torch.inference_mode()
    def probabilities(self, image: Uint8) -> Tensor:
        """Predict the probabilities `(C, H, W)` of the classes in an image `(H, W, 3)`."""
        size = (image.shape[0], image.shape[1])
        predicted = [self._at_scale(image, scale, mirrored) for scale, mirrored in self._versions()]
        resized = [F.interpolate(logits[None], size, mode="bilinear") for logits in predicted]
        return torch.stack([logits[0].softmax(0) for logits in resized]).mean(0)

    def _versions(self) -> Iterator[tuple[float, bool]]:
        for scale in self.spec.scales:
            yield scale, False
            if self.spec.flip:
                yield scale, True

    def _at_scale(self, image: Uint8, scale: float, mirrored: bool) -> Tensor:
        scaled = _scaled(image, scale)
        predict = self._sliding if self.spec.mode == "sliding" else self._whole
        if mirrored:
            return predict(np.ascontiguousarray(scaled[:, ::-1])).flip(-1)
        return predict(scaled)

    def _whole(self, image: Uint8) -> Tensor:
        # Padded to a size whose cells lie as in the crop: on the corner pixels, or centred.
        sides = zip(image.shape[:2], self.crop, strict=True)
        height, width = (max(have, crop) + (crop - max(have, crop)) % DEEPEST_STRIDE for have, crop in sides)
        logits = self._logits(_padded(image, (height, width), self.preprocessing.neutral_pixel)[None])
        return logits[0, :, : image.shape[0], : image.shape[1]]

    def _sliding(self, image: Uint8) -> Tensor:
        height, width = (max(have, crop) for have, crop in zip(image.shape[:2], self.crop, strict=True))
        padded = _padded(image, (height, width), self.preprocessing.neutral_pixel)
        rows, columns = window_starts(height, self.crop[0]), window_starts(width, self.crop[1])
        corners = [(row, column) for row in rows for column in columns]
        total: Tensor | None = None
        count = torch.zeros(height, width, device=self.device)
        for first in range(0, len(corners), self.batch):
            chosen = [_window(corner, self.crop) for corner in corners[first : first + self.batch]]
            predicted = self._logits(np.stack([padded[window] for window in chosen]))
            if total is None:
                total = torch.zeros(predicted.shape[1], height, width, device=self.device)
            for window, logits in zip(chosen, predicted, strict=True):
                total[:, window[0], window[1]] += logits
                count[window] += 1
        assert total is not None
        return (total / count)[:, : image.shape[0], : image.shape[1]]

    def _logits(self, images: Uint8) -> Tensor:
        """Compute logits `(n, C, H, W)` at every pixel of images `(n, H, W, 3)`."""
        with autocast(self.device, self.dtype):
            logits = self.network(to_network(torch.from_numpy(images).to(self.device), self.preprocessing))
        return upsample(logits.float(), (images.shape[1], images.shape[2]))


def measure_full_images(
    predictor: FullImagePredictor,
    split: Split,
    images: int,
    num_classes: int,
    *,
    peers: Peers | None = None,
    progress: Progress = silent,
) -> Scores:
    """Compute the IoU over the first `images` entire images of a split.

    Several processes share the images and get the same scores.

    Args:
        predictor: Of the network.
        split: Images and labels.
        images: How many of them.
        num_classes: Of the labels.
        peers: The processes that measure together.
        progress: Called with the stage "entire images".

    Raises:
        DatasetError: A file is broken.
    """
    first, step = (0, 1) if peers is None else (peers.rank, peers.count)
    confusion = torch.zeros(num_classes, num_classes, dtype=torch.int64, device=predictor.device)
    for row in range(first, images, step):
        image, label = split.load(row)
        guess = predictor.probabilities(image).argmax(0)
        confusion += confusion_matrix(torch.from_numpy(label).to(predictor.device), guess, num_classes)
        progress("entire images", min(row + step, images), images)
    return scores(confusion if peers is None else peers.total(confusion))


def full_image_metrics(
    spec: FullImageSpec,
    network: nn.Module,
    prepared: Prepared,
    device: torch.device,
    *,
    peers: Peers | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Measure a network on the entire validation images of its fidelity.

    Args:
        spec: How images are predicted.
        network: In evaluation mode, on `device`.
        prepared: Of the fidelity that the network was trained at.
        device: Where images are moved.
        peers: The processes that measure together.
        progress: Called with the stage "entire images".

    Returns:
        `full_images` with the score, in words what it was measured on, and the IoU of each class by name.

    Raises:
        DatasetError: A file is broken.
    """
    fidelity, source, dataset = prepared.fidelity, prepared.validation_source(), prepared.dataset
    predictor = FullImagePredictor(
        network,
        fidelity.crop,
        spec,
        fidelity.batch,
        device,
        compute_dtype(fidelity, device),
        prepared.preprocessing,
    )
    found = measure_full_images(
        predictor, source.split, source.images, dataset.num_classes, peers=peers, progress=progress
    )
    return {
        "full_images": {
            "score": found.miou,
            "measured_on": spec.description(source.images, fidelity.crop),
            "class_iou": dict(zip(dataset.class_names, found.class_iou, strict=True)),
        }
    }


def full_image_spec(evaluate: str, scales: str | None, flip: bool) -> FullImageSpec | None:
    """Read the options `--evaluate`, `--scales` and `--flip`; None where only crops are measured.

    Args:
        evaluate: `crop`, `sliding` or `whole`.
        scales: Numbers with commas between them, such as `0.5,0.75,1`.
        flip: Whether mirror images are predicted too.

    Raises:
        ValueError: An option is wrong, or goes with entire images and crops are measured.
    """
    if evaluate == "crop":
        if scales is not None or flip:
            raise ValueError("--scales and --flip go with --evaluate sliding or whole, not with crop")
        return None
    if evaluate not in ("sliding", "whole"):
        raise ValueError(f"--evaluate is crop, sliding or whole, not {evaluate!r}")
    chosen = {} if scales is None else {"scales": [_number(part) for part in scales.split(",")]}
    return validate(FullImageSpec, {"mode": evaluate, "flip": flip, **chosen})


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"--scales are numbers with commas between them, such as 0.5,0.75,1, not {text!r}") from None


def window_step(window: int) -> int:
    """Compute the distance of one window from the next along a side: two thirds of the window, rounded up."""
    return -(-2 * window // 3)


def window_starts(side: int, window: int) -> list[int]:
    """List where the windows along a side begin; the last one ends at the border."""
    steps = -(-(side - window) // window_step(window))
    return [min(index * window_step(window), side - window) for index in range(steps + 1)]


def _window(corner: tuple[int, int], crop: tuple[int, int]) -> tuple[slice, slice]:
    return slice(corner[0], corner[0] + crop[0]), slice(corner[1], corner[1] + crop[1])


def _scaled(image: Uint8, scale: float) -> Uint8:
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    if (height, width) == image.shape[:2]:
        return image
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


def _padded(image: Uint8, size: tuple[int, int], colour: Colour) -> Uint8:
    """Pad at the bottom and right with a colour."""
    if image.shape[:2] == size:
        return image
    canvas = np.empty((*size, 3), np.uint8)
    canvas[:] = colour
    canvas[: image.shape[0], : image.shape[1]] = image
    return canvas
