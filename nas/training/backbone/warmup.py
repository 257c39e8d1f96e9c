"""Warm-up: the small backbone is trained once where a fidelity names no pretrained weights."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from nas.atomic import locked, write_bytes_atomically, write_text_atomically
from nas.data.bank import sample_labels
from nas.data.counts import count_label_maps
from nas.data.dataset import SegmentationDataset, Split
from nas.models.backbones.base import Backbone
from nas.models.backbones.build import build_backbone
from nas.models.networks import SegmentationNetwork
from nas.specs import BackboneSpec, Fidelity, OptimizerSpec
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
    """

    spec: BackboneSpec
    data_key: str
    stream: ImageStream
    classes: int

    @property
    def key(self) -> str:
        """Content hash (sha256 hex) of everything that the weights depend on."""
        return content_key({"format": FORMAT, "data": self.data_key, **self.description()})

    def description(self) -> dict[str, object]:
        """Describe the training, for the key and the report."""
        return {
            "backbone": architecture_of(self.spec),
            "split": self.stream.split.name,
            "images": self.stream.images,
            "classes": self.classes,
            "crop": self.stream.crop,
            "augment": self.stream.augment.model_dump(mode="json"),
            "iterations": self.spec.warmup_iterations,
        }


def warm_up_for(fidelity: Fidelity, dataset: SegmentationDataset) -> WarmUp:
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
    return WarmUp(spec, dataset.key, ImageStream(split, images, crop, fidelity.augment, BATCH, SEED), classes)


def warm_backbone(warm_up: WarmUp, cache: Path, device: torch.device, progress: Progress) -> Path:
    """Train the backbone with a 1x1 classifier on its features, unless the weights are cached.

    Args:
        warm_up: What is trained.
        cache: Folder of all caches.
        device: Where the backbone is trained.
        progress: Called with stage "warm-up" and the steps.

    Returns:
        The weights, `cache/backbones/<key>.safetensors`; `<key>.json` beside them reports loss and seconds.

    Raises:
        ValueError: safetensors is not installed, or the loss is not finite.
    """
    path = cache / "backbones" / f"{warm_up.key}.safetensors"
    if not path.exists():
        with locked(path):
            if not path.exists():
                _train_and_store(warm_up, path, device, progress)
    return path


def architecture_of(spec: BackboneSpec) -> dict[str, object]:
    """Select the fields of a backbone's description that decide its parameters: its levels do not."""
    return spec.model_dump(mode="json", include={"name", "width", "blocks", "output_stride"})


def used_images(split: Split, limit: int | None) -> int:
    """Count the images of a split that are used: the first `limit`, or all of a split that has fewer."""
    return len(split) if limit is None else min(limit, len(split))


def _train_and_store(warm_up: WarmUp, path: Path, device: torch.device, progress: Progress) -> None:
    try:
        from safetensors.torch import save
    except ImportError:
        raise ValueError("safetensors is needed to save a warmed-up backbone: pip install safetensors") from None
    started = time.perf_counter()
    backbone, loss = _train(warm_up, device, progress)
    tensors = {name: value.detach().cpu().contiguous() for name, value in backbone.state_dict().items()}
    measured = {"loss": loss, "seconds": round(time.perf_counter() - started, 3)}
    report = json.dumps({**warm_up.description(), **measured}, indent=1) + "\n"
    write_text_atomically(path.with_suffix(".json"), report)
    write_bytes_atomically(path, save(tensors))


def _train(warm_up: WarmUp, device: torch.device, progress: Progress) -> tuple[Backbone, float]:
    """The trained backbone, and its mean loss over the last tenth of the steps."""
    steps, stride = warm_up.spec.warmup_iterations, warm_up.spec.output_stride
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(SEED, WEIGHTS))
        backbone = build_backbone(warm_up.spec.model_copy(update={"levels": None}))
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
        loss = criterion(network(to_network(torch.from_numpy(images).to(device))), targets)
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


def _weights(warm_up: WarmUp) -> torch.Tensor:
    stream = warm_up.stream
    counts = count_label_maps(stream.split, stream.images, warm_up.classes, warm_up.spec.output_stride)
    return class_weights(counts.pixels, WEIGHTING)
