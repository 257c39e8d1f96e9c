"""Whether native kernels serve: one choice for the process, and one for each tensor."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from nas.models.layers.native.build import BuildError, build, built, folder
from nas.models.layers.native.library import SUFFIXES, Kernels, Part
from nas.models.layers.native.shipped import shipped
from nas.models.layers.tracing import is_traced

VARIABLE = "SEGNAS_NATIVE"
"""The setting `native` as the processes that train see it."""

_DENIALS = {"0", "off", "f", "false", "n", "no"}

_chosen: dict[Part, Kernels | None] = {}
"""What this process has settled on; None: torch's own operators."""

_lock = threading.RLock()


def kernels(part: Part) -> Kernels | None:
    """Return the kernels of this process, or `None` where torch's own operators have to serve.

    A process that has not called `prepare_kernels` uses them where they have been built; it builds none.
    """
    if part not in _chosen:
        _settle(part, may_build=False)
    return _chosen[part]


def kernels_for(part: Part, x: Tensor, *parameters: Tensor) -> Kernels | None:
    """Return the kernels of a part where they serve a tensor and what it meets, else `None`.

    They serve plain tensors of one type, float32 or float64, on a CPU; not under autocast, not in a graph that is being
    made of the network, and not within torch.func's transformations.
    """
    if x.device.type != "cpu" or is_traced() or torch.is_autocast_enabled("cpu"):
        return None
    plain = type(x) in (Tensor, nn.Parameter) and x.dtype in SUFFIXES and x.numel() > 0
    if not plain or torch._C._are_functorch_transforms_active():
        return None
    alike = all(p.dtype is x.dtype and p.device == x.device for p in parameters)
    return kernels(part) if alike else None


def prepare_kernels(part: Part, allowed: bool = True) -> str | None:
    """Build the kernels of this machine where they are missing, and settle whether this process uses them.

    Args:
        part: Which ones.
        allowed: Whether the settings allow native code.

    Returns:
        Why they are not used although they are allowed, in a sentence; else `None`.
    """
    if not allowed:
        with _lock:
            _chosen[part] = None
        return None
    reason = _settle(part, may_build=True)
    if reason is None:
        return None
    return f"native kernels are not used, and training on this CPU takes up to twice as long: {reason}"


@contextlib.contextmanager
def without_kernels() -> Iterator[None]:
    """Within the context this process uses torch's own operators."""
    before = dict(_chosen)
    _chosen.update({"heads": None, "supernet": None})
    try:
        yield
    finally:
        _chosen.clear()
        _chosen.update(before)


def _settle(part: Part, *, may_build: bool) -> str | None:
    with _lock:
        reason = None
        if _chosen.get(part) is None:
            _chosen[part] = None
            if os.environ.get(VARIABLE, "").strip().lower() in _DENIALS:
                return None
            try:
                found = shipped(part) or (build(part, folder(part)) if may_build else built(folder(part)))
                _chosen[part] = None if found is None else Kernels(part, *found)
            except BuildError as error:
                reason = str(error)
            except (OSError, AttributeError) as error:
                reason = f"the library cannot be loaded ({error})"
        return reason
