"""Retraining of an architecture document, saved as a network that anyone can load."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nas.atomic import write_bytes_atomically, write_text_atomically
from nas.models.backbones.build import build_backbone
from nas.models.graph_reasoning import KnowledgeGraph, identity_graph
from nas.models.networks import Network, SegmentationNetwork, build_classifier_head, is_network, match_bn_momentum
from nas.models.parameters import count_parameters
from nas.results.measurement import Measurement
from nas.results.software import software_versions
from nas.specs import Fidelity
from nas.training.backbone.extractor import StandardizedBackbone
from nas.training.environment import environment_of
from nas.training.loop.checkpoint import checkpoint_key
from nas.training.loop.device import pick_device, place, reproducible_kernels, thread_count
from nas.training.loop.rungs import Checkpoint, RungRun
from nas.training.pictures import draw_predictions
from nas.training.prepare import Prepared, prepare
from nas.training.progress import Progress, silent
from nas.training.trial import build_loop, build_trial_network, build_whole_network, trial_complexity
from nas.training.workspace import Workspace
from search_spaces.document import (
    Architecture,
    ArchitectureDocument,
    Provenance,
    Score,
    canonical,
    read_architecture,
    write_document,
)

MODEL, METRICS, DOCUMENT, PICTURE = "model.safetensors", "metrics.json", "architecture.json", "predictions.png"
CHECKPOINT = "checkpoint.pt"


def retrain(
    document: ArchitectureDocument,
    fidelity: Fidelity,
    workspace: Workspace,
    output: Path,
    *,
    seed: int = 0,
    device: str | torch.device | None = None,
    progress: Progress = silent,
    threads: int | None = None,
    checkpoint_seconds: float = 20.0,
) -> tuple[Measurement, ...]:
    """Train the network of an architecture document at a fidelity, and save it in a folder.

    The folder receives `model.safetensors` (backbone, standardisation of its features, head and classifier; or the
    entire network where the architecture is one), `metrics.json`, `architecture.json` (the document in its canonical
    form, which was trained, with this training as its provenance) and `predictions.png`. The backbone is trained too
    where the fidelity has `backbone.frozen: false`. While training, `checkpoint.pt` holds the state: after an
    interruption a call with the same architecture, fidelity and seed resumes there and ends with the same bytes.

    Args:
        document: The architecture.
        fidelity: How it is trained.
        workspace: Where data sets, weights and caches are.
        output: The folder; made where there is none.
        seed: Of the initial weights, batches and dropout.
        device: `None` for the first GPU, or the CPU where there is none.
        progress: Called with the stages of `prepare`, then with stage "training" and the steps.
        threads: CPU threads, process-wide during the call; `None` leaves their number.
        checkpoint_seconds: Time between checkpoints within a rung.

    Returns:
        One measurement per rung.

    Raises:
        TrialError: The architecture cannot be measured (out of memory, loss not finite, crop too small).
        ValueError: safetensors is not installed, the device is not there, or `prepare` refuses the fidelity.
        DatasetError: The data set is broken.
        OSError: The disk is full.
    """
    _require_safetensors()
    target = pick_device(device)
    output.mkdir(parents=True, exist_ok=True)
    with thread_count(threads), reproducible_kernels(target):
        prepared = prepare(
            fidelity,
            workspace,
            whole_network=is_network(document.architecture),
            device=target,
            progress=progress,
        )
        network = build_trial_network(document.architecture, prepared, seed)
        key = checkpoint_key(document.architecture.key, fidelity.key, seed, target)
        loop = build_loop(network, prepared, seed, target)
        run = RungRun(
            loop,
            fidelity.rungs,
            prepared.dataset.num_classes,
            target,
            checkpoint=Checkpoint(output / CHECKPOINT, key, checkpoint_seconds),
            on_step=lambda step: progress("training", step, fidelity.iterations),
            complexity=trial_complexity(loop.model, prepared),
            environment=environment_of(prepared, target),
        )
        measured = tuple(run.measurements())
        _write_results(document, prepared, network, measured, output, seed=seed, device=target)
    (output / CHECKPOINT).unlink(missing_ok=True)
    return measured


def load_retrained(output: Path) -> Network:
    """Load the network in a folder that `retrain` wrote.

    Returns:
        The network, on the CPU in evaluation mode. It maps images normalised by `pixels.to_network` to logits at the
        output stride of its backbone (4 for an entire network).

    Raises:
        ValueError: Weights or document are missing or broken, or do not belong together.
    """
    _require_safetensors()
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    document = read_architecture(output / DOCUMENT)
    if document.provenance.fidelity is None:
        raise ValueError(f"{output / DOCUMENT} has no provenance.fidelity, which says how it was trained")
    fidelity = Fidelity.model_validate(document.provenance.fidelity)
    try:
        tensors = load_file(output / MODEL)
        num_classes = len(tensors["classifier.weight"])
    except (OSError, SafetensorError, LookupError) as error:
        raise ValueError(f"{output / MODEL} is not a network that retraining wrote: {error}") from error
    with torch.random.fork_rng(devices=[]):
        network = _rebuilt(document.architecture, fidelity, num_classes, _graph_in(tensors))
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
    architecture: Architecture, fidelity: Fidelity, num_classes: int, knowledge: KnowledgeGraph | None
) -> Network:
    """Build the network of `build_trial_network`, without its weights and statistics."""
    if is_network(architecture):
        return build_whole_network(architecture, num_classes, fidelity)
    body = build_backbone(fidelity.backbone)
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


def _require_safetensors() -> None:
    try:
        import safetensors  # noqa: F401  checked before hours of training, not after
    except ImportError:
        raise ValueError("safetensors is needed for model.safetensors: pip install safetensors") from None


def _write_results(
    document: ArchitectureDocument,
    prepared: Prepared,
    network: Network,
    measured: tuple[Measurement, ...],
    output: Path,
    *,
    seed: int,
    device: torch.device,
) -> None:
    from safetensors.torch import save

    place(network, device)
    network.eval()
    draw_predictions(network, prepared.validation_source(), prepared.dataset, output / PICTURE, device)
    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    write_bytes_atomically(output / MODEL, save(tensors))
    provenance = Provenance(
        search=document.provenance.search,
        trial=document.provenance.trial,
        seed=seed,
        fidelity=prepared.fidelity.model_dump(mode="json"),
        scores=tuple(Score(iteration=m.iteration, score=m.score) for m in measured),
        software=software_versions(),
        environment=measured[-1].environment,
        classes=prepared.dataset.class_names,
    )
    for name, content in (
        (DOCUMENT, write_document(canonical(document.architecture), provenance)),
        (METRICS, _metrics(prepared, network, measured, seed=seed, device=device)),
    ):
        write_text_atomically(output / name, json.dumps(content, indent=2) + "\n")


def _metrics(
    prepared: Prepared,
    network: Network,
    measured: tuple[Measurement, ...],
    *,
    seed: int,
    device: torch.device,
) -> dict[str, Any]:
    names = prepared.dataset.class_names
    rungs = [{**m.model_dump(mode="json"), "class_iou": dict(zip(names, m.class_iou, strict=True))} for m in measured]
    height, width = prepared.fidelity.crop
    images = len(prepared.validation_source())
    scaled = f", of images at {prepared.dataset.resize:g} times their size" if prepared.dataset.resize != 1 else ""
    return {
        "score": measured[-1].score,
        "measured_on": f"{images} validation images, middle crop of {height}x{width}{scaled}",
        "rungs": rungs,
        "seed": seed,
        "parameters": {part: size for part, module in network.named_children() if (size := _size(module))},
        "trained_parameters": count_parameters(network),
        "cost": {
            "seconds": measured[-1].seconds,
            "device_seconds": measured[-1].device_seconds,
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
            "threads": torch.get_num_threads(),
        },
        "software": software_versions(),
        "fidelity": prepared.fidelity.model_dump(mode="json"),
    }


def _size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
