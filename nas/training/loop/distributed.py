"""Data-parallel training of one model by several processes: each trains on its share of every batch.

A step equals that of one process with the entire batch up to rounding, dropout masks and batch norm. On GPUs batch norm
runs over all shares (SyncBatchNorm); torch has no such layer for CPUs, where each process normalises its own share.
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
    """The processes that train one model, as seen by this process; methods that communicate are called by all together.

    Attributes:
        rank: Of this process, from 0.
        count: Number of processes.
        device: Of this process.
    """

    rank: int
    count: int
    device: torch.device

    @classmethod
    def here(cls, device: torch.device) -> Self | None:
        """Find the initialised process group (gloo for CPUs, nccl for GPUs); None where this process trains alone.

        A GPU becomes the current device of this process.
        """
        if not dist.is_available() or not dist.is_initialized() or dist.get_world_size() == 1:
            return None
        if device.type == "cuda":
            torch.cuda.set_device(device)
        return cls(dist.get_rank(), dist.get_world_size(), device)

    @property
    def leads(self) -> bool:
        """Whether this process, the first one, saves the state and yields measurements."""
        return self.rank == 0

    def share(self, batch: int) -> slice:
        """Return the part of a batch that this process trains on.

        Raises:
            ValueError: The batch is not a multiple of the number of processes.
        """
        if batch % self.count:
            raise ValueError(f"batch {batch} cannot be shared by {self.count} processes: make it a multiple of them")
        size = batch // self.count
        return slice(self.rank * size, (self.rank + 1) * size)

    def total(self, value: Tensor) -> Tensor:
        """Sum the values of all processes; no gradient flows through the sum."""
        summed = value.detach().clone()
        dist.all_reduce(summed)
        return summed

    def synchronized(self, model: nn.Module) -> nn.Module:
        """Make the batch norms of a model run over all shares where torch can: on GPUs."""
        if self.device.type != "cuda":
            return model
        convert: Callable[[nn.Module], nn.Module] = nn.SyncBatchNorm.convert_sync_batchnorm
        return convert(model)

    def parallel(self, model: nn.Module) -> nn.Module:
        """Wrap a model so that its backward pass averages gradients, and each step begins with the buffers of rank 0.

        Weights that an architecture leaves unused (the same in every step) are detected in the first step.
        """
        ids = [self.device.index] if self.device.type == "cuda" else None
        return DistributedDataParallel(model, device_ids=ids, static_graph=True)

    def align(self, model: nn.Module) -> None:
        """Copy the buffers of rank 0 (batch norms' running statistics after the last step) to all processes."""
        for buffer in model.buffers():
            dist.broadcast(buffer, src=0)

    def gathered(self, value: Any) -> list[Any]:
        """Gather the values of all processes, by rank."""
        values: list[Any] = [None] * self.count
        dist.all_gather_object(values, value)
        return values

    def broadcast(self, value: Any) -> Any:
        """Return the value of rank 0 on all processes; the other processes' values are not read."""
        values = [value if self.leads else None]
        dist.broadcast_object_list(values, src=0, device=self.device)
        return values[0]
