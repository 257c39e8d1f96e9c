"""NASWOT: how differently the images of a batch switch the ReLUs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from nas.training.training_free.initial import at_first_step

CHUNK = 1 << 20
"""Units compared at a time: bounds the memory, and the float32 sums of so many ones are exact."""

_RELUS = frozenset(
    (
        torch.ops.aten.relu.default,
        torch.ops.aten.relu_.default,
        torch.ops.aten.hardtanh.default,  # clipped ReLUs
        torch.ops.aten.hardtanh_.default,
    )
)


def naswot(model: nn.Module, inputs: Tensor) -> float:
    """The value ln |det K_H| with K_H[i, j] = N_A - d_H(c_i, c_j) (Mellor et al., ICML 2021).

    c_i is the binary code of sample i: which of the N_A ReLU outputs are positive; d_H is the Hamming distance. So
    K_H[i, j] counts the ReLUs on which i and j agree.

    A sample is an image here: its code is that of all ReLU outputs at every channel and cell of its maps. `inputs` is
    (N, C, H, W), and K_H is N x N. Each ReLU's agreements are added to K_H as it is computed, so that no code is kept.
    Every ReLU of the forward pass counts, in a module or not, that has a row for each image. `model` is left as it
    was. -inf where K_H is singular: no ReLU at all, or two images with the same code.
    """
    images = len(inputs)
    kernel = torch.zeros(images, images, dtype=torch.float64, device=inputs.device)

    def compare(output: Tensor) -> None:
        if output.dim() > 1 and len(output) == images:
            codes = (output > 0).reshape(images, -1)
            for start in range(0, codes.shape[1], CHUNK):
                kernel.add_(_agreements(codes[:, start : start + CHUNK]))

    with torch.no_grad(), _ReLUOutputs(compare):
        at_first_step(model)(inputs)
    return float(torch.linalg.slogdet(kernel).logabsdet)


def _agreements(units: Tensor) -> Tensor:
    """Booleans (N, U) -> (N, N): in how many columns two rows are equal."""
    on = units.float()
    off = 1 - on
    return on @ on.T + off @ off.T


class _ReLUOutputs(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    """Shows the output of every ReLU to a function, also of those called as functions and in place."""

    def __init__(self, seen: Callable[[Tensor], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the same
        self._seen = seen

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        if func in _RELUS:
            self._seen(output)
        return output
