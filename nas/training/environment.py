"""The environment of the measurements that this process makes."""

from __future__ import annotations

import platform
from pathlib import Path

import torch

from nas.models.layers.native import kernels
from nas.results.software import deciding_versions
from nas.training.prepare import Prepared
from search_spaces.environment import Environment

PROCESSORS = Path("/proc/cpuinfo")

NATIVE = "native kernels"
"""The entry of an environment's software where they train: they round otherwise than torch's operators."""


def environment_of(prepared: Prepared, device: torch.device, processes: int = 1) -> Environment:
    """Describe the environment in which trials of a prepared fidelity are measured here.

    Args:
        prepared: Data and backbone of the trials.
        device: Where the networks are trained.
        processes: Number of processes that train one network together.
    """
    on_cpu = device.type == "cpu"
    native = kernels("heads") if on_cpu else None
    return Environment(
        device="cpu" if on_cpu else "cuda",
        model=device_model(device),
        threads=torch.get_num_threads() if on_cpu else None,
        processes=processes,
        inputs=prepared.inputs_key,
        software=deciding_versions() | ({} if native is None else {NATIVE: native.identity}),
    )


def device_model(device: torch.device) -> str:
    """Name a device: the GPU, or the processor with the vector instructions that torch uses."""
    return _processor() if device.type == "cpu" else torch.cuda.get_device_name(device)


def _processor() -> str:
    """Name the processor and its vector instructions, by which torch chooses its kernels."""
    name = platform.processor() or platform.machine()
    if PROCESSORS.exists():
        lines = (line.partition(":") for line in PROCESSORS.read_text("utf-8", errors="replace").splitlines())
        name = next((value.strip() for key, _, value in lines if key.strip() == "model name"), name)
    return f"{name}, {torch.backends.cpu.get_cpu_capability()}"
