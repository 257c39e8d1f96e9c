"""ONNX files of networks, for images and feature maps of any size."""

from __future__ import annotations

import importlib.util
import inspect
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nas.atomic import write_atomically
from nas.models.complexity import Shape

NOISE = "torch.onnx._internal.exporter._registration"
"""A logger that warns of torchvision's operators, which no network here has."""


def require_onnx() -> None:
    """Check that what writes ONNX files is installed.

    Raises:
        ValueError: It is not.
    """
    missing = [name for name in ("onnx", "onnxscript") if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(f"ONNX files need {' and '.join(missing)}: pip install 'segnas[onnx]'")


def write_onnx(
    network: nn.Module,
    path: Path,
    shapes: Sequence[Shape],
    *,
    inputs: Sequence[str],
    output: str,
    metadata: Mapping[str, str],
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write a network as an ONNX file that takes any batch, height and width.

    Args:
        network: Called with one map for each shape; evaluated without dropout, its mode is left as it was.
        path: The file, written atomically.
        shapes: Channels of each input, and a height and width that are larger than the network's pooling windows:
            where a pooled map has a single cell in the example, the graph would take only such maps.
        inputs: Names of the inputs.
        output: Name of the output.
        metadata: What a reader of the file should know (`metadata_props`).
        dtype: Of the inputs.

    Raises:
        ValueError: `onnx` or `onnxscript` is not installed.
    """
    require_onnx()
    device = next(network.parameters()).device
    example = tuple(torch.zeros(2, *shape, dtype=dtype, device=device) for shape in shapes)
    axes = dict.fromkeys((0, 2, 3), torch.export.Dim.DYNAMIC)
    dynamic: tuple[Any, ...] = tuple(axes for _ in shapes)
    parameters = inspect.signature(network.forward).parameters.values()
    if any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters):
        dynamic = (dynamic,)
    with _evaluated(network), _quiet():
        program = torch.onnx.export(
            network,
            example,
            dynamo=True,
            verbose=False,
            input_names=list(inputs),
            output_names=[output],
            dynamic_shapes=dynamic,
        )
    assert program is not None
    program.model.metadata_props.update(metadata)
    write_atomically(path, lambda temporary: program.save(temporary, external_data=False))


@contextmanager
def _evaluated(network: nn.Module) -> Iterator[None]:
    """Put the network into evaluation mode inside the context, and each of its parts back into its own after it."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what torch and onnxscript say of themselves while they export."""
    logger = logging.getLogger(NOISE)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        logger.setLevel(level)
