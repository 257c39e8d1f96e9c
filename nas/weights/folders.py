"""Folders as Hugging Face's libraries save networks: `config.json`, `preprocessor_config.json` and checkpoints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from nas.weights.preprocessing import IMAGENET, Preprocessing

CHECKPOINTS = ("model.safetensors", "pytorch_model.bin")
INDEX = "model.safetensors.index.json"
"""Says in which file of a folder each tensor is, where a network is split into several."""

HALF = Preprocessing(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
FAMILIES = {"beit": HALF}
"""Preprocessing of the families of transformers that do not use ImageNet's, for folders that do not say it."""


def read_config(folder: Path) -> dict[str, Any]:
    """Read the network's configuration, `config.json`.

    Raises:
        ValueError: It is missing or no JSON object.
    """
    return _read_object(folder / "config.json")


def folder_preprocessing(folder: Path, config: Mapping[str, Any]) -> Preprocessing:
    """Find the preprocessing that a folder declares.

    That is `preprocessor_config.json` of transformers, or `pretrained_cfg` in timm's `config.json`; without either the
    family's, which is mostly ImageNet's.

    Raises:
        ValueError: What it declares is no preprocessing.
    """
    path, timm = folder / "preprocessor_config.json", config.get("pretrained_cfg")
    if path.is_file():
        source, declared = path, _of_processor(_read_object(path))
    elif isinstance(timm, dict):
        source, declared = folder / "config.json", {name: timm[name] for name in ("mean", "std") if name in timm}
    else:
        return FAMILIES.get(str(config.get("model_type")), IMAGENET)
    try:
        return Preprocessing.model_validate(declared)
    except ValidationError as error:
        raise ValueError(f"{source} declares no usable preprocessing: {error.errors()[0]['msg']}") from None


def checkpoint_in(folder: Path) -> Path:
    """Find the one checkpoint of a folder.

    Raises:
        ValueError: There is none.
    """
    for name in CHECKPOINTS:
        if (folder / name).is_file():
            return folder / name
    raise ValueError(f"folder {folder} holds no checkpoint; it should have {' or '.join(CHECKPOINTS)}")


def _of_processor(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Translate transformers' names; its rescale_factor is what one step of a pixel becomes."""
    factor = stored.get("rescale_factor", 1 / 255) if stored.get("do_rescale", True) else 1.0
    plain = not stored.get("do_normalize", True)
    return {
        "mean": (0.0, 0.0, 0.0) if plain else stored.get("image_mean", IMAGENET.mean),
        "std": (1.0, 1.0, 1.0) if plain else stored.get("image_std", IMAGENET.std),
        # 255 * (1 / 255) need not be 1 to the last bit, which the default's features are exact to.
        "input_range": (0.0, 1.0 if abs(factor * 255 - 1) < 1e-6 else factor * 255),
        "input_space": "BGR" if stored.get("do_flip_channel_order") else "RGB",
    }


def _read_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds no JSON object")
    return content
