"""Retraining of an architecture document, saved as a network that anyone can load."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
from nas.training.callbacks import Callback
from nas.training.environment import environment_of
from nas.training.full_image import FullImageSpec, full_image_metrics
from nas.training.loop.augmentation import Augmentation
from nas.training.loop.checkpoint import checkpoint_key
from nas.training.loop.device import pick_device, place, reproducible_kernels, thread_count
from nas.training.loop.distributed import Peers
from nas.training.loop.rungs import Checkpoint, RungRun
from nas.training.pictures import draw_predictions
from nas.training.prepare import Prepared, prepare
from nas.training.progress import Progress, silent
from nas.training.reports import Reports
from nas.training.trial import build_loop, build_trial_network, build_whole_network, trial_complexity
from nas.training.workspace import Workspace
from search_spaces.base import content_key
from search_spaces.document import (
    Architecture,
    ArchitectureDocument,
    Provenance,
    Score,
    canonical,
    read_architecture,
    write_document,
)
from search_spaces.text import architecture_text

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
    evaluation: FullImageSpec | None = None,
    augmentation: Augmentation | None = None,
    callbacks: Sequence[Callback] = (),
) -> tuple[Measurement, ...]:
    """Train the network of an architecture document at a fidelity, and save it in a folder.

    The folder receives `model.safetensors` (backbone, standardisation of its features, head and classifier; or the
    entire network where the architecture is one), `metrics.json`, `architecture.json` (the document in its canonical
    form, which was trained, with this training as its provenance) and `predictions.png`. The backbone is trained too
    where the fidelity has `backbone.frozen: false`. While training, `checkpoint.pt` holds the state: after an
    interruption a call with the same architecture, fidelity and seed resumes there and ends with the same bytes.

    In an initialised process group (torch.distributed) all processes of the group train one network together, as in
    `evaluate`; the first process writes the folder, calls progress and callbacks, and returns the measurements.

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
        evaluation: How entire validation images are predicted for `full_images` in the metrics; `None` leaves it out.
        augmentation: Applied to each training crop, where the backbone is trained too.
        callbacks: Told of the training while it runs.

    Returns:
        One measurement per rung; in a process group, none in other processes than the first.

    Raises:
        TrialError: The architecture cannot be measured (out of memory, loss not finite, crop too small).
        ValueError: safetensors is not installed, the device is not there, the augmentation needs a trained backbone,
            the batch is not a multiple of the number of processes, or `prepare` refuses the fidelity.
        DatasetError: The data set is broken.
        OSError: The network cannot be written: the disk is full, for instance. (A checkpoint or the picture that cannot
            be written costs a warning.)
    """
    _require_safetensors()
    _require_images(document.architecture, fidelity, augmentation)
    target = pick_device(device)
    peers = Peers.here(target)
    leads, processes = (True, 1) if peers is None else (peers.leads, peers.count)
    progress = progress if leads else silent
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
        key = _training_key(
            document.architecture, fidelity, augmentation, seed=seed, device=target, processes=processes
        )
        loop = build_loop(network, prepared, seed, target, peers, augmentation=augmentation)
        reports = Reports(loop, fidelity.rungs, callbacks if leads else (), progress)
        run = RungRun(
            loop,
            fidelity.rungs,
            prepared.dataset.num_classes,
            target,
            processes,
            checkpoint=Checkpoint(output / CHECKPOINT, key, checkpoint_seconds),
            on_step=reports.step,
            complexity=trial_complexity(loop.model, prepared),
            environment=environment_of(prepared, target, processes),
        )
        run.resume()
        with reports.opened(_description(document.architecture, prepared, run, key, seed)) as result:
            measured = reports.measured(run)
            loop.adopt_average()
            place(network, target)
            network.eval()
            added = {"processes": processes, **_augmented_by(augmentation)}
            if evaluation is not None:
                added |= full_image_metrics(evaluation, network, prepared, target, peers=peers, progress=progress)
            if leads:
                written = _write_results(
                    document, prepared, network, measured, output, seed=seed, device=target, added=added
                )
                result.update(written)
    if leads:
        with aid("checkpoint", output / CHECKPOINT, "it stays there, and is not needed any more"):
            (output / CHECKPOINT).unlink(missing_ok=True)
    return measured


def load_retrained(output: Path) -> Network:
    """Load the network in a folder that `retrain` wrote.

    Returns:
        The network, on the CPU in evaluation mode. It maps images, prepared by `pixels.to_network` as its attribute
        `preprocessing` says, to logits at the stride of its backbone's finest map (4 for an entire network).

    Raises:
        ValueError: Weights or document are missing or broken, or do not belong together.
    """
    _require_safetensors()
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


def _require_images(architecture: Architecture, fidelity: Fidelity, augmentation: Augmentation | None) -> None:
    if augmentation is not None and not is_network(architecture) and fidelity.backbone.frozen:
        raise ValueError(
            "augmentation by a file needs images in every step, but a frozen backbone is trained on stored features: "
            "set backbone.frozen to false in the fidelity"
        )


def _training_key(
    architecture: Architecture,
    fidelity: Fidelity,
    augmentation: Augmentation | None,
    *,
    seed: int,
    device: torch.device,
    processes: int,
) -> str:
    trained_as = fidelity.key if augmentation is None else content_key([fidelity.key, augmentation.key])
    return checkpoint_key(architecture.key, trained_as, seed, device, processes)


def _description(
    architecture: Architecture, prepared: Prepared, run: RungRun, key: str, seed: int
) -> Mapping[str, Any]:
    assert run.complexity is not None
    return {
        "key": key,
        "architecture": architecture_text(architecture),
        "class_names": list(prepared.dataset.class_names),
        "seed": seed,
        "fidelity": prepared.fidelity.model_dump(mode="json"),
        "parameters": run.complexity.parameters,
        "multiply_adds": run.complexity.multiply_adds,
    }


def _augmented_by(augmentation: Augmentation | None) -> dict[str, Any]:
    if augmentation is None:
        return {}
    return {"augmentation": {"key": augmentation.key, "pipeline": augmentation.pipeline}}


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
    added: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the files of a folder; `added` are further metrics. Returns the metrics."""
    from safetensors.torch import save

    with aid("picture", output / PICTURE, "the network is saved without it"):
        draw_predictions(network, prepared.validation_source(), prepared.dataset, output / PICTURE, device)
    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    packed = save(tensors, metadata={} if prepared.source is None else prepared.source.metadata())
    provenance = Provenance(
        search=document.provenance.search,
        trial=document.provenance.trial,
        seed=seed,
        fidelity=prepared.fidelity.model_dump(mode="json"),
        scores=tuple(Score(iteration=m.iteration, score=m.score) for m in measured),
        software=software_versions(),
        environment=measured[-1].environment,
        augmentation=added.get("augmentation", {}).get("key"),
        classes=prepared.dataset.class_names,
    )
    metrics = {**_metrics(prepared, network, measured, seed=seed, device=device), **added}
    try:
        write_bytes_atomically(output / MODEL, packed)
        for name, content in (
            (DOCUMENT, write_document(canonical(document.architecture), provenance)),
            (METRICS, metrics),
        ):
            write_text_atomically(output / name, json.dumps(content, indent=2) + "\n")
    except OSError as error:
        raise OSError(
            f"the trained network (mIoU {measured[-1].score:.4f}) cannot be written to {output} ({reason_of(error)}): "
            f"make room there and run the same again, which continues from {CHECKPOINT} where that could be written"
        ) from error
    return metrics


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
        "preprocessing": prepared.preprocessing.model_dump(mode="json"),
    }


def _size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
