"""Training steps as one CUDA graph: a small head's step is some two hundred kernel launches, which cost more than the
kernels.

A graph replays the same kernels on the same memory, so everything that changes from step to step is read from device
memory: the rows of the bank, the learning rate, the number of the step. A replay costs one launch and no copy.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nas.training.loop.batches import BankBatches, Inputs
from nas.training.loop.optimizer import set_rate

WARM_UP_STEPS = 3
"""Steps before a capture, as torch's documentation requires: lazy initialisation must not be captured."""

_log = logging.getLogger(__name__)


class StaticSteps:
    """Training steps over buffers with fixed addresses, as a CUDA graph needs them; also run uncaptured, on any device.

    Args:
        batches: Resident on the device.
        chunk: The most steps of one call of `run`.
        optimizer: What `step` calls; its learning rate is set before each step.
        step: Trains on a batch of inputs and labels without waiting for the device.

    Attributes:
        replay: Does the next step: `next_step`, or the replay of its capture.
    """

    def __init__(
        self,
        batches: BankBatches,
        chunk: int,
        optimizer: torch.optim.Optimizer,
        step: Callable[[Inputs, Tensor], None],
    ) -> None:
        assert batches.resident
        self._batches = batches
        self._optimizer = optimizer
        self._step = step
        self._rows = torch.zeros(chunk, batches.batch, dtype=torch.int64, device=batches.device)
        self._rates = torch.zeros(chunk, dtype=torch.float32, device=batches.device)
        self._position = torch.zeros(1, dtype=torch.int64, device=batches.device)
        self.replay: Callable[[], None] = self.next_step

    def next_step(self) -> None:
        """Do the step at `_position` and advance the position, without waiting for the device."""
        set_rate(self._optimizer, self._rates.index_select(0, self._position).squeeze(0))
        self._step(*self._batches.gather(self._rows.index_select(0, self._position).squeeze(0)))
        self._position += 1

    def run(self, start: int, stop: int, rates: NDArray[np.float64]) -> None:
        """Do the steps start..stop-1, at most `chunk` of them, at the learning rates `rates[start:stop]`."""
        steps = stop - start
        self._rows[:steps].copy_(self._batches.rows(start, stop))
        self._rates[:steps].copy_(torch.from_numpy(rates[start:stop]))
        self._position.zero_()
        for _ in range(steps):
            self.replay()


def captured(steps: StaticSteps, model: nn.Module, optimizer: torch.optim.Optimizer, loss_sum: Tensor) -> bool:
    """Capture a training step as a CUDA graph that `steps` replays.

    Weights, statistics, optimiser, generators and the running loss are left as they were.

    Returns:
        Whether the step could be captured; if not, the reason is logged.
    """
    snapshot = _Snapshot(model, optimizer, loss_sum)
    graph = torch.cuda.CUDAGraph()
    try:
        stream: torch.cuda.Stream = torch.cuda.Stream(loss_sum.device)  # type: ignore[no-untyped-call]  # torch's
        stream.wait_stream(torch.cuda.current_stream(loss_sum.device))
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP_STEPS):
                steps.next_step()
                steps._position.zero_()
        torch.cuda.current_stream(loss_sum.device).wait_stream(stream)
        optimizer.zero_grad(set_to_none=True)
        with torch.cuda.graph(graph):
            steps.next_step()
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        _log.warning("the training step cannot be captured and runs step by step: %s", error)
        return False
    finally:
        snapshot.restore()
    steps.replay = graph.replay
    return True


class _Snapshot:
    """Values of all tensors that a step changes, to be restored in place: the graph refers to their addresses."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, loss_sum: Tensor) -> None:
        self._optimizer = optimizer
        self._live = [*model.parameters(), *model.buffers(), loss_sum]
        self._values = [tensor.detach().clone() for tensor in self._live]
        self._optimizer_values = [value.clone() for value in _tensors(optimizer)]
        self._generator = torch.cuda.get_rng_state(loss_sum.device)
        self._device = loss_sum.device

    @torch.no_grad()
    def restore(self) -> None:
        """Restore all values; moments that the optimiser did not have before become zero, their initial value."""
        for live, value in zip(self._live, self._values, strict=True):
            live.copy_(value)
        now = _tensors(self._optimizer)
        before = self._optimizer_values or [torch.zeros_like(value) for value in now]
        for live, value in zip(now, before, strict=True):
            live.copy_(value)
        torch.cuda.set_rng_state(self._generator, self._device)


def _tensors(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    states: list[dict[str, Any]] = list(optimizer.state.values())
    return [value for state in states for value in state.values() if isinstance(value, Tensor)]
