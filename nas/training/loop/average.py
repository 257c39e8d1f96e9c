"""A moving average of a model's weights, which scores better than the last weights of a noisy training."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class WeightAverage(nn.Module):
    """An exponential moving average of a model's weights and of the running statistics of its batch norms.

    After update number t the average is d * average + (1 - d) * model with d = min(decay, t / (t + 9)), so that the
    initial weights are soon forgotten. Integers, such as counters, are those of the model. No update waits for the
    device or allocates anything that a captured step could not.

    Args:
        model: On its device; the average begins as a copy of it.
        decay: Between 0 and 1.

    Attributes:
        model: The averaged model, in evaluation mode.

    Source:
        `tf.train.ExponentialMovingAverage` with `num_updates`, whose (1 + n) / (10 + n) this is for n = t - 1.
    """

    updates: Tensor

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).requires_grad_(False).eval()
        self._decay = decay
        device = next(model.parameters()).device
        self.register_buffer("updates", torch.zeros((), dtype=torch.float32, device=device))

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move the average towards the model that it was made of."""
        self.updates += 1
        step = 1 - (self.updates / (self.updates + 9)).clamp(max=self._decay)
        for average, value in zip(_values(self.model), _values(model), strict=True):
            if average.is_floating_point():
                average.lerp_(value, step.to(average.dtype))
            else:
                average.copy_(value)

    @torch.no_grad()
    def write_to(self, model: nn.Module) -> None:
        """Replace the weights and statistics of the model by the average."""
        for average, value in zip(_values(self.model), _values(model), strict=True):
            value.copy_(average)


def _values(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]
