from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from nas.data.cityscapes import open_cityscapes
from nas.data.dataset import DatasetError
from nas.data.scenes import draw_scene, generate
from nas.data.scenes import generate as generate_scenes
from search_spaces.validation import InputError

SIZE = (128, 256)


def digest(root: Path) -> str:
    files = sorted(p for p in root.rglob("*") if p.is_file())
    content = b"".join(p.relative_to(root).as_posix().encode() + b"\0" + p.read_bytes() for p in files)
    return hashlib.sha256(content).hexdigest()


def test_the_bytes_are_pinned(tmp_path):
    """The same on every machine; a change of what is drawn must change VERSION and this digest knowingly."""
    generate(tmp_path / "scenes", 2, 0, SIZE, 1)
    assert digest(tmp_path / "scenes") == "93732fe620934dc92f2865ab7588782a118ecdce1cb8efce81422b45067b2ecf"


def test_the_cityscapes_reader_reads_it_back(tmp_path):
    calls = []
    scenes = generate(tmp_path / "scenes", 4, 3, SIZE, 2, lambda done, total: calls.append((done, total)))
    assert scenes.images == {"train": 4, "val": 2, "warmup": 1}
    assert calls == [(done, 7) for done in range(1, 8)]
    dataset = open_cityscapes(tmp_path / "scenes")
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 4, "val": 2}
    for split, number in (("train", 0), ("val", 1)):
        for index in range(2):
            image, label = dataset.split(split).load(index)
            expected = draw_scene((3, number, index), SIZE)
            np.testing.assert_array_equal(image, expected.image)
            np.testing.assert_array_equal(label, expected.label)
    warmup = dataset.appearance
    assert warmup is not None
    assert dataset.appearance_names == scenes.appearance
    np.testing.assert_array_equal(warmup.load(0)[1], draw_scene((3, 2, 0), SIZE).appearance)


def test_another_seed_has_another_key_although_sizes_coincide(tmp_path):
    keys = set()
    for seed in range(3):
        generate(tmp_path / str(seed), 1, seed, SIZE, 1)
        keys.add(open_cityscapes(tmp_path / str(seed)).key)
    assert len(keys) == 3


def test_more_images_keep_the_first_ones(tmp_path):
    generate(tmp_path / "few", 1, 0, SIZE)
    generate(tmp_path / "more", 3, 0, SIZE)
    for file in (tmp_path / "few" / "leftImg8bit").rglob("*.png"):
        assert (tmp_path / "more" / file.relative_to(tmp_path / "few")).read_bytes() == file.read_bytes()


def test_nothing_is_done_twice_and_nothing_is_overwritten(tmp_path):
    root = tmp_path / "scenes"
    root.mkdir()
    generate(root, 1, 0, SIZE)
    before = {p: p.stat().st_mtime_ns for p in root.rglob("*")}
    generate(root, 1, 0, SIZE)
    assert {p: p.stat().st_mtime_ns for p in root.rglob("*")} == before
    with pytest.raises(DatasetError, match="holds something other than these scenes"):
        generate(root, 1, 1, SIZE)
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match="is not a folder"):
        generate(tmp_path / "file", 1, 0, SIZE)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").touch()
    with pytest.raises(DatasetError, match="holds something other"):
        generate(tmp_path / "other", 1, 0, SIZE)


def test_an_interruption_leaves_nothing(tmp_path):
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "scenes", 2, 0, SIZE, None, interrupt)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [(128, 128), (96, 192), (130, 260), (8192, 16384)])
def test_sizes_that_cannot_be_drawn(tmp_path, size):
    with pytest.raises(InputError, match=r"^scenes cannot be \d+x\d+: the height must be a multiple of 32"):
        generate(tmp_path / "scenes", 1, 0, size)


@pytest.mark.parametrize(("images", "seed", "val"), [(0, 0, 1), (1, -1, 1), (1, 0, 0)])
def test_counts_that_make_no_data_set(tmp_path, images, seed, val):
    with pytest.raises(ValueError, match="greater than or equal to"):
        generate_scenes(tmp_path / "scenes", images, seed, SIZE, val)


def test_naive_style(tmp_path):
    scenes = generate(tmp_path / "naive", 1, 0, SIZE, style="naive")
    dataset = open_cityscapes(tmp_path / "naive")
    assert scenes.appearance == dataset.class_names
    assert dataset.appearance_classes == 19
