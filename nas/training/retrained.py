"""The folder of a retrained network: what is written into it, and how the network is read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nas.aids import aid, reason_of
from nas.atomic import write_bytes_atomically, write_text_atomically
from nas.models.graph_reasoning import KnowledgeGraph, identity_graph
from nas.models.networks import Network, SegmentationNetwork, build_classifier_head, is_network, match_bn_momentum
from nas.models.parameters import count_parameters
from nas.results.measurement import Measurement
from nas.results.software import software_versions
from nas.specs import Fidelity
from nas.training.backbone.extractor import StandardizedBackbone
from nas.training.backbone.source import BackboneSource
from nas.training.pictures import draw_predictions
from nas.training.prepare import Prepared
from nas.training.trial import build_whole_network
from search_spaces.document import (
    Architecture,
    ArchitectureDocument,
    Provenance,
    Score,
    canonical,
    read_architecture,
    write_document,
)

CHECKPOINT = "checkpoint.pt"
"""The state while the network trains; removed at the end."""

MODEL, METRICS, DOCUMENT, PICTURE = "model.safetensors", "metrics.json", "architecture.json", "predictions.png"


@dataclass(frozen=True)
class Retrained:
    """A network that was trained, and all that is known of its training.

    Attributes:
        document: The architecture, as it was given.
        prepared: What it was trained on.
        network: Trained, in evaluation mode.
        measured: One measurement per rung.
        seed: Of the training.
        device: Where it was trained.
        added: Further metrics, by name.
    """

    document: ArchitectureDocument
    prepared: Prepared
    network: Network
    measured: tuple[Measurement, ...]
    seed: int
    device: torch.device
    added: Mapping[str, Any]


def require_safetensors() -> None:
    """Check that networks can be written and read.

    Raises:
        ValueError: safetensors is not installed.
    """
    try:
        import safetensors  # noqa: F401  checked before hours of training, not after
    except ImportError:
        raise ValueError("safetensors is needed for model.safetensors: pip install safetensors") from None


def write_retrained(retrained: Retrained, output: Path) -> dict[str, Any]:
    """Write the files of a folder.

    Returns:
        The metrics.

    Raises:
        OSError: The network cannot be written; that the picture cannot costs a warning.
    """
    from safetensors.torch import save

    prepared, score = retrained.prepared, retrained.measured[-1].score
    with aid("picture", output / PICTURE, "the network is saved without it"):
        draw_predictions(
            retrained.network, prepared.validation_source(), prepared.dataset, output / PICTURE, retrained.device
        )
    tensors = {name: value.detach().cpu().contiguous() for name, value in retrained.network.state_dict().items()}
    packed = save(tensors, metadata={} if prepared.source is None else prepared.source.metadata())
    metrics = {**_metrics(retrained), **retrained.added}
    try:
        write_bytes_atomically(output / MODEL, packed)
        for name, content in (
            (DOCUMENT, write_document(canonical(retrained.document.architecture), _provenance(retrained))),
            (METRICS, metrics),
        ):
            write_text_atomically(output / name, json.dumps(content, indent=2) + "\n")
    except OSError as error:
        raise OSError(
            f"the trained network (mIoU {score:.4f}) cannot be written to {output} ({reason_of(error)}): "
            f"make room there and run the same again, which continues from {CHECKPOINT} where that could be written"
        ) from error
    return metrics


def _provenance(retrained: Retrained) -> Provenance:
    """What the document of the folder says of its training, and of the search from which the architecture came."""
    before, prepared, measured = retrained.document.provenance, retrained.prepared, retrained.measured
    return Provenance(
        search=before.search,
        trial=before.trial,
        seed=retrained.seed,
        fidelity=prepared.fidelity.model_dump(mode="json"),
        scores=tuple(Score(iteration=m.iteration, score=m.score) for m in measured),
        software=software_versions(),
        environment=measured[-1].environment,
        augmentation=retrained.added.get("augmentation", {}).get("key"),
        classes=prepared.dataset.class_names,
    )


def load_retrained(output: Path) -> Network:
    """Load the network in a folder that `retrain` wrote.

    Returns:
        The network, on the CPU in evaluation mode. It maps images, prepared by `pixels.to_network` as its attribute
        `preprocessing` says, to logits at the stride of its backbone's finest map (4 for an entire network).

    Raises:
        ValueError: Weights or document are missing or broken, or do not belong together.
    """
    require_safetensors()
    from safetensors import SafetensorError, safe_open

    document = read_architecture(output / DOCUMENT)
    if document.provenance.fidelity is None:
        raise ValueError(f"{output / DOCUMENT} has no provenance.fidelity, which says how it was trained")
    fidelity = Fidelity.model_validate(document.provenance.fidelity)
    try:
        with safe_open(output / MODEL, "pt") as file:
            names = file.keys()
            tensors, metadata = {name: file.get_tensor(name) for name in names}, file.metadata()
        num_classes = len(tensors["classifier.weight"])
    except (OSError, SafetensorError, LookupError) as error:
        raise ValueError(f"{output / MODEL} is not a network that retraining wrote: {error}") from error
    with torch.random.fork_rng(devices=[]):
        network = _rebuilt(document.architecture, fidelity, num_classes, _graph_in(tensors), metadata or {})
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"{output / MODEL} does not fit {output / DOCUMENT}: {error}") from error
    return network.eval()


def _graph_in(tensors: Mapping[str, torch.Tensor]) -> KnowledgeGraph | None:
    """A graph with the network's number of nodes; its edges are replaced by the buffer in the network's weights."""
    sizes = [len(tensor) for name, tensor in tensors.items() if name.endswith(".adjacency")]
    return identity_graph([f"node {index}" for index in range(sizes[0])]) if sizes else None


def _rebuilt(
    architecture: Architecture,
    fidelity: Fidelity,
    num_classes: int,
    knowledge: KnowledgeGraph | None,
    metadata: Mapping[str, str],
) -> Network:
    """Build the network of `build_trial_network`, without its weights and statistics."""
    if is_network(architecture):
        return build_whole_network(architecture, num_classes, fidelity)
    body = BackboneSource.from_metadata(metadata).build_empty(fidelity.backbone)
    match_bn_momentum(body, fidelity.head)
    part = build_classifier_head(
        architecture,
        body.levels,
        num_classes,
        fidelity.head,
        fidelity.crop,
        knowledge=knowledge,
    )
    placeholder = torch.ones(sum(level.channels for level in body.levels))
    backbone = StandardizedBackbone(body, placeholder, placeholder, frozen=fidelity.backbone.frozen)
    return SegmentationNetwork(backbone, part.head, part.classifier)


def _metrics(retrained: Retrained) -> dict[str, Any]:
    prepared, measured, device = retrained.prepared, retrained.measured, retrained.device
    names = prepared.dataset.class_names
    rungs = [{**m.model_dump(mode="json"), "class_iou": dict(zip(names, m.class_iou, strict=True))} for m in measured]
    height, width = prepared.fidelity.crop
    images = len(prepared.validation_source())
    scaled = f", of images at {prepared.dataset.resize:g} times their size" if prepared.dataset.resize != 1 else ""
    return {
        "score": measured[-1].score,
        "measured_on": f"{images} validation images, middle crop of {height}x{width}{scaled}",
        "rungs": rungs,
        "seed": retrained.seed,
        "parameters": {part: size for part, module in retrained.network.named_children() if (size := _size(module))},
        "trained_parameters": count_parameters(retrained.network),
        "cost": {
            "seconds": measured[-1].seconds,
            "device_seconds": measured[-1].device_seconds,
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
            "threads": torch.get_num_threads(),
        },
        "software": software_versions(),
        "fidelity": prepared.fidelity.model_dump(mode="json"),
        "preprocessing": prepared.preprocessing.model_dump(mode="json"),
    }


def _size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
