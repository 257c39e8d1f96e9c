"""What all trials of a fidelity share: backbone weights, statistics of the features, and the feature bank."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from nas.cache.shared import share
from nas.data.bank import Extract, FeatureBank, build_bank
from nas.data.crops import CropSource
from nas.data.dataset import SegmentationDataset
from nas.models.backbones.base import Backbone
from nas.models.graph_reasoning import KnowledgeGraph
from nas.specs import Fidelity
from nas.training.backbone.extractor import PIXELS, StandardizedBackbone, feature_function, images_at_once
from nas.training.backbone.source import BackboneSource
from nas.training.backbone.statistics import Statistics, feature_statistics
from nas.training.backbone.warmup import used_images, warm_backbone, warm_up_for
from nas.training.knowledge import class_graph
from nas.training.labels import checked_labels
from nas.training.loop.device import compute_dtype, pick_device, place
from nas.training.native import kernels_meanwhile
from nas.training.progress import Progress, silent
from nas.training.workspace import Workspace
from nas.weights.preprocessing import IMAGENET, Preprocessing
from search_spaces.base import content_key

FORMAT = 2
"""Part of every cache key; to be raised when the stored content changes."""


_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """What all trials of a fidelity share.

    Attributes:
        source: Of the backbone, with its weights; `None` for entire networks, which have no backbone.
        statistics: Of the backbone's features; `None` for entire networks.
        class_pixels: Pixels of each class over all views of the training crops, at the labels' resolution.
        bank: `None` where the backbone is trained with the head, and for entire networks.
        statistics_folder: Cache of statistics of the data.
    """

    fidelity: Fidelity
    dataset: SegmentationDataset
    source: BackboneSource | None
    statistics: Statistics | None
    class_pixels: tuple[int, ...]
    bank: FeatureBank | None
    statistics_folder: Path

    @property
    def weights(self) -> Path | None:
        """The backbone's checkpoint; `None` for entire networks, and where it could not be written to the cache."""
        return None if self.source is None else self.source.weights

    @property
    def preprocessing(self) -> Preprocessing:
        """How pixels become inputs of the network."""
        return IMAGENET if self.source is None else self.source.preprocessing

    def backbone(self, *, frozen: bool) -> StandardizedBackbone:
        """Build the backbone with its weights and standardisation, on the CPU."""
        assert self.source is not None, "prepared for entire networks, which have no backbone"
        assert self.statistics is not None
        mean, deviation = torch.tensor(self.statistics.mean), torch.tensor(self.statistics.deviation)
        return StandardizedBackbone(self.source.build(self.fidelity.backbone), mean, deviation, frozen=frozen)

    def knowledge(self) -> KnowledgeGraph:
        """Build the knowledge graph of the classes, for heads that reason over it; see `class_graph`."""
        images = used_images(self.dataset.split("train"), self.fidelity.train_images)
        return class_graph(self.dataset, images, self.statistics_folder)

    @property
    def inputs_key(self) -> str:
        """Content hash (sha256 hex) of the data, the backbone's weights and the statistics of its features."""
        source, statistics = self.source, self.statistics
        hashed = None if source is None else source.weights_key()
        features = None if statistics is None else [statistics.mean, statistics.deviation]
        depends = {**_crops(self.fidelity, self.dataset), "weights": hashed, "features": features}
        if self.preprocessing != IMAGENET:
            depends["preprocessing"] = self.preprocessing.model_dump(mode="json")
        return content_key(depends)

    def training_source(self) -> CropSource:
        return _training_source(self.fidelity, self.dataset, self.preprocessing)

    def validation_source(self) -> CropSource:
        return _validation_source(self.fidelity, self.dataset, self.preprocessing)


def prepare(
    fidelity: Fidelity,
    workspace: Workspace,
    *,
    whole_network: bool = False,
    device: str | torch.device | None = None,
    progress: Progress = silent,
    parallel: int = 1,
) -> Prepared:
    """Train or load the backbone of a fidelity, and build or open its feature bank.

    Everything is cached under the hash of its inputs, and verified when it is read: a broken item is named in the log,
    set aside and made anew. Concurrent processes on a node make each item once; a killed process leaves no incomplete
    item. What cannot be written is held in memory by this process. Where the workspace has a storage, what another node
    has made is fetched from there, and what is made here is published there. Unusual labels are logged as warnings
    where progress is reported. On a CPU the native kernels of heads are compiled meanwhile, if this machine has none
    yet.

    Args:
        fidelity: What trials are prepared for.
        workspace: Where data sets, weights and caches are.
        whole_network: For architectures that are entire networks, without a backbone: only labels are counted.
        device: `None` for the first GPU, or the CPU where there is none.
        progress: Called with stages "fetching", "files", "labels", "warm-up" and "features" where there is work to do.
        parallel: Batches of images that the frozen backbone reads at once, each on the threads of this process.

    Raises:
        ValueError: A name is not registered, weights do not fit the backbone, the crop does not fit the maps of the
            backbone, or the warm-up does not converge.
        DatasetError: The data set is broken, or its labels are such that scores would mean nothing (`check_labels`).
        OSError: The features can neither be written to the cache nor held in memory.
    """
    if not whole_network:
        fidelity.check_crop_of_heads()
    share(workspace.cache, workspace.storage)
    target = pick_device(device)
    with kernels_meanwhile(target, allowed=workspace.native, say=progress is not silent):
        preparation = _Preparation(fidelity, workspace, target, progress, parallel)
        return preparation.labelled() if whole_network else preparation.with_backbone()


@dataclass(frozen=True)
class _Preparation:
    """The steps of one call of `prepare`, with its arguments; each step adds to the `Prepared` of the one before."""

    fidelity: Fidelity
    workspace: Workspace
    device: torch.device
    progress: Progress
    parallel: int

    @property
    def dtype(self) -> torch.dtype:
        return compute_dtype(self.fidelity, self.device)

    def labelled(self) -> Prepared:
        """Open the data set and check its labels: all that entire networks need."""
        fidelity, folder = self.fidelity, self.workspace.cache / "statistics"
        dataset = self.workspace.dataset(fidelity.dataset, self.progress).resized(fidelity.resize)
        if self.progress is not silent:  # a large data set is read for minutes
            dataset.read_files(partial(self.progress, "files"))
        class_pixels, warnings = checked_labels(
            dataset,
            fidelity.dataset,
            _training_source(fidelity, dataset, IMAGENET),
            _validation_source(fidelity, dataset, IMAGENET),
            label_stride=fidelity.label_stride,
            folder=folder,
            progress=self.progress,
        )
        if self.progress is not silent:  # trials, which nobody watches, would say it again each
            for warning in warnings:
                _log.warning("data set %s: %s", fidelity.dataset, warning)
        return Prepared(
            fidelity,
            dataset,
            source=None,
            statistics=None,
            class_pixels=class_pixels,
            bank=None,
            statistics_folder=folder,
        )

    def with_backbone(self) -> Prepared:
        """Add the backbone's weights, the statistics of its features and, where it is frozen, its feature bank."""
        fidelity, labelled = self.fidelity, self.labelled()
        source = self.workspace.backbone_source(fidelity.backbone)
        if not source.trained:
            warm_up = warm_up_for(fidelity, labelled.dataset, source)
            source = warm_backbone(warm_up, self.workspace.cache, self.device, self.progress)
        key = _features_key(fidelity, labelled.dataset, source, self.dtype)
        statistics = feature_statistics(
            labelled.statistics_folder / f"{key}.json",
            lambda: _placed(source.build(fidelity.backbone), self.device),
            _training_source(fidelity, labelled.dataset, source.preprocessing),
            self.dtype,
            self.parallel,
            about=_about(fidelity),
        )
        prepared = replace(labelled, source=source, statistics=statistics)
        return replace(prepared, bank=self._bank(prepared, key)) if fidelity.backbone.frozen else prepared

    def _bank(self, prepared: Prepared, features_key: str) -> FeatureBank:
        fidelity = self.fidelity
        train, val = prepared.training_source(), prepared.validation_source()
        name = content_key({"features": features_key, "views": train.views, "val": val.images} | _beginning(val))

        def make_extract() -> Extract:
            return feature_function(_placed(prepared.backbone(frozen=True), self.device), self.device, self.dtype)

        return build_bank(
            self.workspace.cache / "banks" / name,
            train,
            val,
            make_extract,
            label_stride=fidelity.label_stride,
            batch=images_at_once(fidelity.crop),
            progress=self.progress,
            parallel=self.parallel,
            about=f"{_about(fidelity)}; {len(train)} + {len(val)} crops",
        )


def _training_source(fidelity: Fidelity, dataset: SegmentationDataset, preprocessing: Preprocessing) -> CropSource:
    split = dataset.split("train")
    images = used_images(split, fidelity.train_images)
    padding = preprocessing.neutral_pixel
    return CropSource(split, images, fidelity.crop, fidelity.views, fidelity.augment, padding)


def _validation_source(fidelity: Fidelity, dataset: SegmentationDataset, preprocessing: Preprocessing) -> CropSource:
    split = dataset.split("val")
    images = range(used_images(split, fidelity.val_images))
    if fidelity.holdout is not None:
        images = fidelity.holdout.images(len(images))
    padding = preprocessing.neutral_pixel
    return CropSource(split, len(images), fidelity.crop, padding=padding, first=images.start)


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


def _features_key(fidelity: Fidelity, dataset: SegmentationDataset, source: BackboneSource, dtype: torch.dtype) -> str:
    depends = {
        **_crops(fidelity, dataset),
        "backbone": source.architecture(fidelity.backbone),
        "levels": fidelity.backbone.strides,
        "weights": source.weights_key(),
        "dtype": str(dtype),
        "pixels": PIXELS,  # read at a time: the last bits of features can depend on it
    }
    # Added only where they differ from what there was first, so that the keys of what was stored then stay.
    if fidelity.backbone.depths is not None:
        depends["depths"] = fidelity.backbone.depths
    if source.preprocessing != IMAGENET:
        depends["preprocessing"] = source.preprocessing.model_dump(mode="json")
    return content_key(depends)


def _beginning(source: CropSource) -> dict[str, int]:
    """The key's part for crops that do not begin at the first image; others keep the keys of what was stored first."""
    return {"first": source.first} if source.first else {}


def _about(fidelity: Fidelity) -> str:
    """Say in words whose features are cached, for whoever lists the cache."""
    backbone = fidelity.backbone
    height, width = fidelity.crop
    strides = " and ".join(map(str, backbone.strides))
    weights = "warmed up" if backbone.weights is None else backbone.weights
    return f"{fidelity.dataset}: {backbone.name} ({weights}) at stride {strides}, crops of {height}x{width}"
