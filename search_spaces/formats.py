"""The forms that the field has for architectures beside this project's document."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from search_spaces.auto_deeplab.architecture import AutoDeepLab
from search_spaces.auto_deeplab.formats import write_darts, write_tensorflow
from search_spaces.dense_cell.architecture import DenseCell
from search_spaces.dense_cell.deeplab import write_deeplab
from search_spaces.document import Architecture

Form: TypeAlias = Literal["deeplab", "darts"]


def write_format(architecture: Architecture, form: Form) -> Any:
    """`deeplab`: TensorFlow DeepLab's list of branches, or its three lists of an Auto-DeepLab; `darts`: numbered edges
    and a path, as PyTorch re-implementations of Auto-DeepLab have it. ValueError where the architecture has no such
    form.
    """
    if form == "deeplab" and isinstance(architecture, DenseCell):
        return write_deeplab(architecture)
    if isinstance(architecture, AutoDeepLab):
        return write_tensorflow(architecture) if form == "deeplab" else write_darts(architecture)
    where = "TensorFlow DeepLab" if form == "deeplab" else "the DARTS form"
    raise ValueError(f"a {architecture.kind} has no form in {where}; take format segnas")
