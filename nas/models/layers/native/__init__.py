"""Native code for CPUs: kernels in C++, compiled once on a machine; without a compiler torch's operators serve."""

from nas.models.layers.native.choice import kernels, kernels_for, prepare_kernels, without_kernels
from nas.models.layers.native.library import Kernels

__all__ = ["Kernels", "kernels", "kernels_for", "prepare_kernels", "without_kernels"]
