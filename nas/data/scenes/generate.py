"""Writes a data set of generated scenes to disk, in the Cityscapes layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from nas.atomic import write_folder_atomically
from nas.data.cityscapes import (
    APPEARANCE_SUFFIX,
    IMAGE_SUFFIX,
    LABEL_SUFFIX,
    SCENES_FILE,
    TRAIN_TO_LABEL_ID,
    WARMUP,
)
from nas.data.dataset import DatasetError, Uint8
from nas.data.scenes.canvas import UNITS_HIGH
from nas.data.scenes.png import encode_png
from nas.data.scenes.scene import Scene, Style, appearance_names, draw_scene
from search_spaces.base import StrictModel
from search_spaces.validation import validate

Progress = Callable[[int, int], None]
"""Called with (scenes written, scenes in all)."""

Count = Annotated[int, Field(ge=1, le=1_000_000)]

VERSION = 1
"""Version of the drawings, which increases when the same seed gives other pixels."""

_CITY = "scenes"
_EGO_VEHICLE = 1
_LABEL_IDS = np.full(256, _EGO_VEHICLE, np.uint8)
_LABEL_IDS[: len(TRAIN_TO_LABEL_ID)] = TRAIN_TO_LABEL_ID


class SceneSet(StrictModel):
    """Everything that determines a set of generated scenes; stored as `scenes.json` in the data set's folder.

    `size` is (height, width) in pixels, `images` the number of scenes in each split, and `appearance` are the names of
    the appearance classes.
    """

    format: Literal["segnas/scenes"] = "segnas/scenes"
    version: int = VERSION
    style: Style = "cues"
    seed: Annotated[int, Field(ge=0)]
    size: tuple[int, int]
    images: dict[Literal["train", "val", "warmup"], Count]
    appearance: tuple[str, ...]

    @model_validator(mode="after")
    def _can_be_drawn(self) -> Self:
        height, width = self.size
        if width != 2 * height or height < UNITS_HIGH or height % 32 or height > 4096:
            raise ValueError(
                f"scenes cannot be {height}x{width}: the height must be a multiple of 32 from {UNITS_HIGH} to 4096, "
                "and the width twice the height"
            )
        return self


def generate(  # noqa: PLR0917  the first six are the options of `segnas data generate`, in the same order
    root: Path,
    images: int,
    seed: int,
    size: tuple[int, int] = (256, 512),
    val_images: int | None = None,
    progress: Progress | None = None,
    *,
    style: Style = "cues",
) -> SceneSet:
    """Write a data set of generated scenes to the folder `root`, with the same bytes on every machine.

    A scene depends only on the seed, its split and its number. There are a quarter as many warm-up scenes, labelled by
    appearance, as training scenes. Nothing is done when `root` holds exactly these scenes already.

    Args:
        root: New or empty folder, which appears under this name only when it is complete.
        images: Number of training scenes.
        seed: Seed of all scenes.
        size: Height and width in pixels.
        val_images: Number of validation scenes; None for 3 per 16 training scenes.
        progress: Called after each scene.
        style: "naive" is a control for benchmarks, in which each class has an appearance of its own.

    Returns:
        The description that is stored beside the scenes.

    Raises:
        InputError: The scenes cannot be drawn: a number or the size is out of range.
        DatasetError: `root` is no folder, or holds something else.
    """
    val = max(1, images * 3 // 16) if val_images is None else val_images
    counts = {"train": images, "val": val, WARMUP: max(1, images // 4)}
    described = {"style": style, "seed": seed, "size": size, "images": counts, "appearance": appearance_names(style)}
    scenes = validate(SceneSet, described)
    if _already_there(root, scenes):
        return scenes

    def write(folder: Path) -> None:
        _write_splits(folder, scenes, progress or (lambda _done, _total: None))
        (folder / SCENES_FILE).write_text(scenes.model_dump_json(indent=1) + "\n", "utf-8")

    write_folder_atomically(root, write)
    return scenes


def _already_there(root: Path, scenes: SceneSet) -> bool:
    """Return whether `root` holds exactly these scenes; False for a new or empty folder.

    Raises:
        DatasetError: `root` is no folder, or holds something else.
    """
    if not root.exists():
        return False
    if not root.is_dir():
        raise DatasetError(f"{root} is not a folder; give a new one for the scenes")
    if not any(root.iterdir()):
        return False
    try:
        existing = SceneSet.model_validate_json((root / SCENES_FILE).read_text("utf-8"))
    except (OSError, ValidationError):
        existing = None
    if existing != scenes:
        raise DatasetError(f"{root} is not empty and holds something other than these scenes; give a new folder")
    return True


def _write_splits(folder: Path, scenes: SceneSet, progress: Progress) -> None:
    done, total = 0, sum(scenes.images.values())
    for number, (split, count) in enumerate(scenes.images.items()):
        images, labels = folder / "leftImg8bit" / split / _CITY, folder / "gtFine" / split / _CITY
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        for index in range(count):
            scene = draw_scene((scenes.seed, number, index), scenes.size, scenes.style)
            name = f"{_CITY}_{index:06d}_000000"
            suffix, values = _label_file(scene, split)
            (images / f"{name}{IMAGE_SUFFIX}").write_bytes(encode_png(scene.image))
            (labels / f"{name}{suffix}").write_bytes(encode_png(values))
            done += 1
            progress(done, total)


def _label_file(scene: Scene, split: str) -> tuple[str, Uint8]:
    """Return suffix and values of a label file: appearance classes for the warm-up, official label ids otherwise."""
    if split == WARMUP:
        return APPEARANCE_SUFFIX, scene.appearance
    return LABEL_SUFFIX, _LABEL_IDS[scene.label]
