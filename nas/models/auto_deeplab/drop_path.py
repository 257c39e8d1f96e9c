"""ScheduledDropPath: an edge's output is dropped for whole images, the more the deeper the cell and the later the step.

Zoph et al., CVPR 2018 (NASNet, arXiv 1707.07012, appendix A.7) raise the probability linearly over training; the
released code (`_apply_drop_path` of nas_cell.py), followed here, also raises it linearly with the cell's number.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ScheduledDropPath(nn.Module):
    """Counts training steps and says how probable a drop is in each cell.

    Cell l of L at step t of T: `drop` * (l + 1) / L * min(1, t / T), both counted from 0. `steps` is part of the
    state, so that training resumes where it was.
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
        """Probability of this step in each cell, scalars on the device; None where nothing is dropped.

        A step in training mode is counted; in evaluation mode nothing is dropped.
        """
        if not self.training:
            return [None] * self.cells
        progress = (self.steps / self.iterations).clamp(max=1)
        self.steps += 1
        if self.drop == 0:
            return [None] * self.cells
        return [self.drop * (cell + 1) / self.cells * progress for cell in range(self.cells)]

    def extra_repr(self) -> str:
        """What `print` shows."""
        return f"{self.drop} after {self.iterations} steps"


def kept_paths(paths: int, images: int, drop: Tensor) -> Tensor:
    """Factors (paths, images, 1, 1, 1): 0 with probability `drop`, else 1 / (1 - drop), so that means stay.

    One draw from the global generator of the device for all of a cell's edges.
    """
    keep = 1 - drop
    return (torch.rand(paths, images, 1, 1, 1, device=drop.device) < keep) / keep
