"""NASWOT: how far the images of a batch differ in the ReLUs that they activate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from nas.training.loop.batches import Inputs
from nas.training.training_free.initial import at_first_step

CHUNK = 1 << 20
"""ReLU outputs compared at a time: bounds the memory, and float32 sums of that many ones are exact."""

_RELUS = frozenset(
    (
        torch.ops.aten.relu.default,
        torch.ops.aten.relu_.default,
        torch.ops.aten.hardtanh.default,  # clipped ReLUs
        torch.ops.aten.hardtanh_.default,
    )
)


def naswot(model: nn.Module, inputs: Inputs) -> float:
    """Compute ln |det K_H|, where K_H[i, j] = N_A - d_H(c_i, c_j) counts the ReLUs on which images i and j agree.

    c_i is the binary code of image i: which of the N_A ReLU outputs, at every channel and cell of the image's maps,
    are positive. d_H is the Hamming distance. Every ReLU of the forward pass whose output has a row for each image
    counts, whether it is a module or a function call. The agreements of each ReLU are added to K_H during the forward
    pass, so that no code is stored.

    Args:
        model: Freshly initialised, on the device of the inputs; it is left as it was.
        inputs: Of the network, for a batch of N images; K_H is `(N, N)`.

    Returns:
        The logarithm; -inf where K_H is singular: the network has no ReLU, or two images have the same code.

    Source:
        Mellor et al., Neural architecture search without training, ICML 2021.
    """
    images = len(inputs[0])
    kernel = torch.zeros(images, images, dtype=torch.float64, device=inputs[0].device)

    def compare(output: Tensor) -> None:
        if output.dim() > 1 and len(output) == images:
            codes = (output > 0).reshape(images, -1)
            for start in range(0, codes.shape[1], CHUNK):
                kernel.add_(_agreements(codes[:, start : start + CHUNK]))

    with torch.no_grad(), _ReLUOutputs(compare):
        at_first_step(model)(*inputs)
    return float(torch.linalg.slogdet(kernel).logabsdet)


def _agreements(units: Tensor) -> Tensor:
    """Count in how many columns of a boolean `(N, U)` matrix two rows are equal, as `(N, N)`."""
    on = units.float()
    off = 1 - on
    return on @ on.T + off @ off.T


class _ReLUOutputs(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    """Passes the output of every ReLU to a callback, also of ReLUs called as functions and in place."""

    def __init__(self, callback: Callable[[Tensor], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # unannotated in torch, too
        self._callback = callback

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        if func in _RELUS:
            self._callback(output)
        return output
