"""ONNX files of what searches and retraining leave: `model.onnx` beside a trained network, a head to be timed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal, TypeAlias

import torch

from nas.models.backbones.build import build_backbone
from nas.models.complexity import Shape
from nas.models.documents import build_head
from nas.models.export import write_onnx
from nas.models.networks import is_network
from nas.models.pixel_network import PixelNetwork
from nas.specs import Fidelity
from nas.training.load import load_network
from nas.training.retrained import DOCUMENT
from search_spaces.document import ArchitectureDocument, Provenance, read_architecture
from search_spaces.text import architecture_text
from search_spaces.validation import validate

ONNX = "model.onnx"

Input: TypeAlias = Literal["pixels", "normalised"]
"""What an exported network takes: images as they are, or images that are normalised already."""


def export_retrained(folder: Path, *, input: Input = "pixels") -> Path:
    """Write `model.onnx` beside the network that retraining left in a folder.

    With `pixels` the file maps `images`, RGB (N, 3, H, W), uint8, to `logits` (N, classes, H, W): the preprocessing and
    the resizing of the logits are part of it. With `normalised` it maps float32 images that the network's preprocessing
    has normalised to logits at the network's stride. Batch, height and width are free. The metadata of the file
    (`metadata_props`) name classes, preprocessing, search and trial.

    Args:
        folder: As `nas.load_network` reads it.
        input: What the network takes.

    Returns:
        The path of the file.

    Raises:
        ValueError: It is no such folder, or `onnx` or `onnxscript` is not installed.
    """
    network = load_network(folder)
    document = read_architecture(folder / DOCUMENT)
    module, dtype = (network, torch.uint8) if input == "pixels" else (network.network, torch.float32)
    write_onnx(
        module,
        folder / ONNX,
        [_image(_searched(document))],
        inputs=["images"],
        output="logits",
        metadata=_metadata(document) | _usage(network, input),
        dtype=dtype,
    )
    return folder / ONNX


def export_untrained(document: ArchitectureDocument, path: Path) -> None:
    """Write the head of an architecture document, as it was searched, with initial weights: to be timed on a device.

    The file maps one feature map for each level (`features_8` for stride 8) to `output`, without logits.

    Args:
        document: With `provenance.fidelity`, which says what the head reads.
        path: The file.

    Raises:
        ValueError: The document does not say how it was searched or describes a whole network, or `onnx` or
            `onnxscript` is not installed.
    """
    if is_network(document.architecture):
        raise ValueError("auto_deeplab is a whole network, not a head to be timed: `segnas retrain --onnx` exports it")
    fidelity = _searched(document)
    with torch.device("meta"):
        levels = build_backbone(fidelity.backbone).levels
    head = build_head(document, [level.channels for level in levels])
    height, width = fidelity.crop
    shapes = [
        (level.channels, 2 * ((height - 1) // level.stride + 1), 2 * ((width - 1) // level.stride + 1))
        for level in levels
    ]
    write_onnx(
        head,
        path,
        shapes,
        inputs=[f"features_{level.stride}" for level in levels],
        output="output",
        metadata=_metadata(document) | {"weights": "initial, not trained"},
    )


def _searched(document: ArchitectureDocument) -> Fidelity:
    if document.provenance.fidelity is None:
        raise ValueError("the document does not say how the architecture was searched (provenance.fidelity)")
    return validate(Fidelity, document.provenance.fidelity)


def _image(fidelity: Fidelity) -> Shape:
    """An image of twice the crop, on which no pooling window covers the entire map."""
    height, width = fidelity.crop
    return 3, 2 * height, 2 * width


def _metadata(document: ArchitectureDocument) -> dict[str, str]:
    provenance: Provenance = document.provenance
    known = {"search": provenance.search, "trial": provenance.trial, "seed": provenance.seed}
    texts = {name: str(value) for name, value in known.items() if value is not None}
    return {"architecture": architecture_text(document.architecture), **texts}


def _usage(network: PixelNetwork, input: Input) -> dict[str, str]:
    preprocessing = network.preprocessing
    normalisation = (
        f"pixel * scale + shift for pixels from 0 to 255, scale {list(preprocessing.scale)}, "
        f"shift {list(preprocessing.shift)}, channels in {preprocessing.input_space}"
    )
    if input == "pixels":
        expected, logits = "uint8 RGB images (N, 3, H, W)", "at the size of the images"
    else:
        expected, logits = f"float32 images (N, 3, H, W), {normalisation}", "at the network's stride, to be resized"
    return {
        "classes": json.dumps(network.class_names),
        "input": expected,
        "preprocessing": normalisation
        + (", part of the network" if input == "pixels" else ", not part of the network"),
        "logits": logits,
    }
