"""The compiled kernels, each for float32 and float64, called with tensors.

A kernel reads and writes memory by address and checks nothing: whoever calls one sees to the tensors' types, sizes and
memory layout.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

SUFFIXES = {torch.float32: "float32", torch.float64: "float64"}
"""What kernels compute in, and how their names end."""

Part: TypeAlias = Literal["heads", "supernet"]
"""What is compiled by itself: the source of the same name. A search over heads need not wait for the supernet's."""

SIGNATURES: dict[Part, dict[str, str]] = {
    "heads": {
        "depthwise_forward": "ppp nnnn nn",
        "depthwise_backward": "ppppp nnnn nn",
        "pointwise_forward": "pppp ppppp nnnn dd",
        "pointwise_backward": "pppp ppp ppp nnnnn",
        "separable_forward": "pppppp pppp pppp p nnnn n nn dddd",
        "separable_backward": "pppppp pppp p ppppp nnnn n nn n",
    },
    "supernet": {
        "supernet_forward": "pppp pp nnn nnnn nn",
        "supernet_backward": "pppp ppp pp nnn nnnn nn",
    },
}
"""The arguments of each kernel as its source has them: pointers, integers, doubles; blanks only group them."""

_KINDS: dict[str, Any] = {"p": ctypes.c_void_p, "n": ctypes.c_int64, "d": ctypes.c_double}


class Kernels:
    """The compiled kernels of one part.

    Attributes:
        identity: Source, compiler and processor of the library in a line of text: what its results depend on.
    """

    def __init__(self, part: Part, library: Path, compiler: str) -> None:
        """Load the library of a part that `build` or `ship` has made.

        Args:
            part: Which kernels they are.
            library: The file; its folder's name says what it was made from.
            compiler: What made it, in a line of text.

        Raises:
            OSError: The file is no library of this machine.
            AttributeError: It lacks a kernel.
        """
        self.identity = f"{library.parent.name}, {compiler}"
        loaded = ctypes.CDLL(str(library))
        self._functions: dict[tuple[str, torch.dtype], Callable[..., None]] = {}
        for name, arguments in SIGNATURES[part].items():
            for dtype, suffix in SUFFIXES.items():
                function = loaded[f"{name}_{suffix}"]
                function.argtypes = [_KINDS[kind] for kind in arguments.replace(" ", "")]
                function.restype = None
                self._functions[name, dtype] = function

    def run(self, name: str, dtype: torch.dtype, *arguments: Tensor | Sequence[Tensor] | float | None) -> None:
        """Call a kernel: a tensor is passed as its address, several as an array of addresses, `None` as no address."""
        self._functions[name, dtype](*map(_passed, arguments))


def _passed(argument: Tensor | Sequence[Tensor] | float | None) -> Any:
    if isinstance(argument, Tensor):
        return argument.data_ptr()
    if isinstance(argument, list | tuple):
        return (ctypes.c_void_p * len(argument))(*(tensor.data_ptr() for tensor in argument))
    return argument
