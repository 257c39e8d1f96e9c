"""Warm-up: the small backbone is trained once where a fidelity names no pretrained weights."""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from nas.aids import aid
from nas.atomic import write_bytes_atomically, write_text_atomically
from nas.cache.entries import hold, read_or_make
from nas.cache.sealed import FILES, check_files, file_entry, read_sealed, sealed
from nas.cache.use import mark_in_use
from nas.data.counts import count_label_maps
from nas.data.crops import sample_labels
from nas.data.dataset import SegmentationDataset, Split
from nas.models.backbones.base import Backbone
from nas.models.backbones.build import build_backbone
from nas.models.networks import SegmentationNetwork
from nas.specs import BackboneSpec, Fidelity, OptimizerSpec
from nas.training.backbone.source import UNTRAINED, BackboneSource
from nas.training.loop.device import place
from nas.training.loop.images import ImageStream
from nas.training.loop.losses import SegmentationLoss, class_weights
from nas.training.loop.optimizer import build_optimizer, set_rate
from nas.training.loop.pixels import to_network
from nas.training.loop.random_streams import WEIGHTS, torch_seed
from nas.training.loop.schedule import decay
from nas.training.progress import Progress
from search_spaces.base import content_key

SEED = 0
"""Fixed, so that all searches share one backbone whatever their seeds."""

BATCH = 8
OPTIMIZER = OptimizerSpec(name="adam", learning_rate=3e-3, weight_decay=1e-4)
POWER, WARMUP_STEPS = 0.9, 20
WEIGHTING = 0.5
FORMAT = 2
"""Part of every cache key; to be raised when the training recipe changes."""


@dataclass(frozen=True)
class WarmUp:
    """A backbone and the images that it is trained on.

    Attributes:
        data_key: Content hash of the data set.
        classes: Number of classes in the labels of the stream.
        source: What the backbone is built from; it has no weights yet.
        about: The data set in words, for whoever lists the cache.
    """

    spec: BackboneSpec
    data_key: str
    stream: ImageStream
    classes: int
    source: BackboneSource = UNTRAINED
    about: str = ""

    @property
    def key(self) -> str:
        """Content hash (sha256 hex) of everything that the weights depend on."""
        return content_key({"format": FORMAT, "data": self.data_key, **self.description()})

    def description(self) -> dict[str, object]:
        """Describe the training, for the key and the report."""
        return {
            "backbone": self.source.architecture(self.spec),
            "split": self.stream.split.name,
            "images": self.stream.images,
            "classes": self.classes,
            "crop": self.stream.crop,
            "augment": self.stream.augment.model_dump(mode="json"),
            "iterations": self.spec.warmup_iterations,
        }


def warm_up_for(fidelity: Fidelity, dataset: SegmentationDataset, source: BackboneSource = UNTRAINED) -> WarmUp:
    """Define the warm-up of a fidelity's backbone.

    On generated scenes the backbone learns the appearance classes, on images made for the warm-up, so that its features
    keep information that the labels discard (see docs/concepts/scenes.md). On other data sets it learns the labels of
    the training images that the fidelity uses.
    """
    spec = fidelity.backbone
    crop = spec.warmup_crop or fidelity.crop
    split, classes = dataset.appearance, dataset.appearance_classes
    images = 0 if split is None else len(split)
    if split is None:
        split, classes = dataset.split("train"), dataset.num_classes
        images = used_images(split, fidelity.train_images)
    stream = ImageStream(split, images, crop, fidelity.augment, BATCH, SEED, preprocessing=source.preprocessing)
    return WarmUp(spec, dataset.key, stream, classes, source, fidelity.dataset)


def warm_backbone(warm_up: WarmUp, cache: Path, device: torch.device, progress: Progress) -> BackboneSource:
    """Train the backbone with a 1x1 classifier on its features, unless the weights are cached.

    Args:
        warm_up: What is trained.
        cache: Folder of all caches.
        device: Where the backbone is trained.
        progress: Called with stage "warm-up" and the steps.

    Returns:
        The source with its weights, verified: `cache/backbones/<key>.safetensors`; `<key>.json` beside them reports
        loss, seconds and checksum. Where they cannot be written, the source holds them in memory.

    Raises:
        ValueError: safetensors is not installed, or the loss is not finite.
    """
    path = cache / "backbones" / f"{warm_up.key}.safetensors"
    report = path.with_suffix(".json")

    def read() -> BackboneSource:
        mark_in_use(path)
        check_files(path.parent, read_sealed(report))
        return replace(warm_up.source, weights=path)

    def make() -> BackboneSource:
        weights, measured = _train_and_pack(warm_up, device, progress)
        files = {path.name: file_entry(len(weights), hashlib.sha256(weights).hexdigest())}
        described = {"about": _about(warm_up), **warm_up.description(), **measured, FILES: files}
        with aid("warmed-up backbone", path, "this process holds it in memory"):
            write_text_atomically(report, sealed(described))
            write_bytes_atomically(path, weights)
            return replace(warm_up.source, weights=path)
        return hold(path, replace(warm_up.source, packed=weights))

    return read_or_make(path, read, make)


def _about(warm_up: WarmUp) -> str:
    height, width = warm_up.stream.crop
    return f"{warm_up.about}: {warm_up.spec.name}, {warm_up.spec.warmup_iterations} steps on crops of {height}x{width}"


def used_images(split: Split, limit: int | None) -> int:
    """Count the images of a split that are used: the first `limit`, or all of a split that has fewer."""
    return len(split) if limit is None else min(limit, len(split))


def _train_and_pack(warm_up: WarmUp, device: torch.device, progress: Progress) -> tuple[bytes, dict[str, float]]:
    """The weights in the form of a safetensors file; loss and seconds of their training."""
    try:
        from safetensors.torch import save
    except ImportError:
        raise ValueError("safetensors is needed to save a warmed-up backbone: pip install safetensors") from None
    started = time.perf_counter()
    backbone, loss = _train(warm_up, device, progress)
    tensors = {name: value.detach().cpu().contiguous() for name, value in backbone.state_dict().items()}
    return save(tensors), {"loss": loss, "seconds": round(time.perf_counter() - started, 3)}


def _train(warm_up: WarmUp, device: torch.device, progress: Progress) -> tuple[Backbone, float]:
    """The trained backbone, and its mean loss over the last tenth of the steps."""
    steps, stride = warm_up.spec.warmup_iterations, warm_up.spec.output_stride
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(SEED, WEIGHTS))
        backbone = build_backbone(_last_map(warm_up.spec), warm_up.source.config)
        network = SegmentationNetwork(
            backbone, nn.Identity(), nn.Conv2d(backbone.levels[-1].channels, warm_up.classes, 1)
        )
    place(network, device)
    network.train()
    criterion = SegmentationLoss(_weights(warm_up)).to(device)
    optimizer = build_optimizer(network, OPTIMIZER, device)
    factors = decay(steps, POWER, WARMUP_STEPS)
    recent = torch.zeros((), device=device)
    window = max(1, steps // 10)
    for step, (images, labels) in enumerate(warm_up.stream.steps(0, steps)):
        set_rate(optimizer, OPTIMIZER.learning_rate * float(factors[step]))
        targets = torch.from_numpy(sample_labels(labels, stride)).to(device)
        loss = criterion(network(to_network(torch.from_numpy(images).to(device), network.preprocessing)), targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if step >= steps - window:
            recent += loss.detach() / window
        progress("warm-up", step + 1, steps)
    mean = float(recent)
    if not math.isfinite(mean):
        raise ValueError(
            "the backbone's warm-up did not converge (its loss is not finite); use pretrained weights instead"
        )
    return backbone.eval(), mean


def _last_map(spec: BackboneSpec) -> BackboneSpec:
    """The backbone with its last map alone, which the warm-up's classifier reads."""
    return spec.model_copy(update={"levels": None, "depths": spec.depths and spec.depths[-1:]})


def _weights(warm_up: WarmUp) -> torch.Tensor:
    stream = warm_up.stream
    counts = count_label_maps(stream.split, stream.images, warm_up.classes, warm_up.spec.output_stride)
    return class_weights(counts.pixels, WEIGHTING)
