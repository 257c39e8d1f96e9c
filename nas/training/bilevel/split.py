"""The split of the training images in parts A (for weights) and B (for alpha and beta), and batches of each part."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nas.data.crops import Pair
from nas.data.dataset import Split
from nas.data.transforms import train_crop
from nas.specs import BilevelSpec
from nas.training.loop.pixels import to_network
from nas.training.loop.random_streams import generator, rows_at
from nas.weights.preprocessing import IMAGENET

SPLIT, CROPS = 10, 11
"""Purposes of random streams, distinct from those of `nas.training.loop.random_streams`."""

A, B = 0, 1

CACHE_BYTES = 2 << 30
"""Decoded images are cached in memory up to this size, so that images of a small data set are decoded once."""

LOADERS = 2
STEPS_AHEAD = 2


def split_training_images(images: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split the training images at random in two disjoint parts of equal size.

    Returns:
        The sorted rows of part A, which has one image more where the number is odd, and those of part B.

    Source:
        Liu et al., Auto-DeepLab, CVPR 2019, section 3.3.
    """
    assert images >= 2
    shuffled = generator(seed, SPLIT).permutation(images)
    middle = (images + 1) // 2
    return np.sort(shuffled[:middle]), np.sort(shuffled[middle:])


class ImageStore:
    """Decoded images of a split, cached in memory up to `CACHE_BYTES`. Safe to share between threads."""

    def __init__(self, split: Split) -> None:
        self._split = split
        self._cached: dict[int, Pair] = {}
        self._room = CACHE_BYTES
        self._lock = threading.Lock()

    def load(self, row: int) -> Pair:
        """Load an image `(H, W, 3)` and its label map `(H, W)`.

        Raises:
            DatasetError: A file is broken.
        """
        pair = self._cached.get(row)
        if pair is None:
            pair = self._split.load(row)
            size = pair[0].nbytes + pair[1].nbytes
            with self._lock:
                if row not in self._cached and size <= self._room:
                    self._cached[row] = pair
                    self._room -= size
        return pair


class PartBatches:
    """Endless batches of random crops of one part of the split; the batch of step n follows from (seed, part, n).

    One pool of threads reads ahead during the entire run; it is never rebuilt.
    """

    def __init__(
        self,
        store: ImageStore,
        rows: NDArray[np.int64],
        *,
        part: int,
        spec: BilevelSpec,
        seed: int,
        device: torch.device,
    ) -> None:
        self._store, self._rows, self._part = store, rows, part
        self._spec, self._device = spec, device
        self._crop_seed = seed
        self._shuffle_seed = int(generator(seed, SPLIT, 1 + part).integers(2**31))

    def steps(self, start: int) -> Generator[tuple[Tensor, Tensor], None, None]:
        """Yield images `(N, 3, H, W)` and labels `(N, H, W)` on the device, from step `start` on."""
        with ThreadPoolExecutor(LOADERS, thread_name_prefix="AB"[self._part]) as pool:
            waiting: deque[list[Future[Pair]]] = deque()
            step = start
            while True:
                while len(waiting) <= STEPS_AHEAD:
                    waiting.append([pool.submit(self._draw, *draw) for draw in self._draws(step)])
                    step += 1
                pairs = [draw.result() for draw in waiting.popleft()]
                images = torch.from_numpy(np.stack([image for image, _ in pairs])).to(self._device)
                labels = torch.from_numpy(np.stack([label for _, label in pairs])).to(self._device)
                yield to_network(images, IMAGENET), labels

    def _draws(self, step: int) -> list[tuple[int, int]]:
        first, after = step * self._spec.batch, (step + 1) * self._spec.batch
        drawn = rows_at(self._shuffle_seed, len(self._rows), first, after)
        return list(zip(range(first, after), self._rows[drawn].tolist(), strict=True))

    def _draw(self, position: int, row: int) -> Pair:
        random = np.random.default_rng((self._crop_seed, CROPS, self._part, position))
        return train_crop(*self._store.load(row), self._spec.crop, self._spec.augment, random)
