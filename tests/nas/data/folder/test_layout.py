"""A described folder, opened: pairs, splits, labels, and the key that covers the description."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.data.dataset import IGNORE
from nas.data.errors import DatasetError
from nas.data.folder.colours import ColourTable, distinct_colours
from nas.data.folder.description import (
    FileSplit,
    FolderClass,
    FolderDataset,
    FolderSplit,
    ListSplit,
    Places,
    RatioSplit,
)
from nas.data.folder.layout import open_folder_dataset
from search_spaces.validation import InputError, validate

CLASSES = (FolderClass(name="a", labels=(0,), colour="#010203"), FolderClass(name="b", labels=(1,), colour="#040506"))
HERE = {"images": "images", "masks": "masks"}
GREY = [[9, 9]]


def described(root, split, **more: Any) -> FolderDataset:
    return FolderDataset(root=root, split=split, **{"classes": CLASSES, "ignore": (255,), **more})


@pytest.fixture
def four(tree):
    files: dict[str, object] = {}
    for index, stem in enumerate("abcd"):
        files[f"images/{stem}.{['png', 'bmp', 'tif', 'webp'][index]}"] = [[[index, 0, 0], [0, 0, 0]]]
        files[f"masks/{stem}_m.png"] = [[1, 255]]
    return tree(files)


def stems(dataset):
    return {name: [item.image.stem for item in split.items] for name, split in dataset.splits.items()}


def test_lists_files_and_mappings_say_the_split(four, tree):
    tree(
        {
            "train.txt": "\ufeffa.png\r\nimages/b.bmp masks/b.png\r\nb\r\n\r\n",
            "val.txt": "images/c.tif\nd\n",
            "split.csv": "name,split\na,train\nb,training\nc,val\nd,valid\n",
            "split.txt": "a train\nb train\nc val\nd val\n",
            "split.json": '{"train": ["a", "b"], "val": ["c.tif", "d"]}',
            "split.yaml": "train: [a, b]\nval: [c, d]\n",
        }
    )
    splits: list[ListSplit | FileSplit] = [ListSplit(**HERE, train="train.txt", val="val.txt")]
    splits += [FileSplit(**HERE, file=f"split.{kind}") for kind in ("csv", "txt", "json", "yaml")]
    for split in splits:
        dataset = open_folder_dataset(described(four, split, mask_suffix="_m"))
        assert stems(dataset) == {"train": ["a", "b"], "val": ["c", "d"]}, split
    assert dataset.class_names == ("a", "b")
    assert dataset.palette.tolist() == [[1, 2, 3], [4, 5, 6]]
    image, label = dataset.split("val").load(0)
    assert image.tolist() == [[[2, 0, 0], [0, 0, 0]]]
    assert label.tolist() == [[1, IGNORE]]


def test_folders_say_the_split(tree):
    root = tree({f"{split}/{kind}/{split}.png": [[0, 1]] for split in ("train", "val") for kind in ("images", "masks")})
    places = {split: Places(images=f"{split}/images", masks=f"{split}/masks") for split in ("train", "val")}
    assert stems(open_folder_dataset(described(root, FolderSplit(**places)))) == {"train": ["train"], "val": ["val"]}


def test_images_and_masks_in_one_folder(tree):
    root = tree({name: [[0, 1]] for name in ("a.png", "a_m.png", "b.png", "b_m.png")})
    dataset = open_folder_dataset(described(root, RatioSplit(images=".", masks=".", val=0.5), mask_suffix="_m"))
    assert sorted(stem for names in stems(dataset).values() for stem in names) == ["a", "b"]


def test_lists_name_images_in_folders_below_by_as_much_as_is_needed(tree):
    names = ("s/1", "s/2", "t/1", "t/3")
    root = tree(
        {f"images/{name}.png": [[0, 1]] for name in names}
        | {f"masks/{name}_m.png": [[0, 1]] for name in names}
        | {"s.csv": "images/s/1.png,train\ns/2,train\nt/1.png,val\n3,val\n", "t.csv": "1,train\n3,val\n"}
        | {
            "u.csv": "images/s/1.png,train\ns/1,val\n",
            "train.txt": "images/s/1.png masks/s/1.png\n",
            "val.txt": "t/1\n3",
        }
    )
    nested = {**HERE, "nested": True}
    dataset = open_folder_dataset(described(root, FileSplit(**nested, file="s.csv"), mask_suffix="_m"))
    found = {
        name: [item.image.relative_to(root / "images") for item in dataset.split(name).items]
        for name in ("train", "val")
    }
    assert found == {"train": [Path("s/1.png"), Path("s/2.png")], "val": [Path("t/1.png"), Path("t/3.png")]}
    listed = open_folder_dataset(
        described(root, ListSplit(**nested, train="train.txt", val="val.txt"), mask_suffix="_m")
    )
    assert stems(listed) == {"train": ["1"], "val": ["1", "3"]}
    for file, reason in (
        ("t.csv", "several images are named 1, .*: write their folders"),
        ("u.csv", "s/1 is in training"),
    ):
        with pytest.raises(DatasetError, match=reason):
            open_folder_dataset(described(root, FileSplit(**nested, file=file), mask_suffix="_m"))


def test_links_in_circles_end(tree):
    root = tree({"images/s/1.png": [[0, 1]], "images/s/2.png": [[0, 1]], "masks/s/1.png": GREY, "masks/s/2.png": GREY})
    (root / "images" / "s" / "again").symlink_to(root / "images")
    dataset = open_folder_dataset(described(root, RatioSplit(**HERE, nested=True)))
    assert sorted(stem for names in stems(dataset).values() for stem in names) == ["1", "2"]


@given(st.integers(2, 60), st.floats(0.01, 0.99), st.integers(0, 5))
def test_ratio_splits_are_stable(count, share, seed):
    from nas.data.folder.layout import _by_ratio

    split = RatioSplit(**HERE, val=share, seed=seed)
    names = [f"n{index}" for index in range(count)]
    train, val = _by_ratio(names, split)
    assert sorted(train + val) == sorted(names)
    assert len(val) == min(max(1, round(share * count)), count - 1)
    assert _by_ratio(names, split) == (train, val)
    more_train, more_val = _by_ratio([*names, "another"], split)
    assert len(set(val) ^ set(more_val)) <= 2  # the newcomer, or one at the boundary
    assert len(set(train) ^ set(more_train)) <= 2


def test_seeds_choose_differently():
    from nas.data.folder.layout import _by_ratio

    names = [f"n{index}" for index in range(50)]
    chosen = {tuple(_by_ratio(names, RatioSplit(**HERE, seed=seed))[1]) for seed in range(5)}
    assert len(chosen) == 5


@pytest.mark.parametrize(
    ("files", "split", "reason"),
    [
        ({"images/e.png": GREY}, RatioSplit(**HERE), "no mask e_m.* in .*masks for the image e.png"),
        ({}, ListSplit(**HERE, train="train.txt", val="val.txt"), "train.txt cannot be read"),
        (
            {"t.txt": "a", "v.txt": "z"},
            ListSplit(**HERE, train="t.txt", val="v.txt"),
            "z.jpg is missing; .*v.txt",
        ),
        ({"s.csv": "a,train\nb,val\n", "images/e.png": GREY}, FileSplit(**HERE, file="s.csv"), None),
        ({"s.csv": "a,train\ne,val\n", "images/e.png": GREY}, FileSplit(**HERE, file="s.csv"), "there is no mask e_m"),
        ({"s.csv": "a,train\nb,val\n"}, FileSplit(**HERE, file="s.csv"), None),
        ({"s.csv": "a,train\nz,val\n"}, FileSplit(**HERE, file="s.csv"), "no image z, which .*s.csv lists for val"),
        ({"s.csv": "a,train\n"}, FileSplit(**HERE, file="s.csv"), "no image is for val by"),
        ({"s.csv": "a,train\na,val\n"}, FileSplit(**HERE, file="s.csv"), "a is in training and in validation"),
        ({"s.csv": "a,train\nb,test\n"}, FileSplit(**HERE, file="s.csv"), "line 2: `name,train` or `name,val`"),
        ({"s.json": "["}, FileSplit(**HERE, file="s.json"), "s.json is not JSON"),
        ({"s.yaml": "a: ["}, FileSplit(**HERE, file="s.yaml"), "s.yaml is not YAML"),
        ({"s.json": '{"train": "a"}'}, FileSplit(**HERE, file="s.json"), "must have `train` and `val`"),
        ({}, RatioSplit(images="none", masks="masks"), "none is not a readable folder"),
        ({"empty/x.txt": ""}, RatioSplit(images="empty", masks="masks"), "there is no image in .*empty"),
    ],
)
def test_what_is_wrong_is_named(four, tree, files, split, reason):
    tree(files)
    description = described(four, split, mask_suffix="_m")
    if reason is None:
        assert stems(open_folder_dataset(description)) == {"train": ["a"], "val": ["b"]}
        return
    with pytest.raises(DatasetError, match=reason):
        open_folder_dataset(description)


def test_one_image_cannot_be_divided(tree):
    root = tree({"images/a.png": GREY, "masks/a.png": GREY})
    with pytest.raises(DatasetError, match="two are the least"):
        open_folder_dataset(described(root, RatioSplit(**HERE)))


def test_a_value_without_a_class_names_the_mask(tree):
    root = tree({f"{kind}/{stem}.png": [[0, 3]] for kind in ("images", "masks") for stem in "ab"})
    with pytest.raises(DatasetError, match=r"masks/[ab].png: label values \[3\]"):
        open_folder_dataset(described(root, RatioSplit(**HERE, val=0.5))).split("train").load(0)


def coloured(root, **colours: str) -> FolderDataset:
    classes = [FolderClass(name=name, labels=(colour,), colour=colour) for name, colour in colours.items()]
    return FolderDataset(root=root, split=RatioSplit(**HERE, val=0.5), read="colours", classes=tuple(classes))


def test_colours_are_classes(tree):
    mask = [[(255, 0, 0), (0, 0, 0)]]
    root = tree({f"{kind}/{stem}.png": mask for kind in ("images", "masks") for stem in "ab"})
    dataset = open_folder_dataset(coloured(root, black="#000000", red="#ff0000"))
    assert dataset.split("val").load(0)[1].tolist() == [[1, 0]]
    with pytest.raises(DatasetError, match="#ff0000 of the mask's 2 colours belong to no class"):
        open_folder_dataset(coloured(root, black="#000000", white="#ffffff")).split("val").load(0)


def test_the_key_covers_split_classes_and_mapping(tree):
    root = tree({f"{kind}/{stem}.png": [[0, 1]] for kind in ("images", "masks") for stem in "abcdefgh"})
    base = described(root, RatioSplit(**HERE, val=0.5))
    swapped = tuple(item.model_copy(update={"labels": (1 - int(item.labels[0]),)}) for item in CLASSES)
    renamed = (CLASSES[0].model_copy(update={"name": "z"}), CLASSES[1])
    others = [
        described(root, RatioSplit(**HERE, val=0.5), classes=swapped),
        described(root, RatioSplit(**HERE, val=0.5), classes=renamed),
        described(root, RatioSplit(**HERE, val=0.5), ignore=()),
        described(root, RatioSplit(**HERE, val=0.5, seed=1)),
        described(root, RatioSplit(**HERE, val=0.25)),
    ]
    keys = {open_folder_dataset(description).key for description in (base, *others)}
    assert len(keys) == len(others) + 1
    assert open_folder_dataset(base).key in keys
    recoloured = (CLASSES[0].model_copy(update={"colour": "#ffffff"}), CLASSES[1])
    assert open_folder_dataset(described(root, RatioSplit(**HERE, val=0.5), classes=recoloured)).key in keys


def test_colours_of_classes_are_distinct_and_not_black():
    assert len({*distinct_colours(255), "#000000"}) == 256


def test_keys_of_colour_tables_differ():
    tables = [{"#000000": 0, "#ff0000": 1}, {"#000000": 1, "#ff0000": 0}, {"#000000": 0, "#ff0000": 1, "#0000ff": 255}]
    assert len({ColourTable.of(table).signature for table in tables}) == 3


@given(st.lists(st.integers(0, 2**24 - 1), min_size=2, max_size=20, unique=True), st.randoms(use_true_random=False))
def test_colour_tables_agree_with_a_dictionary(codes, random):
    mapping = {code: index for index, code in enumerate(codes)}
    table = ColourTable.of({f"#{code:06x}": index for code, index in mapping.items()})
    pixels = [random.choice(codes) for _ in range(12)]
    colours = np.array([[code >> 16, code >> 8 & 255, code & 255] for code in pixels], np.uint8).reshape(3, 4, 3)
    assert table.apply(colours, Path("mask.png")).reshape(-1).tolist() == [mapping[code] for code in pixels]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"classes": CLASSES[:1]}, "at least 2 items"),
        ({"classes": (CLASSES[0], CLASSES[0])}, "two classes have the name 'a'"),
        ({"ignore": (1,)}, "1 belongs to two classes, or to a class and to `ignore`"),
        ({"read": "colours"}, "labels are #rrggbb colours, not 0"),
        ({"ignore": ("#000000",)}, "labels are numbers from 0 to 255, not #000000"),
        ({"split": {"by": "ratio", "images": "/abs", "masks": "m"}}, "split.images"),
        ({"split": {"by": "luck"}}, "'luck' is not known here"),
        ({"split": {"by": "folders", "train": HERE, "val": HERE}}, "training and validation images are both in images"),
        ({"suffix": "_m"}, "unknown field; did you mean"),
    ],
)
def test_descriptions_are_checked(tmp_path, change, reason):
    data = described(tmp_path, RatioSplit(**HERE)).model_dump()
    with pytest.raises(InputError, match=reason.replace("(", r"\(")):
        validate(FolderDataset, {**data, **change})
