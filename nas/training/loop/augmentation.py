"""Augmentation by a pipeline of albumentations that a file describes, applied to training crops."""

from __future__ import annotations

import json
import os
import threading
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from nas.data.dataset import IGNORE, Uint8
from search_spaces.base import content_key

INSIDE = 173
"""Marks the crop's own pixels in a mask that goes through the pipeline too: what comes back otherwise was filled in."""

_LOCAL = threading.local()


@dataclass(frozen=True)
class Augmentation:
    """A pipeline of albumentations, applied to each training crop after the fidelity's own scale, flip and crop.

    Pixels that a transform takes from outside of the crop, or fills in a mask, do not count in training.

    Attributes:
        file: Where the pipeline was read, for messages.
        pipeline: The pipeline as `albumentations.to_dict` writes it.
    """

    file: str
    pipeline: dict[str, Any]

    @cached_property
    def key(self) -> str:
        """Content hash (sha256 hex) of the pipeline, whatever format the file has."""
        return content_key(self.pipeline["transform"])

    def apply(self, image: Uint8, label: Uint8, seed: int) -> tuple[Uint8, Uint8]:
        """Augment a crop; the same seed gives the same result in every thread and process.

        Args:
            image: `(H, W, 3)`.
            label: `(H, W)`, classes or IGNORE.
            seed: Of all that the pipeline draws.

        Raises:
            ValueError: The pipeline fails, changes the size, or returns something other than 8-bit RGB and labels.
        """
        compose = self._compose()
        compose.set_random_seed(seed)
        try:
            result = compose(image=image, mask=label, inside=np.full_like(label, INSIDE))
        except Exception as error:
            raise ValueError(f"{self.file}: the pipeline fails on a crop: {error}") from error
        augmented, labels = result["image"], result["mask"]
        self._check(augmented, labels, image)
        labels = np.where(result["inside"] == INSIDE, labels, IGNORE).astype(np.uint8)
        allowed = np.bincount(label.reshape(-1), minlength=IGNORE + 1) > 0
        allowed[IGNORE] = True
        if not allowed[labels].all():
            raise ValueError(f"{self.file}: the pipeline makes labels that the crop lacks: do not interpolate masks")
        return np.ascontiguousarray(augmented), labels

    def _check(self, augmented: Any, labels: Any, image: Uint8) -> None:
        for name, found, shape in (("image", augmented, image.shape), ("mask", labels, image.shape[:2])):
            if not isinstance(found, np.ndarray) or found.dtype != np.uint8:
                kind = getattr(found, "dtype", type(found).__name__)
                raise ValueError(
                    f"{self.file}: the pipeline must return the {name} as 8-bit numbers, not {kind}: leave out "
                    "Normalize, ToFloat and ToTensorV2, as networks normalise their input themselves"
                )
            if found.shape != shape:
                raise ValueError(
                    f"{self.file}: the pipeline changes a crop's {name} from {_size(shape)} to {_size(found.shape)}: "
                    "leave out crops and resizes, or end with a Resize to the crop's size"
                )

    def _compose(self) -> Any:
        # One for each thread, as a pipeline holds the state of its random numbers.
        made: dict[str, Any] = _LOCAL.__dict__.setdefault("made", {})
        if self.key not in made:
            made[self.key] = _build(self.pipeline, self.file)
        return made[self.key]


def read_augmentation(path: Path, crop: tuple[int, int]) -> Augmentation:
    """Read a pipeline that `albumentations.save` wrote, in JSON or YAML, and try it on a crop.

    Args:
        path: The file.
        crop: Height and width of training crops in pixels.

    Raises:
        ValueError: albumentations is not installed, the file holds no pipeline, or the pipeline does not keep crops.
        OSError: The file cannot be read.
    """
    _albumentations()
    text = path.read_text("utf-8")
    try:
        pipeline = json.loads(text)
    except json.JSONDecodeError:
        pipeline = _yaml(text, path)
    if not isinstance(pipeline, dict) or not isinstance(pipeline.get("transform"), dict):
        raise ValueError(f"{path} holds no pipeline: write it by albumentations.save(pipeline, {str(path)!r})")
    augmentation = Augmentation(str(path), pipeline)
    augmentation.apply(np.full((*crop, 3), 127, np.uint8), np.zeros(crop, np.uint8), 0)
    return augmentation


def _yaml(text: str, path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is neither JSON nor YAML: {' '.join(str(error).split())}") from None


def _build(pipeline: dict[str, Any], file: str) -> Any:
    library = _albumentations()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # it only warns of an argument that no transform knows
            transform = library.from_dict(pipeline)
            compose = transform if isinstance(transform, library.Compose) else library.Compose([transform])
    except KeyError as error:
        raise ValueError(f"{file}: {error.args[0]!r} is no transform of albumentations {library.__version__}") from None
    except Exception as error:
        raise ValueError(f"{file}: the pipeline cannot be built: {' '.join(str(error).split())}") from None
    compose.add_targets({"inside": "mask"})
    return compose


def _albumentations() -> Any:
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # else its import asks the network for a newer version
    try:
        import albumentations
    except ImportError:
        raise ValueError("augmentation by a file needs albumentations: pip install 'segnas[albumentations]'") from None
    return albumentations


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
