"""Batches of features from the feature bank."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeAlias

import torch
from numpy.typing import NDArray
from torch import Tensor

from nas.data.bank import FeatureBank
from nas.training.loop.distributed import Peers
from nas.training.loop.random_streams import rows_at

GPU_SHARE = 0.4
"""Part of the free GPU memory that a trial may use for its copy of the bank; other trials may share the GPU."""


Inputs: TypeAlias = tuple[Tensor, ...]
"""What a network is called with: the feature maps `(N, C, h, w)` of all levels, or images `(N, 3, H, W)` alone."""


class Batches(Protocol):
    """The batches that a loop trains and validates on; the batch of a step depends on (seed, step) only.

    Where several processes train one model, each gets its share of every batch and of the validation images.
    """

    def training(self, start: int, stop: int) -> Iterator[tuple[Inputs, Tensor]]:
        """Yield inputs and labels `(N, h, w)` of the steps start..stop-1, on the device."""

    def validation(self) -> Iterator[tuple[Inputs, Tensor]]:
        """Yield inputs and labels `(N, h, w)` of the validation images in order, on the device."""

    def validation_rows(self) -> Sequence[int]:
        """Return the numbers of the validation images in the order in which `validation` yields them."""

    def check(self) -> None:
        """Check that what was read so far is what should have been read.

        Raises:
            ChangedMeanwhileError: It is not: the state of the training means nothing.
        """


class BankBatches:
    """Batches of features and labels gathered from the bank.

    Attributes:
        batch: Images per step, of all processes together.
        resident: Whether the bank is on the device; otherwise it stays mapped from disk, as it does not fit the GPU.
    """

    def __init__(
        self, bank: FeatureBank, batch: int, seed: int, device: torch.device, peers: Peers | None = None
    ) -> None:
        self.batch = batch
        self._bank = bank
        self._share = slice(0, batch) if peers is None else peers.share(batch)
        self._rank, self._processes = (0, 1) if peers is None else (peers.rank, peers.count)
        self.seed = seed
        self.device = device
        self.features = tuple(map(as_tensor, bank.train_features))
        self.labels = as_tensor(bank.train_labels)
        self._val_features = tuple(map(as_tensor, bank.val_features))
        self._val_labels = as_tensor(bank.val_labels)
        self.resident = device.type == "cpu" or self._fits()
        if self.resident:
            self.features = tuple(level.to(device) for level in self.features)
            self._val_features = tuple(level.to(device) for level in self._val_features)
            self.labels, self._val_labels = self.labels.to(device), self._val_labels.to(device)

    def _fits(self) -> bool:
        tensors = (*self.features, self.labels, *self._val_features, self._val_labels)
        free, _ = torch.cuda.mem_get_info(self.device)
        return sum(tensor.nbytes for tensor in tensors) <= GPU_SHARE * free

    def rows(self, start: int, stop: int) -> Tensor:
        """Return this process's rows of the bank for steps start..stop-1, `(steps, batch / processes)`, on the CPU."""
        rows = rows_at(self.seed, len(self.labels), start * self.batch, stop * self.batch)
        return torch.from_numpy(rows).reshape(stop - start, self.batch)[:, self._share]

    def gather(self, rows: Tensor) -> tuple[Inputs, Tensor]:
        """Gather features `(N, C, h, w)`, channels-last in memory, and labels `(N, h, w)` of some rows of the bank."""
        features = tuple(level.index_select(0, rows).permute(0, 3, 1, 2) for level in self.features)
        return features, self.labels.index_select(0, rows)

    def training(self, start: int, stop: int) -> Iterator[tuple[Inputs, Tensor]]:
        steps = self.rows(start, stop)
        for rows in steps.to(self.device) if self.resident else steps:
            features, labels = self.gather(rows)
            yield tuple(map(self._moved, features)), self._moved(labels)

    def validation(self) -> Iterator[tuple[Inputs, Tensor]]:
        for rows in self._validation_slices():
            features = tuple(self._moved(level[rows].permute(0, 3, 1, 2)) for level in self._val_features)
            yield features, self._moved(self._val_labels[rows])

    def validation_rows(self) -> Sequence[int]:
        count = len(self._val_labels)
        return [row for rows in self._validation_slices() for row in range(*rows.indices(count))]

    def check(self) -> None:
        self._bank.check()

    def _validation_slices(self) -> Iterator[slice]:
        # Twice the images of a training step: without gradients less memory is used for each.
        at_once = 2 * (self._share.stop - self._share.start)
        for start in range(self._rank * at_once, len(self._val_labels), self._processes * at_once):
            yield slice(start, start + at_once)

    def _moved(self, tensor: Tensor) -> Tensor:
        if self.resident:
            return tensor
        return tensor.pin_memory().to(self.device, non_blocking=True)


def as_tensor(array: NDArray[Any]) -> Tensor:
    """Wrap an array's memory in a tensor; uint16 is read as the bits of bfloat16."""
    tensor = torch.from_numpy(array)
    return tensor.view(torch.bfloat16) if tensor.dtype is torch.uint16 else tensor
