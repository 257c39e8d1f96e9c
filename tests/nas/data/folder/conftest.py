"""Folders of images and masks, written from arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Tree = Callable[[Mapping[str, object]], Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Write files below the test's folder: text as it is, an array or a list of rows of pixels as an image."""

    def write(files: Mapping[str, object]) -> Path:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, str):
                path.write_text(content, "utf-8")
            elif isinstance(content, Image.Image):
                content.save(path)
            else:
                Image.fromarray(np.array(content, np.uint8)).save(path)
        return tmp_path

    return write
