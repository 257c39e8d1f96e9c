from __future__ import annotations

import numpy as np
from PIL import Image


def test_labels_that_mean_nothing_end_an_inspection_with_1(segnas, tmp_path):
    mask = np.repeat(np.array([[0, 255]], np.uint8), 8, axis=0).repeat(8, axis=1)
    for split in ("training", "validation"):
        for folder, pixels in (("images", np.stack([mask] * 3, -1)), ("annotations", mask // 255 * np.uint8(12))):
            (tmp_path / folder / split).mkdir(parents=True)
            Image.fromarray(pixels).save(tmp_path / folder / split / "a.png")
    code, out, _ = segnas("data", "inspect", tmp_path)
    assert code == 1
    assert "error: the training and validation labels hold the class 'sidewalk' alone and up to 50%" in out
