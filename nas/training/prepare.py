"""What all trials of a fidelity share: backbone weights, statistics of the features, and the feature bank."""

from __future__ import annotations

import functools
import hashlib
import logging
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from nas.data.bank import CropSource, FeatureBank, build_bank, open_bank
from nas.data.dataset import SegmentationDataset
from nas.models.backbones.base import Backbone
from nas.models.backbones.build import build_backbone, load_backbone_weights
from nas.models.graph_reasoning import KnowledgeGraph
from nas.specs import Fidelity
from nas.training.backbone.extractor import StandardizedBackbone, feature_function, images_at_once
from nas.training.backbone.statistics import Statistics, feature_statistics
from nas.training.backbone.warmup import architecture_of, used_images, warm_backbone, warm_up_for
from nas.training.knowledge import class_graph
from nas.training.labels import checked_labels
from nas.training.loop.device import compute_dtype, pick_device, place
from nas.training.progress import Progress, silent
from nas.training.workspace import Workspace
from search_spaces.base import content_key

FORMAT = 2
"""Part of every cache key; to be raised when the stored content changes."""


_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """What all trials of a fidelity share.

    Attributes:
        weights: Of the backbone; `None` for entire networks, which have no backbone.
        statistics: Of the backbone's features; `None` for entire networks.
        class_pixels: Pixels of each class over all views of the training crops, at the labels' resolution.
        bank: `None` where the backbone is trained with the head, and for entire networks.
        statistics_folder: Cache of statistics of the data.
    """

    fidelity: Fidelity
    dataset: SegmentationDataset
    weights: Path | None
    statistics: Statistics | None
    class_pixels: tuple[int, ...]
    bank: FeatureBank | None
    statistics_folder: Path

    def backbone(self, *, frozen: bool) -> StandardizedBackbone:
        """Build the backbone with its weights and standardisation, on the CPU."""
        assert self.weights is not None, "prepared for entire networks, which have no backbone"
        assert self.statistics is not None
        mean, deviation = torch.tensor(self.statistics.mean), torch.tensor(self.statistics.deviation)
        return StandardizedBackbone(_load_backbone(self.fidelity, self.weights), mean, deviation, frozen=frozen)

    def knowledge(self) -> KnowledgeGraph:
        """Build the knowledge graph of the classes, for heads that reason over it; see `class_graph`."""
        images = used_images(self.dataset.split("train"), self.fidelity.train_images)
        return class_graph(self.dataset, images, self.statistics_folder)

    def training_source(self) -> CropSource:
        return _training_source(self.fidelity, self.dataset)

    def validation_source(self) -> CropSource:
        return _validation_source(self.fidelity, self.dataset)


def prepare(
    fidelity: Fidelity,
    workspace: Workspace,
    *,
    whole_network: bool = False,
    device: str | torch.device | None = None,
    progress: Progress = silent,
) -> Prepared:
    """Train or load the backbone of a fidelity, and build or open its feature bank.

    Everything is cached under the hash of its inputs. Concurrent processes on a node make each item once; a killed
    process leaves no incomplete item. Unusual labels are logged as warnings where progress is reported.

    Args:
        fidelity: What trials are prepared for.
        workspace: Where data sets, weights and caches are.
        whole_network: For architectures that are entire networks, without a backbone: only labels are counted.
        device: `None` for the first GPU, or the CPU where there is none.
        progress: Called with stages "labels", "warm-up" and "features" where there is work to do.

    Raises:
        ValueError: A name is not registered, weights do not fit the backbone, or the warm-up does not converge.
        DatasetError: The data set is broken, or its labels are such that scores would mean nothing (`check_labels`).
        OSError: The disk is full.
    """
    target = pick_device(device)
    dtype = compute_dtype(fidelity, target)
    dataset = workspace.dataset(fidelity.dataset)
    folder = workspace.cache / "statistics"
    training = _training_source(fidelity, dataset)
    class_pixels, warnings = checked_labels(
        dataset,
        fidelity.dataset,
        training,
        _validation_source(fidelity, dataset),
        label_stride=fidelity.label_stride,
        folder=folder,
        progress=progress,
    )
    if progress is not silent:  # trials, which nobody watches, would say it again each
        for warning in warnings:
            _log.warning("data set %s: %s", fidelity.dataset, warning)
    if whole_network:
        return Prepared(
            fidelity,
            dataset,
            weights=None,
            statistics=None,
            class_pixels=class_pixels,
            bank=None,
            statistics_folder=folder,
        )
    if fidelity.backbone.weights is None:
        weights = warm_backbone(warm_up_for(fidelity, dataset), workspace.cache, target, progress)
    else:
        weights = workspace.weights_path(fidelity.backbone.weights)
    key = _features_key(fidelity, dataset, weights, dtype)
    statistics = feature_statistics(
        folder / f"{key}.json",
        lambda: _placed(_load_backbone(fidelity, weights), target),
        training,
        dtype,
    )
    prepared = Prepared(fidelity, dataset, weights, statistics, class_pixels, None, folder)
    if not fidelity.backbone.frozen:
        return prepared
    return replace(prepared, bank=_bank(prepared, workspace.cache / "banks", key, target, progress))


def _training_source(fidelity: Fidelity, dataset: SegmentationDataset) -> CropSource:
    split = dataset.split("train")
    images = used_images(split, fidelity.train_images)
    return CropSource(split, images, fidelity.crop, fidelity.views, fidelity.augment)


def _validation_source(fidelity: Fidelity, dataset: SegmentationDataset) -> CropSource:
    split = dataset.split("val")
    return CropSource(split, used_images(split, fidelity.val_images), fidelity.crop)


def _load_backbone(fidelity: Fidelity, weights: Path) -> Backbone:
    with torch.random.fork_rng(devices=[]):
        backbone = build_backbone(fidelity.backbone)
    load_backbone_weights(backbone, weights)
    return backbone


def _placed(backbone: Backbone, device: torch.device) -> Backbone:
    place(backbone, device)
    return backbone.eval()


def _crops(fidelity: Fidelity, dataset: SegmentationDataset) -> dict[str, object]:
    """Everything that the training crops and their labels depend on."""
    return {
        "format": FORMAT,
        "data": dataset.key,
        "images": used_images(dataset.split("train"), fidelity.train_images),
        "crop": fidelity.crop,
        "augment": fidelity.augment.model_dump(mode="json"),
        "label_stride": fidelity.label_stride,
    }


def _features_key(fidelity: Fidelity, dataset: SegmentationDataset, weights: Path, dtype: torch.dtype) -> str:
    return content_key(
        {
            **_crops(fidelity, dataset),
            "backbone": architecture_of(fidelity.backbone),
            "levels": fidelity.backbone.strides,
            "weights": _file_hash(weights, weights.stat().st_size, weights.stat().st_mtime_ns),
            "dtype": str(dtype),
        }
    )


@functools.lru_cache(maxsize=16)
def _file_hash(path: Path, size: int, changed: int) -> str:  # noqa: ARG001  size and time of change are keys of the cache
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _bank(prepared: Prepared, folder: Path, key: str, device: torch.device, progress: Progress) -> FeatureBank:
    fidelity = prepared.fidelity
    train, val = prepared.training_source(), prepared.validation_source()
    name = content_key({"features": key, "views": train.views, "val": val.images})
    if (folder / name).is_dir():
        return open_bank(folder / name)
    backbone = _placed(prepared.backbone(frozen=True), device)
    return build_bank(
        folder / name,
        train,
        val,
        feature_function(backbone, device, compute_dtype(fidelity, device)),
        label_stride=fidelity.label_stride,
        batch=images_at_once(fidelity.crop),
        progress=progress,
    )
