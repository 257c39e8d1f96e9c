"""Batches of images that are cropped and augmented for each step, decoded ahead in threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nas.data.crops import CropSource, Pair, crop_batches, sample_labels
from nas.data.dataset import Split
from nas.data.transforms import train_crop
from nas.specs import AugmentSpec
from nas.training.loop.augmentation import Augmentation
from nas.training.loop.distributed import Peers
from nas.training.loop.pixels import to_network
from nas.training.loop.random_streams import AUGMENT, PIPELINE, generator, rows_at
from nas.weights.preprocessing import IMAGENET, Preprocessing

LOADERS = 4
STEPS_AHEAD = 2


@dataclass(frozen=True)
class ImageStream:
    """Endless shuffles of training images, augmented at each draw; a batch depends on (seed, step) alone.

    Attributes:
        images: The first so many images of the split are used.
        crop: Height and width in pixels.
        batch: Images per step, of all processes together.
        peers: The processes that train the model together; this process then draws only its share of each batch.
        augmentation: Applied to each crop.
        preprocessing: Of the network, whose neutral colour pads images that are smaller than the crop.
    """

    split: Split
    images: int
    crop: tuple[int, int]
    augment: AugmentSpec
    batch: int
    seed: int
    peers: Peers | None = None
    augmentation: Augmentation | None = None
    preprocessing: Preprocessing = IMAGENET

    def steps(self, start: int, stop: int) -> Iterator[Pair]:
        """Yield uint8 images `(n, H, W, 3)` and labels `(n, H, W)` of the steps start..stop-1.

        Raises:
            DatasetError: A file is broken.
        """
        share = slice(None) if self.peers is None else self.peers.share(self.batch)
        with ThreadPoolExecutor(max_workers=LOADERS, thread_name_prefix="images") as pool:
            waiting: deque[list[Future[Pair]]] = deque()
            for step in range(start, stop):
                first, after = step * self.batch, (step + 1) * self.batch
                rows = rows_at(self.seed, self.images, first, after).tolist()
                draws = zip(range(first, after)[share], rows[share], strict=True)
                waiting.append([pool.submit(self._draw, *draw) for draw in draws])
                if len(waiting) > STEPS_AHEAD:
                    yield _stacked(waiting.popleft())
            while waiting:
                yield _stacked(waiting.popleft())

    def _draw(self, position: int, row: int) -> Pair:
        image, label = self.split.load(row)
        rng = generator(self.seed, AUGMENT, position)
        cropped = train_crop(image, label, self.crop, self.augment, rng, padding=self.preprocessing.neutral_pixel)
        if self.augmentation is None:
            return cropped
        return self.augmentation.apply(*cropped, int(generator(self.seed, PIPELINE, position).integers(2**32)))


def _stacked(draws: list[Future[Pair]]) -> Pair:
    pairs = [draw.result() for draw in draws]
    return np.stack([image for image, _ in pairs]), np.stack([label for _, label in pairs])


@dataclass(frozen=True)
class ImageBatches:
    """Batches of normalised images and labels on a device, for networks that contain their backbone."""

    stream: ImageStream
    validation_source: CropSource
    label_stride: int
    device: torch.device

    def training(self, start: int, stop: int) -> Iterator[tuple[tuple[Tensor], Tensor]]:
        for pair in self.stream.steps(start, stop):
            yield self._on_device(*pair)

    def validation(self) -> Iterator[tuple[tuple[Tensor], Tensor]]:
        processes = 1 if self.stream.peers is None else self.stream.peers.count
        at_once = 2 * self.stream.batch // processes
        for _, pair in crop_batches(self.validation_source, self.validation_rows(), at_once):
            yield self._on_device(*pair)

    def validation_rows(self) -> Sequence[int]:
        peers = self.stream.peers
        rank, processes = (0, 1) if peers is None else (peers.rank, peers.count)
        return range(rank, len(self.validation_source), processes)

    def check(self) -> None:
        """Nothing to do: decoding an image says whether it is whole."""

    def _on_device(self, images: np.ndarray, labels: np.ndarray) -> tuple[tuple[Tensor], Tensor]:
        sampled = torch.from_numpy(sample_labels(labels, self.label_stride))
        inputs = to_network(torch.from_numpy(images).to(self.device), self.stream.preprocessing)
        return (inputs,), sampled.to(self.device)
