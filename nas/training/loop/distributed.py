"""Several processes that train one model: each takes its share of every batch, gradients are averaged.

The step is that of one process with the whole batch, up to rounding, dropout masks and batch norm. Batch norm sees
all shares on GPUs (SyncBatchNorm); torch has none on CPUs, where each process normalises its own share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class Peers:
    """The processes of one training, seen from the one of this `rank`; all of them call each method together."""

    rank: int
    count: int
    device: torch.device

    @classmethod
    def here(cls, device: torch.device) -> Self | None:
        """Those of the process group that has been initialised (gloo for CPUs, nccl for GPUs); None where it is alone.

        On a GPU it is taken as this process's current one.
        """
        if not dist.is_available() or not dist.is_initialized() or dist.get_world_size() == 1:
            return None
        if device.type == "cuda":
            torch.cuda.set_device(device)
        return cls(dist.get_rank(), dist.get_world_size(), device)

    @property
    def leads(self) -> bool:
        """Whether this process keeps the state and reports."""
        return self.rank == 0

    def share(self, batch: int) -> slice:
        """The part of a batch that this process takes. ValueError where the batch does not divide."""
        if batch % self.count:
            raise ValueError(f"batch {batch} cannot be shared by {self.count} processes: make it a multiple of them")
        size = batch // self.count
        return slice(self.rank * size, (self.rank + 1) * size)

    def total(self, value: Tensor) -> Tensor:
        """The sum of all processes' values, the same on each; no gradient flows through it."""
        summed = value.detach().clone()
        dist.all_reduce(summed)
        return summed

    def synchronized(self, model: nn.Module) -> nn.Module:
        """The model with its batch norms over all shares, where torch can: on GPUs."""
        if self.device.type != "cuda":
            return model
        convert: Callable[[nn.Module], nn.Module] = nn.SyncBatchNorm.convert_sync_batchnorm
        return convert(model)

    def parallel(self, model: nn.Module) -> nn.Module:
        """A module whose backward pass averages gradients; each step begins with the first process's buffers.

        Weights that an architecture leaves unused (the same ones in every step) are found in the first step.
        """
        ids = [self.device.index] if self.device.type == "cuda" else None
        return DistributedDataParallel(model, device_ids=ids, static_graph=True)

    def align(self, model: nn.Module) -> None:
        """Give all processes the first one's buffers: batch norm's running statistics, as the last step left them."""
        for buffer in model.buffers():
            dist.broadcast(buffer, src=0)

    def gathered(self, value: Any) -> list[Any]:
        """All processes' values, by rank."""
        values: list[Any] = [None] * self.count
        dist.all_gather_object(values, value)
        return values

    def told(self, value: Any) -> Any:
        """The first process's value; those of the others are not read."""
        values = [value if self.leads else None]
        dist.broadcast_object_list(values, src=0, device=self.device)
        return values[0]
