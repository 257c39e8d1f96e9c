"""The two halves of the training images, and endless batches out of each."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nas.data.bank import Pair
from nas.data.dataset import Split
from nas.data.transforms import train_crop
from nas.specs import BilevelSpec
from nas.training.loop.pixels import to_network
from nas.training.loop.random_streams import generator, rows_at

HALVES, CROPS = 10, 11
"""Purposes of random streams beside those of `nas.training.loop.random_streams`."""

A, B = 0, 1

KEEP_BYTES = 2 << 30
"""Decoded images are kept in memory up to this size: small sets are read once, large ones as they come."""

LOADERS = 2
STEPS_AHEAD = 2


def split_training_images(images: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of half A and of half B: no image in both, every image in one; A has the odd one. Sorted."""
    assert images >= 2
    order = generator(seed, HALVES).permutation(images)
    middle = (images + 1) // 2
    return np.sort(order[:middle]), np.sort(order[middle:])


class ImageStore:
    """Images of a split, kept once read as long as there is room. Safe to share between threads."""

    def __init__(self, split: Split) -> None:
        self._split = split
        self._kept: dict[int, Pair] = {}
        self._room = KEEP_BYTES
        self._lock = threading.Lock()

    def load(self, row: int) -> Pair:
        """Image (H, W, 3) and label map (H, W). DatasetError for a broken file."""
        pair = self._kept.get(row)
        if pair is None:
            pair = self._split.load(row)
            size = pair[0].nbytes + pair[1].nbytes
            with self._lock:
                if row not in self._kept and size <= self._room:
                    self._kept[row] = pair
                    self._room -= size
        return pair


class HalfBatches:
    """Random crops of one half, without end: what step n sees follows from (seed, half, n).

    One pool of threads reads ahead through the whole run; it is never rebuilt.
    """

    def __init__(
        self,
        store: ImageStore,
        rows: NDArray[np.int64],
        *,
        half: int,
        spec: BilevelSpec,
        seed: int,
        device: torch.device,
    ) -> None:
        self._store, self._rows, self._half = store, rows, half
        self._spec, self._device = spec, device
        self._crop_seed = seed
        self._order_seed = int(generator(seed, HALVES, 1 + half).integers(2**31))

    def steps(self, start: int) -> Generator[tuple[Tensor, Tensor], None, None]:
        """(images (N, 3, H, W), labels (N, H, W)) on the device, from step `start` on."""
        with ThreadPoolExecutor(LOADERS, thread_name_prefix="AB"[self._half]) as pool:
            waiting: deque[list[Future[Pair]]] = deque()
            step = start
            while True:
                while len(waiting) <= STEPS_AHEAD:
                    waiting.append([pool.submit(self._draw, *draw) for draw in self._draws(step)])
                    step += 1
                pairs = [draw.result() for draw in waiting.popleft()]
                images = torch.from_numpy(np.stack([image for image, _ in pairs])).to(self._device)
                labels = torch.from_numpy(np.stack([label for _, label in pairs])).to(self._device)
                yield to_network(images), labels

    def _draws(self, step: int) -> list[tuple[int, int]]:
        first, after = step * self._spec.batch, (step + 1) * self._spec.batch
        order = rows_at(self._order_seed, len(self._rows), first, after)
        return list(zip(range(first, after), self._rows[order].tolist(), strict=True))

    def _draw(self, position: int, row: int) -> Pair:
        random = np.random.default_rng((self._crop_seed, CROPS, self._half, position))
        return train_crop(*self._store.load(row), self._spec.crop, self._spec.augment, random)
