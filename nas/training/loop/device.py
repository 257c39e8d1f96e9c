"""Device, precision, number of threads."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import torch
from torch import nn

from nas.specs import Fidelity


def pick_device(device: str | torch.device | None) -> torch.device:
    """Return the named device; for None the first GPU, or the CPU where there is none.

    Raises:
        ValueError: The device is not known, not supported, or not on this machine.
    """
    if device is None:
        return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    try:
        picked = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device {device!r} is not known: use cpu, cuda or cuda:N") from error
    if picked.type not in ("cpu", "cuda"):
        raise ValueError(f"device {device!r} is not supported: use cpu, cuda or cuda:N")
    if picked.type == "cuda":
        index = picked.index or 0
        if index >= torch.cuda.device_count():
            raise ValueError(f"device {device!r} is not there: this machine has {torch.cuda.device_count()} GPU(s)")
        return torch.device("cuda", index)
    return picked


def compute_dtype(fidelity: Fidelity, device: torch.device) -> torch.dtype:
    """Return bfloat16 where the fidelity has it and the device supports or emulates it (a CPU does), else float32."""
    if fidelity.precision == "bfloat16" and (device.type == "cpu" or torch.cuda.is_bf16_supported()):
        return torch.bfloat16
    return torch.float32


def autocast(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """Make the context of a forward pass in mixed precision; for float32 it does nothing.

    Autocast's cache of cast weights is off: a captured graph would use the casts of the first step for ever.
    """
    reduced = dtype is not torch.float32
    return torch.autocast(device.type, dtype if reduced else None, enabled=reduced, cache_enabled=False)


def place(module: nn.Module, device: torch.device) -> None:
    """Move a module to the device in place, with the weights of its convolutions channels-last."""
    module.to(device)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # documented, not in torch's types


@contextlib.contextmanager
def thread_count(threads: int | None) -> Iterator[None]:
    """Within the context, use so many CPU threads (process-wide, as torch has one number); None changes nothing."""
    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def thread_count_here() -> Callable[[], None]:
    """Return a function that gives whichever thread calls it as many CPU threads as the present thread has now.

    A thread that is new to torch would take one for each core.
    """
    threads = torch.get_num_threads()

    def give() -> None:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)

    return give


@contextlib.contextmanager
def reproducible_kernels(device: torch.device) -> Iterator[None]:
    """Within the context, cuDNN is deterministic and does not benchmark, so that equal seeds give equal scores."""
    before = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    if device.type == "cuda":
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = before


def synchronize(device: torch.device) -> None:
    """Wait for the device, so that a clock read afterwards includes the device's work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
