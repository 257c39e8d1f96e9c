"""Whether a network is being traced, and sizes that are unknown then.

Fast kernels, cached matrices and memory layouts serve one device. A graph that torch.export, torch.onnx, torch.jit or
torch.compile makes of a network may run on any, so while it is made they give way to torch's own operators.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.fx.experimental.symbolic_shapes import statically_known_true


def is_exporting() -> bool:
    """Return whether a graph is being made that leaves this process (torch.export, torch.onnx, torch.jit.trace)."""
    tracing: bool = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]  # torch does not say it
    return torch.compiler.is_exporting() or tracing


def is_traced() -> bool:
    """Return whether a graph is being made of the network: an exported one, or one by torch.compile."""
    return torch.compiler.is_compiling() or is_exporting()


def any_symbol(*sizes: int) -> bool:
    """Return whether one of the sizes is a symbol, as in an exported graph of images of any size."""
    return any(isinstance(size, torch.SymInt) for size in sizes)


def known_equal(present: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Return whether two sizes are equal whatever the size of the image.

    An exported graph of any size has sizes that are symbols; a comparison would fix them, which this one does not.
    """
    return all(statically_known_true(a == b) for a, b in zip(present, wanted, strict=True))


def in_channels_last(x: Tensor) -> Tensor:
    """Return (N, C, H, W) in channels-last memory; in a traced graph, whose device is not known, as it is."""
    return x if is_traced() else x.contiguous(memory_format=torch.channels_last)
