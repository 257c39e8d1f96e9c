"""ScheduledDropPath: drops an edge's output for entire images, more often in deeper cells and later steps.

Zoph et al., CVPR 2018 (NASNet, arXiv 1707.07012, appendix A.7) raise the probability linearly over training; the
released code (`_apply_drop_path` of nas_cell.py), followed here, also raises it linearly with the cell's number.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ScheduledDropPath(nn.Module):
    """Counts training steps and computes the probability of dropping a path in each cell.

    The probability in cell l of L at step t of T is `drop` * (l + 1) / L * min(1, t / T), with l and t counted from 0.

    Attributes:
        steps: Training steps so far; part of the state dict, so that resumed training continues the schedule.

    Raises:
        ValueError: `drop` is outside [0, 1), or `iterations` is below 1.
    """

    steps: Tensor

    def __init__(self, drop: float, cells: int, iterations: int) -> None:
        super().__init__()
        if not 0 <= drop < 1:
            raise ValueError(f"the probability to drop a path must be at least 0 and below 1, not {drop}")
        if iterations < 1:
            raise ValueError(f"the schedule of dropped paths needs at least one iteration, not {iterations}")
        self.drop = drop
        self.cells = cells
        self.iterations = iterations
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def next_step(self) -> list[Tensor | None]:
        """Return the probability in each cell, a scalar tensor, or None where nothing is dropped; count the step.

        In evaluation mode nothing is dropped and no step is counted.
        """
        if not self.training:
            return [None] * self.cells
        progress = (self.steps / self.iterations).clamp(max=1)
        self.steps += 1
        if self.drop == 0:
            return [None] * self.cells
        return [self.drop * (cell + 1) / self.cells * progress for cell in range(self.cells)]

    def extra_repr(self) -> str:
        return f"{self.drop} after {self.iterations} steps"


def drop_path_factors(paths: int, images: int, drop: Tensor) -> Tensor:
    """Draw factors (paths, images, 1, 1, 1): 0 with probability `drop`, else 1 / (1 - drop), which keeps the mean.

    All edges of a cell share one call to the global generator of the device.
    """
    keep = 1 - drop
    return (torch.rand(paths, images, 1, 1, 1, device=drop.device) < keep) / keep
