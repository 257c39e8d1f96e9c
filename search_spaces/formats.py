"""Write architectures in the published file formats of other projects."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.auto_deeplab.formats import write_darts, write_tensorflow
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.dense_cell.deeplab import write_deeplab
from search_spaces.document import Architecture

Format: TypeAlias = Literal["deeplab", "darts"]
"""TensorFlow DeepLab's JSON files, or the genotypes of PyTorch re-implementations in the manner of DARTS."""


def write_format(architecture: Architecture, format: Format) -> Any:
    """Write an architecture as the JSON value of another project's file format.

    Args:
        architecture: A dense prediction cell (`deeplab` only) or an Auto-DeepLab network.
        format: `deeplab` is a list of branches, or three lists for an Auto-DeepLab network; `darts` is numbered edges
            and a path.

    Raises:
        ValueError: The architecture cannot be written in the format.
    """
    if format == "deeplab" and isinstance(architecture, DenseCell):
        return write_deeplab(architecture)
    if isinstance(architecture, AutoDeepLab):
        return write_tensorflow(architecture) if format == "deeplab" else write_darts(architecture)
    name = "TensorFlow DeepLab's" if format == "deeplab" else "the DARTS"
    raise ValueError(f"a {architecture.kind} cannot be written in {name} format; use the format segnas")
