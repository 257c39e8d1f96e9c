"""Writing a data set of scenes to disk, in the Cityscapes layout."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

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

Progress = Callable[[int, int], None]
Count = Annotated[int, Field(ge=1, le=1_000_000)]

VERSION = 1
"""Of what is drawn; counts up when the same seed gives other pixels."""

_CITY = "scenes"
_EGO_VEHICLE = 1
_LABEL_IDS = np.full(256, _EGO_VEHICLE, np.uint8)
_LABEL_IDS[: len(TRAIN_TO_LABEL_ID)] = TRAIN_TO_LABEL_ID


class SceneSet(StrictModel):
    """All that decides a set of scenes; `scenes.json` in its folder.

    `images` says how many scenes each split has. `appearance` are the names of the appearance classes.
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


def generate(  # noqa: PLR0917  the first six are what `segnas data generate` asks for, in its order
    root: Path,
    images: int,
    seed: int,
    size: tuple[int, int] = (256, 512),
    val_images: int | None = None,
    progress: Progress | None = None,
    *,
    style: Style = "cues",
) -> SceneSet:
    """Write `images` training scenes of `size` (height, width) to the folder `root`, the same bytes on every machine.

    Beside them come `val_images` validation scenes (None: 3 for 16 training scenes) and a quarter as many warm-up
    scenes as training ones, labelled by appearance. A scene depends on the seed, its split and its number alone.
    `style="naive"` is a control for benchmarks: each class has a look of its own.

    `root` must be new or empty; it appears under its name only when it is complete. Where it already holds exactly
    these scenes nothing is done. ValueError for what cannot be drawn; DatasetError for a folder that holds something
    else. `progress` is called with (scenes written, all scenes).
    """
    val = max(1, images * 3 // 16) if val_images is None else val_images
    counts = {"train": images, "val": val, WARMUP: max(1, images // 4)}
    scenes = SceneSet.model_validate(
        {"style": style, "seed": seed, "size": size, "images": counts, "appearance": appearance_names(style)}
    )
    if _already_there(root, scenes):
        return scenes
    root.parent.mkdir(parents=True, exist_ok=True)
    partial = root.with_name(f".{root.name}.{os.getpid()}.partial")
    try:
        _write_splits(partial, scenes, progress or (lambda _done, _total: None))
        (partial / SCENES_FILE).write_text(scenes.model_dump_json(indent=1) + "\n", "utf-8")
        partial.rename(root)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return scenes


def _already_there(root: Path, scenes: SceneSet) -> bool:
    """Whether `root` holds just these scenes. DatasetError when it holds anything else."""
    if not root.exists():
        return False
    if not root.is_dir():
        raise DatasetError(f"{root} is not a folder; give a new one for the scenes")
    if not any(root.iterdir()):
        return False
    try:
        there = SceneSet.model_validate_json((root / SCENES_FILE).read_text("utf-8"))
    except (OSError, ValidationError):
        there = None
    if there != scenes:
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
    """Suffix and content of a scene's label file: appearance classes for the warm-up, official label ids elsewhere."""
    if split == WARMUP:
        return APPEARANCE_SUFFIX, scene.appearance
    return LABEL_SUFFIX, _LABEL_IDS[scene.label]
